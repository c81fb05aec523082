"""Tables are read from what is kept of them, and only while that is right."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from pathlib import Path

import pytest

from dockfix import knowledge
from dockfix.knowledge.kept import load

TABLES = sorted(Path(knowledge.__file__).parent.glob("*.toml"))


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = tmp_path / "table.toml"
    path.write_text("[a]\nb = [1, 'x']\n")
    return path


def kept_files(source: Path) -> list[Path]:
    return list((source.parent / "__pycache__").iterdir())


def forbid_parsing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_text: str) -> dict[str, object]:
        raise AssertionError("parsed again")

    monkeypatch.setattr(tomllib, "loads", fail)


def test_a_table_is_parsed_once(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(source) == {"a": {"b": [1, "x"]}}
    assert [path.suffix for path in kept_files(source)] == [".json"]
    forbid_parsing(monkeypatch)
    assert load(source) == {"a": {"b": [1, "x"]}}


def test_a_changed_table_is_parsed_again(source: Path) -> None:
    load(source)
    source.write_text("[a]\nb = [2, 'x']\n")
    os.utime(source, (0, 0))
    assert load(source) == {"a": {"b": [2, "x"]}}


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff", b"{}", b"[]"])
def test_what_is_damaged_is_parsed_again(source: Path, damage: bytes) -> None:
    load(source)
    kept_files(source)[0].write_bytes(damage)
    assert load(source) == {"a": {"b": [1, "x"]}}
    assert json.loads(kept_files(source)[0].read_bytes())["table"] == {"a": {"b": [1, "x"]}}


def test_nothing_is_kept_where_python_keeps_nothing(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert load(source) == {"a": {"b": [1, "x"]}}
    assert not (source.parent / "__pycache__").exists()


def test_a_place_that_cannot_be_written_is_no_failure(source: Path) -> None:
    (source.parent / "__pycache__").write_text("in the way")
    assert load(source) == {"a": {"b": [1, "x"]}}


@pytest.mark.parametrize("path", TABLES, ids=[path.stem for path in TABLES])
def test_json_keeps_all_that_a_table_holds(path: Path) -> None:
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    assert json.loads(json.dumps(table)) == table
