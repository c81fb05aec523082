"""Moves that somebody began: files that end in a USER which cannot work, and those that can."""

from __future__ import annotations

from pathlib import Path

import pytest
from unfinished_moves import UnfinishedMove, find_unfinished

from dockfix import Changed, Options, Unchanged, fix
from dockfix.checks import codes
from dockfix.context import Context, Deployment, Mount, Setting
from dockfix.files.build_context import describe_context

MOVES = find_unfinished()
WORKS = "FROM python:3.12-slim\nRUN useradd --create-home app\nWORKDIR /app\nCOPY app.py .\nUSER app\n"
START = 'CMD ["python", "app.py"]\n'


@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.name)
def test_begun_move_is_finished_and_nothing_else_changes(move: UnfinishedMove, tmp_path: Path) -> None:
    dockerfile = move.lay_out(tmp_path)
    result = fix(dockerfile.read_text(encoding="utf-8"), Options(), describe_context(str(dockerfile)))
    assert isinstance(result, Changed), result
    assert result.text == move.expected
    (review,) = result.reviews
    assert review.code == codes.UNFINISHED_MOVE.name
    assert review.line == move.line
    assert move.says in review.message


@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.name)
def test_finished_move_is_left_alone(move: UnfinishedMove, tmp_path: Path) -> None:
    dockerfile = move.lay_out(tmp_path)
    assert fix(move.expected, Options(), describe_context(str(dockerfile))) == Unchanged()


@pytest.mark.parametrize(
    "text",
    [
        # What a program may do in its working directory is not certain.
        WORKS + START,
        WORKS + 'CMD ["gunicorn", "app:app"]\n',
        # A base, a package, a script or a file that is copied may bring the account.
        "FROM acme/python\nUSER nonroot\n" + START,
        "FROM python:3.12-slim\nRUN apt-get install -y redis\nUSER redis\n" + START,
        "FROM python:3.12-slim\nCOPY setup.sh /\nRUN /setup.sh\nUSER nonroot\n" + START,
        "FROM python:3.12-slim\nCOPY --from=build /etc/passwd /etc/passwd\nUSER nonroot\n" + START,
        "FROM python:3.12-slim\nCOPY files /\nUSER nonroot\n" + START,
        "FROM python:3.12-slim\nCOPY passwd group /etc/\nUSER nonroot\n" + START,
        "FROM python:3.12-slim\nRUN echo nonroot:x:7:7::/:/bin/sh >> /etc/passwd\nUSER nonroot\n" + START,
        # Debian has it, and a number needs no account.
        "FROM python:3.12-slim\nUSER www-data\n" + START,
        "FROM python:3.12-slim\nUSER 1000:1000\n" + START,
        # The step may be skipped, or may fail.
        WORKS + "RUN mkdir logs || true\n" + START,
        # Root's own cache, which the account's pip does not use; and a cache that everybody writes.
        WORKS + "RUN --mount=type=cache,target=/root/.cache/pip pip install flask\n" + START,
        WORKS + "RUN --mount=type=cache,mode=0777,target=/home/app/.cache/pip pip install flask\n" + START,
        # PATH names the scripts, or a start by path needs no PATH.
        WORKS + 'RUN pip install flask\nENV PATH=/home/app/.local/bin:$PATH\nCMD ["flask", "run"]\n',
        WORKS + 'RUN pip install flask\nCMD ["python", "-m", "flask", "run"]\n',
        # Becoming root, or running an unread installer, makes the rest uncertain.
        WORKS + "RUN sudo chown app logs && mkdir /logs\n" + START,
        "FROM python:3.12-slim\nRUN ansible-playbook accounts.yml\nUSER app\n" + START,
        "FROM ubuntu:24.04\nRUN apt-get install -y slapd\nUSER openldap\n" + START,
        # A binary runs without being readable; chown knows an older separator.
        WORKS.replace("USER", "ADD https://example.org/tini /tini\nRUN chmod +x /tini\nUSER")
        + 'ENTRYPOINT ["/tini", "--", "python", "app.py"]\n',
        WORKS.replace("USER", "RUN mkdir /data && chown app. /data\nUSER") + "RUN touch /data/a\n" + START,
        # The group that may read the file is kept.
        WORKS.replace("USER app", "RUN echo 1 > key && chgrp app key && chmod 640 key\nUSER app:app") + START,
    ],
)
def test_user_that_is_denied_nothing_for_certain_keeps_its_file(text: str) -> None:
    assert fix(text) == Unchanged()


