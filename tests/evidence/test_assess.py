from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dockfix import Changed, Options, Skipped, fix
from dockfix.files.build_context import describe_context
from dockfix.files.dependencies import note_surroundings
from dockfix.results import Result

DOCKERFILE = 'FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nCMD ["python", "main.py"]\n'
DEFAULT = Options()
GIVES = "mkdir -p /data"


def lay(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder / "Dockerfile"


def fixed(folder: Path, source: str, options: Options = DEFAULT, dockerfile: str = DOCKERFILE) -> Result:
    path = lay(folder, {"Dockerfile": dockerfile, "main.py": source})
    return fix(dockerfile, options, describe_context(str(path)))


def codes(result: Result) -> tuple[list[str], list[str]]:
    """The codes of the findings that require a review, and of the notes."""
    if isinstance(result, Skipped):
        return [one.code for one in result.reasons], []
    assert isinstance(result, Changed)
    notes = [one.code for one in result.notes]
    return [one.code for one in result.reviews], notes


@pytest.mark.parametrize(
    ("source", "held", "notes"),
    [
        ("open('/data/a', 'w')", [], []),
        ("open('a', 'w')", [], []),
        ("open('/tmp/a', 'w')", [], []),
        ("open('/data/a' if x else '/srv/b', 'w')", [], []),
        ("open('/data/a' if x else '/etc/b', 'w')", [], ["may-write"]),
        ("open(input(), 'w')", [], ["unknown-place"]),
        ("open('/etc/motd', 'w')", ["writes-to-system-directory"], []),
        ("import os\nos.mkdir('/data')", ["writes-to-system-directory"], []),
        ("open('/root/a', 'w')", ["uses-root-home"], []),
        ("import os\nos.setuid(1)", ["needs-root-process"], []),
        ("import os\ntry:\n    os.setuid(1)\nexcept OSError:\n    pass", [], ["may-need-root"]),
        ("from flask import Flask\nFlask('x').run(port=80)", ["low-port"], []),
    ],
)
def test_what_a_claim_leads_to(tmp_path: Path, source: str, held: list[str], notes: list[str]) -> None:
    assert codes(fixed(tmp_path, source)) == (held, notes)
    assert codes(fixed(tmp_path, source, Options(evidence=False))) == ([], [])


def given_to_script(folder: Path, script: str, steps: str = "") -> str:
    """The rewrite of a Dockerfile whose entry point is a script beside an application that is read."""
    dockerfile = (
        f"FROM python:3.12-slim\n{steps}WORKDIR /app\nCOPY . .\n"
        'ENTRYPOINT ["./start.sh"]\nCMD ["python", "main.py"]\n'
    )
    lay(folder, {"start.sh": f'#!/bin/sh\n{script}\nexec "$@"\n', "default.yml": "a: 1\n"})
    result = fixed(folder, "print(1)", dockerfile=dockerfile)
    assert isinstance(result, Changed)
    assert not result.reviews
    return result.text


@pytest.mark.parametrize(
    "line",
    [
        "ledger serve /data",
        "ledger --database=/data/ledger.db",
        "sqlite3 /data/ledger.db 'create table entries (id)'",
        "rm -f /data/ledger.pid",
        "find /data -name '*.pid' -delete",
    ],
)
def test_a_directory_that_a_start_script_names_is_given(tmp_path: Path, line: str) -> None:
    text = given_to_script(tmp_path, line, "RUN apt-get update && mkdir /data\n")
    assert "chown appuser:appuser /data\n" in text


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("[ -f /config/app.yml ] || cp default.yml /config/app.yml", True),
        ("cp -n default.yml /config/", True),
        ("echo 1 | tee /config/app.yml", True),
        ("mv default.yml /config/app.yml", True),
        ("if [ -d /config ]; then cp -n default.yml /config/; fi", False),
        ("rm -f /config/app.yml", False),
    ],
)
def test_a_directory_that_is_to_be_mounted_is_given(tmp_path: Path, line: str, expected: bool) -> None:
    text = given_to_script(tmp_path, line)
    assert ("mkdir -p /config && chown appuser:appuser /config\n" in text) is expected


