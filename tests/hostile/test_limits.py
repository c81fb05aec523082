"""No file can stall or end a run: it alone fails, or is ignored, and is named."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from git_repository import Repository

from dockfix import Options, fix
from dockfix.config.reading import read_folder
from dockfix.results import Changed, Failed, Skipped, Unchanged

RunDockfix = Callable[..., tuple[int, str, str]]
BEFORE = "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN pip install x\nCMD python app.py\n"


def nested(depth: int) -> str:
    return "x = " + "{1: " * depth + "open('/data/x', 'w')" + "}" * depth + "\n"


SOURCES = {
    "nested": nested(2_000),
    "nested-deeper": nested(100_000),
    "sum": "x = " + "+".join(['"a"'] * 20_000) + "\nopen(x)\n",
    "sum-of-twenty": "a = 'b'\nopen(" + "+".join(["a"] * 20) + ", 'w')\n",
    "conditions": "open(" + "".join("'a' if b else (" for _ in range(60)) + "'c'" + ")" * 60 + ", 'w')\n",
    "parents": "from pathlib import Path\nopen(Path(__file__)" + ".parent" * 60 + " / 'a', 'w')\n",
    "number": f"open({'9' * 5_000}, 'w')\nimport uvicorn\nuvicorn.run(port={'9' * 5_000})\n",
    "escape": "open('\\N{no such name}', 'w')\n",
    "power": "x = 'a'\n" + "x = x + x\n" * 60 + "open(x, 'w')\n",
    "shift": "open('/data/' + str(2 + " + "9" * 400 + "), 'w')\n",
    "surrogate": "open('\\ud800', 'w')\n",
    "nul": "open('/data/\\0', 'w')\n",
}


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.integration
def test_python_sources(dockfix: RunDockfix, repository: Repository, name: str) -> None:
    repository.put("Dockerfile", "other/Dockerfile", text=BEFORE)
    repository.put("app.py", text=SOURCES[name])
    repository.commit()
    start = time.monotonic()
    code, _, messages = dockfix("--write", "--timeout", "3", "--verbose", ".")
    assert time.monotonic() - start < 20
    is_unread = name in ("nested", "nested-deeper", "number", "escape")
    assert (code, messages.count(": changed (")) == (0, 0 if is_unread else 2), messages
    assert "Traceback" not in messages
    assert ("[evidence-cut]" in messages) is is_unread


DOCKERFILES = {
    "args": "FROM python:3.12\nARG A0=aaaaaaaaaa\n"
    + "".join(f"ARG A{one + 1}=$A{one}$A{one}\n" for one in range(60))
    + "RUN echo $A60\nCMD python a.py\n",
    "replaced": "FROM python:3.12\nARG A0=aaaaaaaaaa\n"
    + "".join(f"ARG A{one + 1}=${{A{one}//a/aaaaaaaaaa}}\n" for one in range(60))
    + "CMD python a.py\n",
    "stages": "FROM python:3.12 AS s0\n"
    + "".join(f"FROM s{one} AS s{one + 1}\nRUN pip install a\n" for one in range(400))
    + "CMD python a.py\n",
    "copies": "FROM python:3.12 AS s0\n"
    + "".join(f"FROM python:3.12 AS s{one + 1}\nCOPY --from=s{one} /a /a\n" for one in range(400))
    + "CMD python a.py\n",
    "copies-below-the-limit": "FROM python:3.12 AS s0\n"
    + "".join(f"FROM python:3.12 AS s{one + 1}\nCOPY --from=s{one} /a /a\n" for one in range(99))
    + "CMD python a.py\n",
    "pin": "FROM python:3.12\nRUN pip install pip==21.3. && pip install x\nCMD python a.py\n",
    "user": f"FROM python:3.12\nUSER {'9' * 5_000}\nCMD python a.py\n",
    "user-squared": "FROM python:3.12\nUSER \u00b2\nCMD python a.py\n",
    "port": f"FROM python:3.12\nEXPOSE {'9' * 5_000}\nCMD python a.py\n",
    "json": "FROM python:3.12\nCMD " + "[" * 5_000 + "]" * 5_000 + "\n",
    "substitutions": "FROM python:3.12\nRUN " + "$(" * 2_000 + ")" * 2_000 + "\nCMD python a.py\n",
    "braces": "FROM python:3.12\nRUN echo " + "{a,b}" * 60 + "\nCMD python a.py\n",
    "default": "FROM python:3.12\nARG A=" + "${A:-" * 3_000 + "}" * 3_000 + "\nCMD python a.py\n",
}


@pytest.mark.parametrize("name", DOCKERFILES)
def test_dockerfiles(name: str) -> None:
    start = time.monotonic()
    result = fix(DOCKERFILES[name])
    assert time.monotonic() - start < 20
    assert isinstance(result, Changed | Skipped | Unchanged | Failed)
    if name in ("stages", "copies"):
        assert isinstance(result, Failed)
        assert result.error.code == "too-large"


LONG = {
    "functions": "RUN mkdir $a" + "function f " * 1_800 + "\nCMD python a.py\n",
    "evals": "CMD if " + "eval " * 500 + "chmod " * 3_000 + "\n",
    "sources": "WORKDIR /app\nCOPY ." + " >" * 3_000 + " .\nRUN pip install x\nCMD python a.py\n",
}
"""Each took more than ten seconds of processor time."""


@pytest.mark.parametrize("name", LONG)
def test_lines_of_twenty_thousand_characters(name: str) -> None:
    start = time.process_time()
    fix("FROM python:3.12\n" + LONG[name], Options(unsafe=True))
    assert time.process_time() - start < 6


@pytest.mark.integration
def test_memory_and_a_dead_process_are_named(dockfix: RunDockfix, repository: Repository) -> None:
    lines = "".join(f"ENV A{one}={'x' * 40_000}$A{one - 1}\n" for one in range(1_000))
    repository.put("Dockerfile", text=f"FROM python:3.12\n{lines}CMD python a.py\n")
    repository.put("good/Dockerfile", text=BEFORE)
    repository.commit()
    code, _, messages = dockfix("--check", "--timeout", "5", ".")
    assert "good/Dockerfile: would change" in messages
    assert code in (1, 123), messages
    assert "Traceback" not in messages


@pytest.mark.integration
def test_the_cache_does_not_remember_what_was_not_read(dockfix: RunDockfix, repository: Repository) -> None:
    repository.put("Dockerfile", text=BEFORE)
    repository.put("app.py", text=nested(2_000))
    repository.commit()
    first = dockfix("--check", "--verbose", ".")
    Path("app.py").write_text("open('/data/x', 'w')\n")
    second = dockfix("--check", "--verbose", ".")
    assert "not all of its sources were read [evidence-cut]" in first[2]
    assert "evidence-cut" not in second[2]


DESCRIPTIONS = {
    "docker-bake.hcl": "".join(
        f'target "t{one}" {{\n inherits = [' + ", ".join([f'"t{one + 1}"'] * 30) + "]\n}\n"
        for one in range(12)
    ),
    "compose.yml": "a: &a [x, x, x, x, x, x, x, x, x]\n"
    + "".join(
        f"{chr(98 + one)}: &{chr(98 + one)} [{', '.join(['*' + chr(97 + one)] * 9)}]\n" for one in range(12)
    )
    + "services:\n  s:\n    build:\n      context: .\n      args: *m\n      tags: *m\n",
    "loop/compose.yml": "services: &a\n  s: &b\n    build: &c\n      context: .\n      args: *c\n"
    "      tags: [*c]\n    <<: *b\n",
    ".github/workflows/a.yml": "jobs:\n  a:\n    steps:\n      - run: |\n          docker build "
    + "${{" * 60_000
    + "\n",
    "build.sh": "docker build " + "$(" * 60_000 + "\ndocker build " + '"\\' * 60_000 + "\n",
    "Makefile": "docker build " + "`" * 99_999 + "\n" + "docker " * 30_000,
    "deep/docker-bake.json": '{"target": ' + '{"a":' * 20_000 + "1" + "}" * 20_000 + "}",
    "deep/docker-bake.hcl": 'target "a" {\n a = ' + "{ b = " * 20_000 + "1" + "}" * 20_000 + "}\n",
    "here/docker-bake.hcl": 'target "a" {\n' + "a = <<A\n" * 30_000 + "}\n",
    "quotes/docker-bake.hcl": 'target "a" {\n a = ' + '"\\' * 100_000 + "\n}\n",
    "nul/compose.yml": 'services:\n  s:\n    build:\n      context: "a\\0b"\n      dockerfile: "c\\0d"\n',
    "nul/docker-bake.json": '{"target": {"a": {"context": "\\u0000", "dockerfile": "\\ud800"}}}',
    "nul/build.sh": "docker build -f 'a\0b' .\n",
    "pod/pod.yaml": "kind: Pod\nspec:\n  securityContext: {runAsNonRoot: true}\n  containers: &a [*a]\n",
    "pod/deep.yaml": "kind: Pod\nrunAsUser: " + "[" * 30_000 + "\ncontainers:\n",
    ".devcontainer/devcontainer.json": '{"build": {"dockerfile": "Dockerfile"}, "user": ' + "[" * 30_000,
    "comments/devcontainer.json": "/*" * 100_000 + '{"dockerFile": ' + ", " * 30_000,
}


@pytest.mark.parametrize("name", DESCRIPTIONS)
@pytest.mark.parametrize("arguments", [("--write", "--timeout", "1", "."), ("--check", "Dockerfile")])
@pytest.mark.integration
def test_descriptions_of_builds(
    dockfix: RunDockfix, repository: Repository, name: str, arguments: tuple[str, ...]
) -> None:
    repository.put("Dockerfile", text=BEFORE)
    repository.put("app.py", text="print()")
    repository.put(name, text=DESCRIPTIONS[name])
    repository.commit()
    start = time.monotonic()
    code, _, messages = dockfix("--timeout", "1", *arguments)
    assert time.monotonic() - start < 15
    assert "Traceback" not in messages
    assert "Dockerfile: changed (" in messages or "Dockerfile: would change (" in messages or code == 0
    if code == 123:
        assert f"{name}: error: " in messages
    else:
        assert code == ("--check" in arguments), messages


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a" + ".a" * 100_000 + " = 1\n", "not finished within 1 seconds"),
        ("a = " + "[" * 100_000, "nested too deeply"),
    ],
)
@pytest.mark.integration
def test_configurations(dockfix: RunDockfix, repository: Repository, text: str, message: str) -> None:
    repository.put("Dockerfile", text=BEFORE)
    repository.put("dockfix.toml", text=text)
    begin = time.monotonic()
    code, out, messages = dockfix("--check", "--timeout", "1", ".")
    assert time.monotonic() - begin < 10
    assert (code, out) == (2, "")
    assert f"dockfix.toml: {message}" in messages


@pytest.mark.integration
def test_many_overrides(folder: Path) -> None:
    """Looking for the line of each key in the whole text took 39 seconds for 4,000 overrides."""
    (folder / "dockfix.toml").write_text("[[overrides]]\npaths = ['a']\nuser = 'u'\n" * 4_000)
    begin = time.monotonic()
    config = read_folder(str(folder))
    assert time.monotonic() - begin < 8
    assert config is not None
    assert config.overrides[3_999].lines == {"paths": 11_999, "user": 12_000}


SECRET = "hunter2"
UNREAD = {
    "compose.yml": (f"services:\n  a: {{build: .}}\n  b: [{SECRET}: :\n", "not valid YAML (line 3)"),
    "stack.yml": (f"services:\n  web: {{build: {SECRET}}}\n  - a\n", "not valid YAML (line 3)"),
    ".github/workflows/a.yml": (f"jobs:\n  run: docker build .\n  a: '{SECRET}\n", "not valid YAML (line 4)"),
    ".gitlab-ci.yml": (f"a:\n script: docker build .\n\t{SECRET}: b\n", "not valid YAML (line 3)"),
    "skaffold.yaml": (f"build:\n  artifacts: [{SECRET}]\n", "its parts are not what its format asks for"),
    "docker-bake.hcl": (f'target "a" {{\n  context = "."\n}}\n{SECRET}', "not valid HCL (line 4)"),
    "docker-bake.json": (f'{{"target": {SECRET}}}', "not valid JSON (line 1)"),
    "deep/docker-bake.json": ('{"target": ' + '{"a":' * 20_000, "nested too deeply to be read"),
    "deep/devcontainer.json": (
        '{"dockerFile": "Dockerfile", "remoteUser": ' + "[" * 30_000,
        "nested too deeply to be read",
    ),
    "fly.toml": (f"# docker\n[build]\ndockerfile = {SECRET}\n", "not valid TOML"),
    "deploy/pod.yaml": (
        f"kind: Pod\nspec:\n  containers:\n  - image: api\n    command: [{SECRET}\n",
        "not valid YAML (line 6)",
    ),
    "large/compose.yml": (f"services:\n  a: {{build: .}}\n#{SECRET * 50_000}\n", "larger than 256 KiB"),
    "large/docker-bake.hcl": (f"# {SECRET * 50_000}\n" + 'target "a" {}\n', "larger than 256 KiB"),
    "large/pod.yaml": (
        "kind: Pod\nspec:\n  containers:\n  - image: api\n    command: [a]\n" + f"#{SECRET * 50_000}\n",
        "larger than 256 KiB",
    ),
    "large/build.sh": (f"docker build .\n#{SECRET * 50_000}\n", "larger than 256 KiB"),
}


@pytest.mark.parametrize("name", UNREAD)
@pytest.mark.integration
def test_a_description_that_cannot_be_read_is_named_and_not_quoted(
    dockfix: RunDockfix, repository: Repository, name: str
) -> None:
    text, reason = UNREAD[name]
    repository.put("api/Dockerfile", text=BEFORE)
    repository.put(name, text=text)
    repository.commit()
    for arguments in (("--check", "."), ("--check", "api/Dockerfile"), ("--write", ".")):
        code, out, messages = dockfix(*arguments)
        assert code == ("--check" in arguments), messages
        assert messages.count(f"{name}: {reason}: what it builds or runs is not known [unread-desc") == 1
        assert SECRET not in out + messages
        assert "api/Dockerfile: " in messages


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"services: [{SECRET}: :\n", "not valid YAML (line 1)"),
        ("#" * 300_000, "larger than 256 KiB"),
    ],
)
def test_a_file_that_a_description_names_is_named_too(
    dockfix: RunDockfix, repository: Repository, text: str, reason: str
) -> None:
    repository.put("api/Dockerfile", text=BEFORE)
    repository.put("compose.yml", text="services:\n  a:\n    extends: {file: shared.yml, service: b}\n")
    repository.put("shared.yml", text=text)
    repository.commit()
    code, _, messages = dockfix("--check", ".")
    assert code == 1
    assert f"shared.yml: {reason}: " in messages
    assert SECRET not in messages


def test_a_description_that_is_not_a_file_or_leads_out(
    dockfix: RunDockfix, repository: Repository, tmp_path: Path
) -> None:
    repository.put("Dockerfile", text=BEFORE)
    outside = tmp_path.with_name(tmp_path.name + "-outside.yml")
    outside.write_text(f"services: [{SECRET}: :\n")
    Path("compose.yml").symlink_to(outside)
    Path("closed").mkdir()
    Path("closed/compose.yml").mkdir()
    Path("gone.compose.yml").symlink_to("nowhere.yml")
    repository.commit()
    _, _, messages = dockfix("--check", "--verbose", ".")
    assert "compose.yml: a symbolic link leads out of the repository: " in messages
    assert "gone" not in messages
    assert SECRET not in messages


def test_descriptions_that_say_nothing_of_images_are_not_a_loss(
    dockfix: RunDockfix, repository: Repository
) -> None:
    repository.put("Dockerfile", text=BEFORE)
    repository.put("app.py", text="print()")
    repository.put(".github/workflows/a.yml", text="build: [\n")
    repository.put("data/big.yaml", text="build: x\n" * 50_000)
    repository.put(
        "chart/templates/a.yaml",
        "chart/templates/a-stack.yaml",
        text="{{ if }}\nkind: Pod\nbuild: {{ docker }}\n",
    )
    repository.put("package.json", text='{"scripts": "build"}')
    repository.commit()
    code, _, messages = dockfix("--check", "--verbose", ".")
    assert (code, "unread-description" in messages) == (1, False), messages