def written(context: Context) -> Changed | Unchanged:
    text = WORKS.replace("COPY app.py .", "COPY app.py .\nRUN mkdir /data") + START
    result = fix(text, Options(), context)
    assert isinstance(result, Changed | Unchanged)
    return result


@pytest.mark.parametrize(
    ("source", "is_reported"),
    [
        ("open('/data/visits', 'w')", True),
        ("open('/home/app/visits', 'w')", False),
        # The home of whoever wrote the sources, which nobody has in the image.
        ("open('/home/ana/shop/visits', 'w')", False),
        ("import sqlite3\nsqlite3.connect('/Users/ana/shop/visits.db')", False),
        # The setting is required, and the place unknown; without a default that would be a place.
        ("import os, pathlib\n(pathlib.Path(os.environ.get('RUN_DIR', '')) / 'out').mkdir()", False),
        ("import os, pathlib\n(pathlib.Path(os.environ.get('RUN_DIR', '/data')) / 'out').mkdir()", True),
    ],
)
def test_place_that_only_another_machine_has_is_not_denied(source: str, is_reported: bool) -> None:
    files = {"app.py": source}
    around = Context("Dockerfile", read=files.get, names=lambda folder: frozenset(() if folder else files))
    assert isinstance(written(around), Changed) is is_reported


def test_host_decides_on_a_folder_that_is_mounted() -> None:
    files = {"app.py": "open('/data/visits', 'w').write('1')\n"}

    def names(folder: str) -> frozenset[str]:
        return frozenset(files) if not folder else frozenset()

    around = Context("Dockerfile", read=files.get, names=names)
    assert isinstance(written(around), Changed)
    mount = Mount(Setting("/data", 4), "./data")
    service = Deployment("compose.yaml", 1, "compose", "app", dockerfile="Dockerfile", mounts=(mount,))
    assert written(Context("Dockerfile", read=files.get, names=names, deployments=(service,))) == Unchanged()


def test_what_cannot_be_given_is_noted() -> None:
    result = fix(WORKS + 'CMD ["gunicorn", "--pid", "/run/app.pid", "app:app"]\n')
    assert isinstance(result, Unchanged)
    (note,) = result.notes
    assert str(note) == (
        "line 6: the start command writes /run/app.pid, which is denied to app: /run [unfinished-move]"
        " (use another path, or do it as root above USER)"
    )


def test_one_repair_may_reveal_another() -> None:
    text = "FROM python:3.12-slim\nWORKDIR /app\nCOPY app.py .\nUSER web\nRUN mkdir logs\n" + START
    result = fix(text)
    assert isinstance(result, Changed)
    assert result.text == (
        "FROM python:3.12-slim\nWORKDIR /app\nCOPY app.py .\n"
        "RUN useradd --create-home web && chown web:web /app\nUSER web\nRUN mkdir logs\n" + START
    )
    assert [(one.line, one.message) for one in result.reviews] == [
        (4, "USER names web, which no step creates and python:3.12-slim does not have"),
        (5, "mkdir makes /app/logs, which is denied to web: /app"),
    ]


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ("touch ~/x && mv ~/x /opt/", "mv moves /home/app/x"),
        ("cd && wget https://example.org/a.tgz && tar xzf a.tgz && mv a /opt/", "mv moves /home/app/a"),
        ("cd && git clone https://example.org/a && cp -r a /opt/b", "cp copies /home/app/a"),
    ],
)
def test_what_a_step_puts_into_a_directory_of_the_system_is_noted(step: str, says: str) -> None:
    # Without its source, the step would fail all the same.
    result = fix(WORKS + f"RUN {step}\n" + START)
    assert isinstance(result, Unchanged)
    (note,) = result.notes
    assert note.message == f"{says}, which is denied to app: /opt"
