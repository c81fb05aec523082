"""Whether a file or folder may have changed, as git's index tells: by times, size and inode, unread."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import time_ns
from typing import Final

Stamp = tuple[int, ...]
"""Times of content and status in nanoseconds, size, inode; empty where nothing is there."""

Mark = tuple[str, Stamp | None]
"""An absolute path and its stamp; None where it was too new to be trusted."""

_SETTLED: Final = 2 * 10**9  # a file may change again without a new time for so long, in nanoseconds


def stamp(path: str) -> Stamp:
    """The stamp of what the path leads to."""
    try:
        return stamp_of(os.stat(path))
    except (OSError, ValueError):
        return ()


def stamp_of(status: os.stat_result) -> Stamp:
    """The stamp in a status."""
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


def settled(found: Stamp, now: int | None = None) -> Stamp | None:
    """The stamp where a later change must give another one, else None; `now` is when it was asked for."""
    then = time_ns() if now is None else now
    return found if not found or max(found[0], found[1]) < then - _SETTLED else None


def mark(path: str, now: int | None = None) -> Mark:
    """What stands at an absolute path, or where nothing does, the nearest folder above it.

    A link to nothing is marked itself: what it leads to may come to be in any other folder.
    """
    found = stamp(path)
    while not found and not os.path.islink(path) and (above := os.path.dirname(path)) != path:
        path = above
        found = stamp(path)
    return path, settled(found, now)


@dataclass(slots=True)
class Stamps:
    """Asks for each stamp once in a run."""

    known: dict[str, Stamp] = field(default_factory=dict)

    def of(self, path: str) -> Stamp:
        """The stamp of what an absolute path leads to."""
        found = self.known.get(path)
        if found is None:
            found = self.known[path] = stamp(path)
        return found

    def hold(self, marks: Iterable[Mark]) -> bool:
        """Whether all that was marked is as it was."""
        known = self.known
        ask = os.stat
        for path, then in marks:
            now = known.get(path)
            if now is None:
                try:  # written out, since it is done for every folder
                    found = ask(path)
                    now = found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino
                except OSError:
                    now = ()
                known[path] = now
            if now != then:
                return False
        return True
