"""Nothing is lost: not to concurrent runs, not to a full disk, not to a journal written by somebody else."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from git_repository import Repository

import dockfix as package
from dockfix.output import journal as journals

RunDockfix = Callable[..., tuple[int, str, str]]
BEFORE = "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN pip install x=={0}\nCMD python app.py\n"


def start(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(Path(package.__file__).parents[1])}
    command = [sys.executable, "-m", "dockfix", *arguments]
    silence = subprocess.DEVNULL
    return subprocess.Popen(command, **{"env": environment, "stdout": silence, "stderr": silence, **options})


def plant(repository: Repository, count: int) -> dict[Path, bytes]:
    names = [f"s{number:02}/Dockerfile" for number in range(count)]
    for number, name in enumerate(names):
        repository.put(name, text=BEFORE.format(number))
    repository.commit()
    return {repository.folder / name: (repository.folder / name).read_bytes() for name in names}


def read(files: dict[Path, bytes]) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in files}


@pytest.mark.integration
def test_ten_writers_and_two_undoers(repository: Repository) -> None:
    before = plant(repository, 40)
    writers = [start("--write", "--allow-dirty", ".") for _ in range(10)]
    assert [writer.wait() for writer in writers] == [0] * 10
    after = read(before)
    assert all(after[path] != before[path] for path in before)
    undoers = [start("--undo") for _ in range(2)]
    assert [undoer.wait() for undoer in undoers] == [0, 0]
    assert read(before) == before
    assert not list(repository.folder.rglob(".dockfix-*"))


@pytest.mark.integration
def test_writers_of_different_folders_at_once(repository: Repository) -> None:
    before = plant(repository, journals.KEPT - 1)
    writers = [start("--write", "--allow-dirty", path.parent.name) for path in before]
    assert {writer.wait() for writer in writers} == {0}
    for _ in before:
        undo = start("--undo")
        assert undo.wait() == 0
    assert read(before) == before


@pytest.mark.integration
def test_a_limit_of_file_sizes(repository: Repository) -> None:
    before = plant(repository, 3)
    limit = (300, 300)

    def confine() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)

    with start("--write", "--no-cache", ".", preexec_fn=confine, stderr=subprocess.PIPE) as run:
        messages = run.communicate()[1].decode()
    assert run.returncode == 123, messages
    assert "File too large" in messages
    assert "Traceback" not in messages
    assert read(before) == before
    assert start("--write", ".").wait() == 0
    assert start("--undo").wait() == 0
    assert read(before) == before


@pytest.mark.integration
def test_a_full_cache_costs_nothing_but_time(
    dockfix: RunDockfix, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(repository, 2)
    monkeypatch.setenv("DOCKFIX_CACHE_DIR", "/dev/full/cache")
    assert dockfix("--check", ".")[0] == 1
    assert dockfix("--check", ".")[0] == 1


def write_journal(repository: Repository, *rows: object) -> Path:
    folder = repository.folder / ".git/dockfix"
    folder.mkdir(exist_ok=True)
    lines = [
        row if isinstance(row, str) else json.dumps(row) for row in ({"format": 1}, *rows, {"end": True})
    ]
    path = folder / "00000000000000000001.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


def row(path: Path, before: bytes = b"evil\n", after: bytes | None = None) -> dict[str, str]:
    known = path.read_bytes() if after is None else after
    return {
        "path": os.fsencode(path).hex(),
        "before": b64encode(before).decode(),
        "after": sha256(known).hexdigest(),
    }


def test_a_foreign_journal_names_files_of_the_repository_only(
    dockfix: RunDockfix, repository: Repository, tmp_path: Path
) -> None:
    outside = tmp_path / "profile"
    outside.write_text("mine\n")
    repository.put("inside", text="known\n")
    dotted = repository.folder / "sub" / ".." / ".." / "profile"
    hook = repository.folder / ".git/config"
    (repository.folder / "sub").mkdir()
    write_journal(
        repository, row(outside), row(dotted), row(hook), row(repository.folder / "inside", after=b"x")
    )
    settings = hook.read_bytes()
    code, _, messages = dockfix("--undo")
    assert code == 123
    assert outside.read_text() == "mine\n"
    assert hook.read_bytes() == settings
    assert (repository.folder / "inside").read_text() == "known\n"
    assert messages.count("not a file that a run here would have written [outside]") == 3


@pytest.mark.parametrize(
    "bad",
    [
        {"path": 7},
        {"path": "zz"},
        {"path": "2f61"},
        {"path": "2f61", "before": "*", "after": "0" * 64},
        {"path": "61", "before": "", "after": "0" * 64},
        {"path": "2f00", "before": "", "after": "0" * 64},
        {"path": "2f61", "before": "", "after": "x"},
        {"path": "2f61", "before": "", "after": None},
        {"refused": 1},
        {"refused": "2f61"},
        {"path": "2f61", "before": [], "after": {}},
    ],
)
def test_a_malformed_row_is_refused(
    dockfix: RunDockfix, repository: Repository, bad: dict[str, object]
) -> None:
    repository.put("Dockerfile", text="after\n")
    write_journal(repository, row(repository.folder / "Dockerfile", b"before\n"), bad)
    code, _, messages = dockfix("--undo")
    assert code == 123
    assert "a row in it is malformed: nothing more was undone" in messages
    assert Path("Dockerfile").read_text() == "after\n"


@pytest.mark.parametrize("text", ["[" * 100_000, "\0", "é", "{", "1", "null", '"path"', "{}"])
def test_a_line_that_is_no_row_is_passed_over(dockfix: RunDockfix, repository: Repository, text: str) -> None:
    repository.put("Dockerfile", text="after\n")
    write_journal(repository, text, row(repository.folder / "Dockerfile", b"before\n"), text)
    assert dockfix("--undo")[0] == 0
    assert Path("Dockerfile").read_text() == "before\n"


@pytest.mark.integration
def test_a_journal_that_is_no_file(dockfix: RunDockfix, repository: Repository, tmp_path: Path) -> None:
    repository.put("Dockerfile", text=BEFORE)
    repository.commit()
    folder = repository.folder / ".git/dockfix"
    folder.mkdir()
    os.mkfifo(folder / "00000000000000000001.jsonl")
    assert dockfix("--undo")[0] == 123
    (folder / "00000000000000000001.jsonl").unlink()
    (tmp_path / "mine").write_text("mine\n")
    (folder / "00000000000000000001.jsonl").symlink_to(tmp_path / "mine")
    code, _, messages = dockfix("--write", ".")
    assert "Traceback" not in messages
    assert code in (0, 123)
    assert (tmp_path / "mine").read_text() == "mine\n"


@pytest.mark.integration
def test_a_journal_folder_that_is_a_link(dockfix: RunDockfix, repository: Repository, tmp_path: Path) -> None:
    repository.put("Dockerfile", text=BEFORE)
    repository.commit()
    (tmp_path / "elsewhere").mkdir()
    (repository.folder / ".git/dockfix").symlink_to(tmp_path / "elsewhere")
    assert "--undo will not be able to undo this run" in dockfix("--write", ".")[2]
    assert list((tmp_path / "elsewhere").iterdir()) == []
