"""What the edges know of a file beyond its text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def _nothing(_path: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Context:
    """Where a Dockerfile lies.

    `path` is the file as the user named it, with slashes; `siblings` the names beside it;
    `read` gives the text of a file of the build context by its relative path with slashes, or
    None where there is no such text.
    """

    path: str = ""
    siblings: frozenset[str] = frozenset()
    read: Callable[[str], str | None] = _nothing
