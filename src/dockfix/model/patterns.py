"""Shell patterns in paths, expanded in a file tree."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from dockfix.model.filetree import FileTree, Kind, each

GLOB: Final = re.compile(r"[*?\[]")


def expand(tree: FileTree, path: str) -> list[str]:
    """The paths that a pattern matches, or the path itself if it is not a pattern.

    The pattern itself stays in the result if it may match unlisted entries: looked up, it yields any of
    those.
    """
    found = [""]
    for part in path.split("/")[1:]:
        if GLOB.search(part):
            found = [f"{one}/{name}" for one in found for name in _names(tree, one or "/", part)]
        else:
            found = [f"{one}/{part}" for one in found]
    return found


def _names(tree: FileTree, directory: str, pattern: str) -> Iterator[str]:
    for real, nodes in tree.standing(directory):
        start = real.rstrip("/") + "/"
        for path in tree.below(real):
            name = path[len(start) :]
            if "/" in name or (name.startswith(".") and not pattern.startswith(".")):
                continue
            if fnmatchcase(name, pattern) and any(each(tree.look(path))):
                yield name
        if any(node.inside or node.kind is Kind.ANY for node in nodes):
            yield pattern


def is_pattern(path: str) -> bool:
    """Whether a shell would expand the path."""
    return GLOB.search(path) is not None


def directory_of(path: str) -> str:
    """The directory of the unlisted entries that a pattern in the result of `expand` stands for."""
    return posixpath.dirname(path)