@pytest.mark.parametrize("source", ["import torch\ntorch.hub.load('a', 'b')\n", "import unknown_models\n"])
def test_a_cache_that_a_stage_has_filled_is_given_with_all_that_is_in_it(tmp_path: Path, source: str) -> None:
    dockerfile = (
        "FROM python:3.12-slim AS models\nRUN python -c 'fill()'\n"
        "FROM python:3.12-slim\nENV TORCH_HOME=/opt/torch\nCOPY --from=models /opt/torch /opt/torch\n"
        'WORKDIR /app\nCOPY main.py .\nRUN apt-get update\nCMD ["python", "main.py"]\n'
    )
    result = fixed(tmp_path, source, dockerfile=dockerfile)
    assert isinstance(result, Changed)
    assert "COPY --chown=appuser:appuser --from=models /opt/torch /opt/torch\n" in result.text


@pytest.mark.parametrize("step", ["python manage.py migrate", "python main.py"])
def test_what_a_step_of_roots_leaves_by_the_applications_code_is_given(tmp_path: Path, step: str) -> None:
    source = "import os\nos.makedirs('/var/lib/site', exist_ok=True)\nopen('/var/lib/site/db', 'a')\n"
    lay(tmp_path, {"manage.py": source})
    dockerfile = DOCKERFILE.replace("CMD", f"RUN {step} > /etc/site-version\nCMD")
    result = fixed(tmp_path, source, dockerfile=dockerfile)
    assert isinstance(result, Changed)
    assert not result.reviews
    (given,) = (line for line in result.text.split("\n") if "chown -R" in line)
    assert given.rstrip().endswith("/var/lib/site")


@pytest.mark.parametrize("path", ["~/.gitconfig", "~/.ssh/config", "$HOME/.cache/matplotlib/f", "~/notes"])
def test_what_the_sources_read_in_roots_home_is_missed(tmp_path: Path, path: str) -> None:
    step = f"RUN apt-get update && mkdir -p {path.rpartition('/')[0]} && echo 1 > {path}\n"
    dockerfile = DOCKERFILE.replace("WORKDIR", f"{step}WORKDIR")
    source = f"import os\nprint(open(os.path.expandvars(os.path.expanduser('{path}'))).read())\n"
    held, _ = codes(fixed(tmp_path, source, dockerfile=dockerfile))
    assert {"denied-to-user", "uses-root-home"}.intersection(held)


@pytest.mark.parametrize(
    "step",
    [
        "RUN install -m 755 main.py /usr/local/bin/ledger",
        "RUN cp main.py /usr/local/bin/ledger && chmod +x /usr/local/bin/ledger",
        "RUN ln -s /app/main.py /usr/local/bin/ledger",
        "COPY --chmod=755 main.py /usr/local/bin/ledger",
    ],
)
def test_a_program_that_stands_on_path_is_read(tmp_path: Path, step: str) -> None:
    dockerfile = f'FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\n{step}\nENTRYPOINT ["ledger"]\n'
    source = "#!/usr/bin/env python3\nimport os\nos.makedirs('/data/x', exist_ok=True)\n"
    result = fixed(tmp_path, source, dockerfile=dockerfile)
    assert isinstance(result, Changed)
    assert not result.reviews
    assert GIVES in result.text


def test_a_written_directory_is_given_above_a_volume(tmp_path: Path) -> None:
    dockerfile = DOCKERFILE.replace("COPY", "VOLUME /data\nCOPY")
    result = fixed(tmp_path, "import os\nos.makedirs('/srv/up', exist_ok=True)", dockerfile=dockerfile)
    assert isinstance(result, Changed)
    lines = result.text.split("\n")
    account = next(index for index, line in enumerate(lines) if "useradd" in line)
    assert "/srv/up" in "".join(lines[account : lines.index("VOLUME /data")])
    assert fix(result.text, Options(), describe_context(str(tmp_path / "Dockerfile"))).__class__.__name__ == (
        "Unchanged"
    )


def test_the_line_of_python_is_named(tmp_path: Path) -> None:
    result = fixed(tmp_path, "import os\n\nos.setuid(1)\n")
    assert isinstance(result, Skipped)
    assert "main.py:3 needs root: os.setuid" in result.reasons[0].message


def test_of_each_stage_that_ships_its_own_start_is_read(tmp_path: Path) -> None:
    dockerfile = DOCKERFILE.replace("python:3.12-slim", "python:3.12-slim AS web") + (
        'FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nCMD ["python", "other.py"]\n'
    )
    (tmp_path / "other.py").write_text("print(1)\n")
    source = "open('/data/a', 'w')\n"
    both = fixed(tmp_path, source, dockerfile=dockerfile)
    assert isinstance(both, Changed)
    web, other = both.text.split("FROM python:3.12-slim\n")
    assert (GIVES in web, GIVES in other) == (True, False)


