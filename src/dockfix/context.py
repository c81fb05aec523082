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
    None where there is no such text; `names` the names in one of its folders ("" the context
    itself), folders' with a slash at their end, and is None where nobody can list them.
    """

    path: str = ""
    siblings: frozenset[str] = frozenset()
    read: Callable[[str], str | None] = _nothing
    names: Callable[[str], frozenset[str]] | None = None

    @property
    def knows_files(self) -> bool:
        """Whether anything of the build context can be read."""
        return self.read is not _nothing
