"""What pyproject.toml says about where a project has its packages."""

from __future__ import annotations

import posixpath
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any


def find_package_folders(text: str) -> Iterator[str]:
    """The folders, relative to the project, in which a pyproject.toml says that its packages are.

    Sources: python-poetry.org, The pyproject.toml file (packages); setuptools.pypa.io, package discovery;
    hatch.pypa.io, build configuration (packages, sources).
    """
    table: dict[str, Any] = {}
    with suppress(tomllib.TOMLDecodeError, RecursionError):
        table = tomllib.loads(text)
    for one in _rows(table, "tool", "poetry", "packages"):
        if isinstance(one, dict) and isinstance(folder := one.get("from"), str):
            yield folder
    yield from filter(_is_text, _rows(table, "tool", "setuptools", "packages", "find", "where"))
    yield from filter(_is_text, _rows(table, "tool", "setuptools", "package-dir"))
    wheel = ("tool", "hatch", "build", "targets", "wheel")
    yield from map(posixpath.dirname, filter(_is_text, _rows(table, *wheel, "packages")))
    yield from filter(_is_text, _rows(table, *wheel, "sources"))


def _rows(table: dict[str, Any], *keys: str) -> list[Any]:
    """The elements of a list, or the values of a table, below some keys; none if something else is there."""
    found: Any = table
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return list(found.values()) if isinstance(found, dict) else found if isinstance(found, list) else []


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