@pytest.mark.parametrize(
    ("name", "text", "holds"),
    [
        ("main.py", "import settings\nopen('/data/b', 'w')\n", False),
        ("settings.py", "PLACE = 1\n", False),
        ("settings/__init__.py", "", False),
        ("docs/more/note.py", "x = 1\n", True),
        ("data.txt", "x", False),
    ],
)
def test_a_result_is_old_when_what_was_read_changes(
    tmp_path: Path, name: str, text: str, holds: bool
) -> None:
    (tmp_path / "docs" / "more").mkdir(parents=True)
    path = lay(tmp_path, {"Dockerfile": DOCKERFILE, "main.py": "import settings\nopen('/data/a', 'w')\n"})
    context = describe_context(str(path))
    assert isinstance(fix(DOCKERFILE, Options(), context), Changed)
    seen = note_surroundings(context)
    lay(tmp_path, {name: text})
    assert (seen.renew(str(path)) is not None) is holds


@pytest.mark.integration
def test_sources_are_read_without_libcst(tmp_path: Path) -> None:
    lay(tmp_path, {"Dockerfile": DOCKERFILE, "main.py": "open('/data/a', 'w')\n"})
    program = (
        "import sys, dockfix\nfrom dockfix.files.build_context import describe_context\n"
        "text = open('Dockerfile').read()\n"
        "result = dockfix.fix(text, dockfix.Options(), describe_context('Dockerfile'))\n"
        "print('/data' in result.text, 'libcst' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "True False\n"


@pytest.mark.parametrize(
    ("steps", "source", "held"),
    [
        ("COPY --chown=7:8 s.json /data/", "open('/data/s.json', 'a')", ["denied-to-user"]),
        ("COPY s.json /data/", "open('/data/s.json', 'a')", []),
        ("COPY s.json /data/\nRUN chown 7 /data/s.json", "open('/data/s.json', 'a')", []),
        ("COPY --chmod=644 s.json /tmp/in/", "open('/tmp/in/out', 'w')", []),
        ("RUN mkdir -p /tmp/in", "open('/tmp/in/out', 'w')", []),
        ("RUN install -d -m 555 /tmp/in\nRUN apt-get update", "open('/tmp/in/out', 'w')", []),
        ("RUN rm -rf /app && apt-get update", "open('here', 'w')", []),
        ("COPY --chmod=644 s.json /data/in/", "open('/data/in/s.json')", []),
        ("COPY --chmod=644 s.json /srv/", "open('/srv/s.json')", []),
    ],
)
def test_what_is_written_is_held_against_what_stands_there(
    tmp_path: Path, steps: str, source: str, held: list[str]
) -> None:
    text = f'FROM python:3.12-slim\nWORKDIR /app\n{steps}\nCOPY main.py .\nCMD ["python", "main.py"]\n'
    assert codes(fixed(tmp_path, source, dockerfile=text))[0] == held


@pytest.mark.parametrize("place", ["/data", "/srv/state"])
def test_sources_that_stand_in_the_dockerfile_are_read(tmp_path: Path, place: str) -> None:
    text = (
        f"FROM python:3.12-slim\nWORKDIR /app\nCOPY <<EOF main.py\nopen('{place}/x', 'w')\nEOF\n"
        'CMD ["python", "main.py"]\n'
    )
    result = fixed(tmp_path, "", dockerfile=text)
    assert isinstance(result, Changed)
    assert f"mkdir -p {place}" in result.text


@pytest.mark.parametrize(
    ("variable", "step", "expected"),
    [
        ("PREFECT_HOME=/data", "RUN true", True),
        ("GRADIO_TEMP_DIR=/data", "RUN true", True),
        ("MLFLOW_TRACKING_URI=file:///data", "RUN true", True),
        ("DBT_PACKAGES_INSTALL_PATH=/data", "RUN true", True),
        # A step makes it, or may put what is only read there.
        ("POETRY_HOME=/data", "RUN curl -sSL https://example.org | python3 - --at $POETRY_HOME", False),
        ("MODEL_DIR=/data", "COPY . /data", False),
        ("JAVA_HOME=/data", "RUN true", False),
        ("STATIC_DIR=/data", "RUN true", False),
        ("BASE_URL=/data", "RUN true", False),
    ],
)
def test_places_that_variables_name_and_nothing_makes(
    tmp_path: Path, variable: str, step: str, expected: bool
) -> None:
    dockerfile = DOCKERFILE.replace("COPY . .", f"ENV {variable}\n{step}\nCOPY main.py .")
    result = fixed(tmp_path, "print()\n", DEFAULT, dockerfile)
    assert isinstance(result, Changed)
    assert (GIVES in result.text) == expected


ASKED = "import os\ndef keep(place):\n    os.makedirs(PLACES[place])\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("PLACES = vars()\nOUT = '/data'\n", True),
        ("PLACES = f(out='/data')\n", True),
        ("PLACES = Store('/data')\n", True),
        ("PLACES = f(open('/data').read())\n", False),
        ("PLACES = vars()\nSTATE_URL = '/data'\n", False),
        ("PLACES = vars()\nAPI_V1_STR: str = '/data'\n", False),
        ("PLACES = vars()\nSTATE: str = '/data'\n", True),
        ("PLACES = vars()\nprint('/data')\n", False),
        ("import requests\nPLACES = vars()\nPARTS = ['/data']\n", False),
        ("PLACES = vars()\nPARTS = ['cmd.exe', '/c']\n", False),
    ],
)
def test_values_of_code_that_writes_to_an_unknown_place(tmp_path: Path, source: str, expected: bool) -> None:
    result = fixed(tmp_path, f"{ASKED}{source}keep(input())\n")
    assert isinstance(result, Changed)
    assert (GIVES in result.text) == expected


