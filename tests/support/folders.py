"""Folders created from a mapping of paths to texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable


def listing(files: Iterable[str]) -> Callable[[str], frozenset[str]]:
    """The names in a folder; those of folders end in a slash."""

    def names(folder: str) -> frozenset[str]:
        start = f"{folder}/" if folder else ""
        inside = (path[len(start) :].partition("/") for path in files if path.startswith(start))
        return frozenset(name + slash for name, slash, _ in inside)

    return names
