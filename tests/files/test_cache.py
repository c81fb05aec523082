from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from dockfix.files import stamps
from dockfix.files.cache import Cache, Row, code_version, open_cache


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("caches") / "cache" / "x.cache")


def keep(place: str, path: str, outcome: tuple[Any, ...] = ("unchanged",)) -> None:
    """Store a row in the cache at `place`."""
    cache = Cache(place, "v1", b"key")
    cache.put(path, (cache.number_of(outcome), "more"))
    cache.save()


def find(place: str, path: str) -> Row | None:
    return Cache(place, "v1", b"key").row(path)


@pytest.fixture
def _old(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat every write as old enough to trust."""
    monkeypatch.setattr(stamps, "_SETTLED", -(10**12))


def test_a_row_comes_back_equal_to_the_same_version(place: str) -> None:
    keep(place, "/a/Dockerfile")
    assert find(place, "/a/Dockerfile") == (0, "more")
    assert find(place, "/b/Dockerfile") is None
    assert Cache(place, "v2", b"key").row("/a/Dockerfile") is None


def test_an_outcome_is_kept_once_and_while_a_row_has_it(place: str) -> None:
    for path, outcome in (("/a", ("one",)), ("/b", ("two",)), ("/c", ("two",)), ("/a", ("two",))):
        keep(place, path, outcome)
    cache = Cache(place, "v1", b"key")
    rows = [cache.row(path) for path in ("/a", "/b", "/c")]
    assert {cache.outcome(row[0]) for row in rows if row is not None} == {("two",)}
    assert cache.number_of(("two",)) == 0
    assert cache.number_of(("three",)) == 1


@pytest.mark.usefixtures("_old")
def test_what_is_derived_from_a_file_is_computed_once_until_it_changes(place: str, tmp_path: Path) -> None:
    path = tmp_path / "compose.yml"
    asked: list[str] = []

    def read() -> tuple[str]:
        asked.append(path.read_text())
        return (asked[-1],)

    path.write_text("one")
    for text in ("one", "one", "two!", "two!"):
        path.write_text(text) if path.read_text() != text else None
        cache = Cache(place, "v1", b"key")
        assert cache.derive("builds", str(path), read) == (text,)
        cache.save()
    assert asked == ["one", "two!"]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff" * 99, b'{"format": 2, "files": {}}'])
def test_a_foreign_cache_is_empty(place: str, content: bytes) -> None:
    Path(place).parent.mkdir()
    Path(place).write_bytes(content)
    assert find(place, "/a/Dockerfile") is None


@pytest.mark.parametrize("at", [0, 12, 40, 60, 100, -1])
def test_a_damaged_cache_is_empty(place: str, at: int) -> None:
    keep(place, "/a/Dockerfile")
    data = bytearray(Path(place).read_bytes())
    data[at] ^= 0x55
    Path(place).write_bytes(data)
    assert find(place, "/a/Dockerfile") is None
    Path(place).write_bytes(bytes(data[: len(data) // 2]))
    assert find(place, "/a/Dockerfile") is None


def test_a_place_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    place = str(tmp_path / "file" / "x.json")
    keep(place, "/a/Dockerfile")
    assert find(place, "/a/Dockerfile") is None


def test_the_oldest_caches_go(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dockfix.files.cache.REPOSITORIES", 3)
    folder = Path(place).parent
    folder.mkdir()
    for age in range(5):
        old = folder / f"{age}.cache"
        old.write_bytes(b"")
        os.utime(old, (1000 - age, 1000 - age))
    (folder / "README").write_text("")
    keep(place, "/a/Dockerfile")
    assert {path.name for path in folder.iterdir()} == {"0.cache", "1.cache", "x.cache", "README"}


def test_each_root_has_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKFIX_CACHE_DIR", str(tmp_path / "caches"))
    for root in ("/one", "/two"):
        cache = open_cache(root)
        cache.put("Dockerfile", (cache.number_of(("unchanged",)),))
        cache.save()
    assert len(list((tmp_path / "caches").iterdir())) == 2
    assert code_version() == code_version()


def test_the_same_name_in_another_folder_is_another_file(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "a")
    keep(place, "Dockerfile")
    assert find(place, "Dockerfile") is not None
    monkeypatch.chdir(tmp_path / "b")
    assert find(place, "Dockerfile") is None