def test_values_in_the_text_that_documents_a_module(tmp_path: Path) -> None:
    result = fixed(tmp_path, f'# Keeps.\n"""Keeps.\n\n    keep(out="/data")\n"""\n{ASKED}keep(input())\n')
    assert isinstance(result, Changed)
    assert GIVES not in result.text


def test_values_of_code_whose_writes_are_known(tmp_path: Path) -> None:
    result = fixed(tmp_path, "OUT = '/data'\nopen('x', 'w')\n")
    assert isinstance(result, Changed)
    assert GIVES not in result.text


@pytest.mark.parametrize(
    ("target", "held"),
    [
        ("/dev/stdout", []),
        ("/dev/stderr", []),
        ("/etc/motd", ["writes-to-system-directory"]),
    ],
)
def test_a_log_that_is_a_link_to_the_output(tmp_path: Path, target: str, held: list[str]) -> None:
    dockerfile = DOCKERFILE.replace("COPY", f"RUN ln -sf {target} /var/log/app.log\nCOPY")
    assert codes(fixed(tmp_path, "open('/var/log/app.log', 'a')", DEFAULT, dockerfile))[0] == held


@pytest.mark.parametrize("words", ["[]", "''", "[tool]", "[tool, '/data/x']"])
def test_commands_without_a_program_start_nothing(tmp_path: Path, words: str) -> None:
    result = fixed(tmp_path, f"import subprocess\nsubprocess.run({words})\n")
    assert isinstance(result, Changed)
    assert result.safe


WRITES = "open('/data/a', 'w')\n"


@pytest.mark.parametrize(
    ("command", "files", "gives", "held"),
    [
        ('["honcho", "start"]', {"Procfile": "web: memcached\njob: python main.py\n"}, True, []),
        ("supercronic crontab", {"crontab": "5 * * * * cd /app && python main.py\n"}, True, []),
        (
            '["./wait-for-it.sh", "db:5432", "--", "python", "main.py"]',
            {"wait-for-it.sh": "#!/bin/sh\n"},
            True,
            [],
        ),
        ('["locust", "-f", "main.py"]', {}, True, []),
        # What starts modules by tables that are not read.
        ("pipenv run start", {}, False, ["unread-entrypoint"]),
        ("nodemon --exec 'python main.py'", {}, False, ["unread-entrypoint"]),
        ("app-server", {}, False, ["unread-entrypoint"]),
        ("sleep infinity", {}, False, []),
        # A module that the image has from elsewhere.
        ("python -m http.server", {}, False, []),
    ],
)
def test_starts_that_lists_and_runners_name(
    tmp_path: Path, command: str, files: dict[str, str], gives: bool, held: list[str]
) -> None:
    dockerfile = f"FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nCMD {command}\n"
    path = lay(tmp_path, {"Dockerfile": dockerfile, "main.py": WRITES, **files})
    result = fix(dockerfile, context=replace(describe_context(str(path)), is_alone=False))
    assert isinstance(result, Changed)
    assert (GIVES in result.text) == gives
    assert codes(result)[0] == held
