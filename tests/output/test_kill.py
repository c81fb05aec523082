"""A run that is killed at any moment loses nothing, can be resumed, and can be undone completely."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from git_repository import Repository

import dockfix

FILES = 120
BEFORE = 'FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN pip install x=={0}\nCMD ["python", "app.py"]\n'


def start(*arguments: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(Path(dockfix.__file__).parents[1])}
    command = [sys.executable, "-m", "dockfix", *arguments]
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, start_new_session=True)


def finish(*arguments: str) -> int:
    with start(*arguments) as process:
        return process.wait()


@pytest.mark.parametrize(
    "kills", [pytest.param(4, marks=pytest.mark.integration), pytest.param(100, marks=pytest.mark.bench)]
)
def test_kills_lose_nothing(repository: Repository, kills: int) -> None:
    names = [f"s{number:03}/Dockerfile" for number in range(FILES)]
    for number, name in enumerate(names):
        repository.put(name, text=BEFORE.format(number))
    repository.commit()
    assert finish("--check", ".") == 1
    files = [repository.folder / name for name in names]
    before = [file.read_bytes() for file in files]
    states: list[list[bytes]] = []
    for last in sorted(random.Random(kills).sample(range(FILES - 20), kills)):
        with start("--write", ".") as process:
            deadline = time.monotonic() + 20
            while files[last].read_bytes() == before[last] and time.monotonic() < deadline:
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
        states.append([file.read_bytes() for file in files])
        assert states[-1][last] != before[last]
        assert states[-1][-1] == before[-1]
    assert finish("--write", ".") == 0
    after = [file.read_bytes() for file in files]
    assert all(one != other for one, other in zip(before, after, strict=True))
    for state in states:
        assert all(now in pair for now, *pair in zip(state, before, after, strict=True))
    left = {path.name for path in repository.folder.rglob(".dockfix-*")}
    assert left == set()
    assert finish("--undo") == 0
    assert [file.read_bytes() for file in files] == before
    assert repository.git("status", "--porcelain") == ""


@pytest.mark.integration
def test_ctrl_c_reports_what_was_done(repository: Repository) -> None:
    for number in range(3 * FILES):
        repository.put(f"s{number:03}/Dockerfile", text=BEFORE.format(number))
    repository.commit()
    environment = {**os.environ, "PYTHONPATH": str(Path(dockfix.__file__).parents[1])}
    command = [sys.executable, "-m", "dockfix", "--write", ".", "--no-cache"]
    with subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        deadline = time.monotonic() + 20
        while repository.git("diff", "--name-only").count("\n") < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        messages = process.stderr.read().decode()
        assert process.wait() == 130
    changed = len(repository.git("diff", "--name-only").splitlines())
    assert 0 < changed < 3 * FILES
    assert f"{changed} files processed, interrupted before the remaining {3 * FILES - changed}\n" in messages
    assert finish("--undo") == 0
    assert repository.git("status", "--porcelain") == ""
