"""The languages besides Python, and how a Dockerfile of theirs is recognized."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from dockfix.knowledge import read_table

ALL: Final = "all"
"""Stands for every language, and for what none of them is recognized in."""


class Language(NamedTuple):
    """A language: its name in options, its title in messages, whether this project's tests try it."""

    name: str
    title: str
    is_tried: bool = False


def find_language(images: Iterable[str], programs: Iterable[str]) -> Language | None:
    """The language of an image with these bases, in which these programs are run, None if it shows none."""
    bases = {_last_part(image) for image in images}
    run = set(programs)
    for key, given in (("images", bases), ("programs", run)):
        for row in _rows():
            if not given.isdisjoint(row[key]):
                return Language(row["name"], row["title"], row.get("tried", False))
    return None


def language_names() -> tuple[str, ...]:
    """The names that an option may hold."""
    return (ALL, *(row["name"] for row in _rows()))


def _rows() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_table("languages")["language"]
    return found


def _last_part(image: str) -> str:
    return image.rpartition("/")[2].partition("@")[0].partition(":")[0].lower()
