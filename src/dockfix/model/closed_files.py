"""Files of the build context that only their owner may read: COPY keeps their modes."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Final

from dockfix.context import ClosedFile
from dockfix.model.copies import Copy
from dockfix.model.filetree import FileTree, Kind, Node, each
from dockfix.model.paths import is_below_any, is_root_home

_PATTERN: Final = re.compile(r"[*?\[\\]")
# What reads these refuses files that root does not own. Source: sudoers(5), cron(8), sshd_config(5).
_MUST_BE_ROOTS: Final = ("/etc/sudoers", "/etc/sudoers.d", "/etc/crontab", "/etc/cron.d", "/etc/ssh")


def put_closed(tree: FileTree, copy: Copy, content: Node, closed: Sequence[ClosedFile]) -> None:
    """Give the closed files among those that a copy brings their own modes; `content` is what it brings.

    A folder that is copied itself becomes a directory of 0755, those in it keep their modes (measured
    with docker 28.5).
    """
    for one in closed:
        for path, is_certain in _places(tree, copy, one):
            kind = Kind.DIRECTORY if one.is_folder else Kind.FILE
            inside = (content,) if one.is_folder else ()
            node = content._replace(kind=kind, mode=one.mode, inside=inside)
            tree.put(path, node, weak=not is_certain)


def brings_closed(copy: Copy, closed: Sequence[ClosedFile]) -> bool:
    """Whether a copy from the build context brings a closed file to where the account may need it."""
    place = copy.destination
    if copy.stage is not None or is_root_home(place) or is_below_any(place, _MUST_BE_ROOTS):
        return False
    return any(any(_places(FileTree({}), copy, one)) for one in closed if not one.is_read_only)


def _places(tree: FileTree, copy: Copy, one: ClosedFile) -> Iterator[tuple[str, bool]]:
    """(path in the image, whether it is certain to land there), for each source of a copy that brings it."""
    top = tree.follow(copy.destination)
    for written in copy.sources:
        source = posixpath.normpath(posixpath.join("/", written)).lstrip("/")
        if "$" in written or "://" in written or _PATTERN.search(posixpath.dirname(source)):
            continue
        if _PATTERN.search(source):
            yield from _matching(tree, top, source, one)
        elif source == one.path and not one.is_folder:
            is_into = copy.is_directory or _is_directory(tree, top)
            yield (posixpath.join(top, posixpath.basename(source)) if is_into else top), True
        elif source == "" or one.path.startswith(source + "/"):
            yield tree.follow(posixpath.join(top, one.path[len(source) :].lstrip("/")), last=False), True


def _matching(tree: FileTree, top: str, pattern: str, one: ClosedFile) -> Iterator[tuple[str, bool]]:
    """Where a file lands that a pattern matches itself, or as a part of a folder."""
    above, _, wanted = pattern.rpartition("/")
    inside = one.path[len(above) :].lstrip("/") if above == "" or one.path.startswith(above + "/") else ""
    name, _, rest = inside.partition("/")
    if not name or not fnmatchcase(name, wanted) or (one.is_folder and not rest):
        return
    yield tree.follow(posixpath.join(top, rest or name), last=False), _is_directory(tree, top)


def _is_directory(tree: FileTree, path: str) -> bool:
    nodes = tuple(each(tree.look(path)))
    return bool(nodes) and all(node.kind is Kind.DIRECTORY for node in nodes)
