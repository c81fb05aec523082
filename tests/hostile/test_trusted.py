"""Only our own data is trusted: a cache by owner, mode and signature, a cluster by its version."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from git_repository import Repository

from dockfix.files import cache as caches
from dockfix.files.cache import Cache, open_cache, read_key
from dockfix.options import Options
from dockfix.runner import cluster
from dockfix.runner.jobs import Job

RunDockfix = Callable[..., tuple[int, str, str]]
BEFORE = "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN pip install x\nCMD python app.py\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A cache with an entry."""
    path = tmp_path / "caches" / "a.cache"
    cache = Cache(str(path), "v1", b"key")
    cache.put("/a", (cache.number_of(("unchanged",)), "more"))
    cache.save()
    assert knows(path)
    return path


def knows(path: Path, key: bytes = b"key") -> bool:
    return Cache(str(path), "v1", key).row("/a") is not None


def test_a_cache_is_closed_to_others(place: Path) -> None:
    assert place.stat().st_mode & 0o777 == 0o600
    assert place.parent.stat().st_mode & 0o777 == 0o700


def test_a_cache_with_another_key_is_empty(place: Path) -> None:
    assert not knows(place, b"another")
    assert not knows(place, b"")


def test_a_cache_that_was_changed_is_empty(place: Path) -> None:
    data = place.read_bytes()
    for at in (len(data) - 1, len(data) // 2, data.index(b"\n") + 3):
        place.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert not knows(place)
    for cut in range(0, len(data), 7):
        place.write_bytes(data[:cut])
        assert not knows(place)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_cache_that_others_may_write_is_empty(place: Path, mode: int) -> None:
    place.chmod(mode)
    assert not knows(place)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_cache_of_somebody_else_is_empty(place: Path) -> None:
    os.chown(place, 4321, -1)
    assert not knows(place)


def test_a_cache_that_is_a_link_or_a_pipe_is_empty(place: Path) -> None:
    real = place.rename(place.with_name("real"))
    place.symlink_to(real)
    assert not knows(place)
    place.unlink()
    os.mkfifo(place)
    assert not knows(place)


def test_the_key_is_made_once_and_for_us_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    key = read_key()
    assert len(key) == 32
    assert read_key() == key
    (file,) = tmp_path.rglob("cache.key")
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644 | 0o020)
    assert read_key() == b""


@pytest.mark.integration
def test_without_a_place_for_the_key_nothing_is_remembered(
    dockfix: RunDockfix, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.put("Dockerfile", text=BEFORE)
    repository.commit()
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null/nowhere")
    assert dockfix("--check", ".")[0] == 1
    assert dockfix("--check", ".")[0] == 1
    assert not open_cache(str(repository.folder)).knows_files


@pytest.mark.integration
def test_a_cache_that_came_with_a_repository_is_not_believed(
    dockfix: RunDockfix, repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An attacker stored `unchanged` for the file, signed with another key."""
    repository.put("Dockerfile", text=BEFORE)
    repository.commit()
    monkeypatch.setenv("DOCKFIX_CACHE_DIR", str(repository.folder / "cache"))
    monkeypatch.setattr(caches, "code_version", lambda: "the same")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "theirs"))
    assert dockfix("--check", ".")[0] == 1
    assert open_cache(str(repository.folder)).knows_files
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "mine"))
    assert not open_cache(str(repository.folder)).knows_files


def test_a_worker_of_another_version_says_so() -> None:
    job = Job("Dockerfile", b"FROM a\n", Options())
    with pytest.raises(ValueError, match=r"a worker has dockfix [\d.]+, but this is 0\.0\.0"):
        cluster.work_chunk([job], 1.0, "0.0.0")


def test_a_scheduler_that_is_not_there_is_one_line(dockfix: RunDockfix, repository: Repository) -> None:
    pytest.importorskip("distributed", reason="Dask is an extra")
    repository.put("Dockerfile", text=BEFORE)
    repository.commit()
    code, _, messages = dockfix("--check", "--no-cache", "--scheduler", "tcp://127.0.0.1:9", ".")
    assert code == 2
    assert len(messages.splitlines()) == 1
    assert messages.startswith("dockfix: --scheduler: no response from tcp://127.0.0.1:9")
