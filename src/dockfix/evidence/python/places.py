"""Resolve the paths that sources write, and tell which of them need no owner."""

from __future__ import annotations

import posixpath
import re
from typing import Final

from dockfix.evidence.python.constants import HOLE
from dockfix.model.paths import is_ownable, is_system_directory

_SHARED: Final = ("/tmp", "/var/tmp")
_ANYONES: Final = (*_SHARED, "/dev", "/proc", "/run/secrets")
_URL: Final = re.compile(r"[a-z][a-z0-9+.-]+:(?=//|memory)", re.IGNORECASE)
# All but the HOLE; escape sequences and multi-line strings are texts, not paths.
_CONTROL: Final = re.compile(r"[\x01-\x1f\x7f]")
_SQLITE: Final = re.compile(r"(?:sqlite|duckdb)(?:\+\w+)?:///([^?]*)")
_FILE: Final = re.compile(r"file:(?://(?:localhost)?(?=/))?([^?]*)")


def locate(text: str, workdir: str) -> tuple[str, bool] | None:
    """(absolute path, whether it is known to its end) of a written path.

    None if it is not a path of the image.

    A path whose directory alone is known ends in a slash; an unknown path is "".
    """
    if named := _FILE.match(text):
        text = named[1]
    if not text or _URL.match(text) or _CONTROL.search(text):
        return None
    known, hole, _ = text.partition(HOLE)
    if hole:
        known = known[: known.rfind("/") + 1]
        if not known.strip("/"):
            return "", False
    if known.startswith("~"):
        rest = known[1:].lstrip("/")
        return posixpath.join("~", rest) + ("" if rest or hole else "/"), not hole
    path = posixpath.normpath(posixpath.join("/", workdir, known))
    path = "/" + path.lstrip("/")
    return (path.rstrip("/") + "/" if hole else path), not hole


def locate_database(text: str) -> str:
    """The file of a database URL or the directory of a `file:` URL, which ends in a slash.

    "" for a server or an in-memory database.
    """
    if folder := _FILE.match(text):
        return folder[1].rstrip("/") + "/"
    match = _SQLITE.match(text)
    name = match[1] if match else ""
    return "" if name.startswith(":memory:") or not name else name


def is_anyones(path: str) -> bool:
    """Whether every user can write there, or no files are kept there.

    What is in /tmp does not count: a step may have left something of that name.
    """
    if posixpath.dirname(path.rstrip("/")).startswith(_SHARED):
        return False
    return any(path == place or path.startswith(place + "/") for place in _ANYONES) or path in ("", "/")


def is_likely_directory(path: str) -> bool:
    """Whether a path of unknown kind is to be given as a directory: because what is around it cannot be.

    In any other place the program makes itself what it needs, a file or a directory.
    """
    above = posixpath.dirname(path.rstrip("/"))
    return "." not in posixpath.basename(path) and (not is_ownable(above) or is_system_directory(above))
