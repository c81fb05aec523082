"""The tables can be read, and their lists have no duplicates."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import dockfix.knowledge
from dockfix.knowledge import read_names, read_table

TABLES = sorted(path.stem for path in Path(dockfix.knowledge.__file__).parent.glob("*.toml"))


def lists(value: Any, path: str = "") -> Iterator[tuple[str, list[str]]]:
    """Every list of strings below a value, with the keys that lead to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from lists(inner, f"{path}.{key}")
    elif isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        yield path, value
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from lists(inner, f"{path}[{index}]")


@pytest.mark.parametrize("name", TABLES)
def test_no_list_holds_a_name_twice(name: str) -> None:
    twice = {path: {one for one in found if found.count(one) > 1} for path, found in lists(read_table(name))}
    assert {path: names for path, names in twice.items() if names} == {}


def test_names_are_those_of_the_list_that_keys_lead_to() -> None:
    assert "gosu" in read_names("processes", "drops", "programs")
    assert "--reload" in read_names("servers", "plain")
    with pytest.raises(KeyError):
        read_names("processes", "drops", "nothing")


@pytest.mark.parametrize("name", TABLES)
def test_a_table_says_at_its_top_what_it_holds(name: str) -> None:
    path = Path(dockfix.knowledge.__file__).parent / f"{name}.toml"
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert tomllib.loads(text)
