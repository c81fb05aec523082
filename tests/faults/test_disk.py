"""A disk that fails at any moment of a run that writes loses nothing, and is named."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from git_repository import Repository

import dockfix
from tests.faults.sweep import KINDS

BEFORE = "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN pip install x=={0}\nCMD python app.py\n"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def shim(tmp_path: Path) -> Path:
    """The library of disk.c, outside of the folder whose files it watches."""
    if sys.platform != "linux":
        pytest.skip("a library is preloaded")
    built = tmp_path.with_name(tmp_path.name + "-disk.so")
    source = Path(__file__).with_name("disk.c")
    subprocess.run(["cc", "-Wall", "-Werror", "-shared", "-fPIC", "-o", built, source, "-ldl"], check=True)
    return built


@pytest.mark.integration
@pytest.mark.parametrize("kind", KINDS)
def test_a_disk_that_fails_at_some_moments(
    repository: Repository, tmp_path: Path, shim: Path, kind: str
) -> None:
    check_moments(repository, tmp_path, shim, kind, 10, step=40 if kind == "open" else 5)


@pytest.mark.bench
@pytest.mark.timeout(3 * 60 * 60)
@pytest.mark.parametrize("kind", KINDS)
def test_a_disk_that_fails_at_every_moment(
    repository: Repository, tmp_path: Path, shim: Path, kind: str
) -> None:
    begin = time.monotonic()
    check_moments(repository, tmp_path, shim, kind, 50, step=1)
    print(f"{time.monotonic() - begin:.0f} seconds")


def check_moments(repository: Repository, folder: Path, shim: Path, kind: str, files: int, step: int) -> None:
    for number in range(files):
        repository.put(f"s{number:02}/Dockerfile", text=BEFORE.format(number))
        repository.put(f"s{number:02}/app.py", text="print(1)\n")
    repository.commit()
    done = sweep(folder, shim, kind, step)
    print(done.stdout)
    assert done.returncode == 0, done.stdout
    assert "times exit code 123" in done.stdout


def sweep(folder: Path, shim: Path, kind: str, step: int) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "LD_PRELOAD": str(shim),
        "PYTHONPATH": f"{ROOT}:{Path(dockfix.__file__).parents[1]}",
        "XDG_STATE_HOME": str(folder / "state"),
    }
    with (folder.with_name(folder.name + "-messages")).open("w+b") as messages:
        return subprocess.run(
            [sys.executable, "-m", "tests.faults.sweep", kind, "1", str(step)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=messages,
            text=True,
            check=False,
        )
