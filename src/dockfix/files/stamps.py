"""Detect changes of files and folders by times, size and inode, as git's index does."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import time_ns
from typing import Final

Stamp = tuple[int, ...]
"""mtime and ctime in nanoseconds, size, inode; empty if the file does not exist."""

Mark = tuple[str, Stamp | None]
"""An absolute path and its stamp, which is None if it was too new to be trusted."""

_SETTLED: Final = 2 * 10**9  # in nanoseconds; a file may change again within this time without a new mtime


def stamp(path: str) -> Stamp:
    """The stamp of the path's target."""
    try:
        return stamp_of(os.stat(path))
    except (OSError, ValueError):
        return ()


def stamp_of(status: os.stat_result) -> Stamp:
    """The stamp in a status."""
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


def settled(found: Stamp, now: int | None = None) -> Stamp | None:
    """The stamp if any later change is certain to alter it, else None; `now` is when it was taken."""
    then = time_ns() if now is None else now
    return found if not found or max(found[0], found[1]) < then - _SETTLED else None


def mark(path: str, now: int | None = None) -> Mark:
    """The mark of an absolute path, or of its nearest existing parent if it does not exist.

    A broken link is marked itself, since its target may appear in any other folder.
    """
    found = stamp(path)
    while not found and not os.path.islink(path) and (above := os.path.dirname(path)) != path:
        path = above
        found = stamp(path)
    return path, settled(found, now)


@dataclass(slots=True)
class Stamps:
    """Caches the stamps of one run."""

    known: dict[str, Stamp] = field(default_factory=dict)

    def of(self, path: str) -> Stamp:
        """The stamp of an absolute path's target."""
        found = self.known.get(path)
        if found is None:
            found = self.known[path] = stamp(path)
        return found

    def hold(self, marks: Iterable[Mark]) -> bool:
        """Whether everything that was marked is unchanged."""
        known = self.known
        ask = os.stat
        for path, then in marks:
            now = known.get(path)
            if now is None:
                try:  # inlined, since it runs for every folder
                    found = ask(path)
                    now = found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino
                except OSError:
                    now = ()
                known[path] = now
            if now != then:
                return False
        return True
