"""What was found out about an application: a place it writes, a port, a need of root, a home."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a claim is about."""

    WRITE = "write"
    PORT = "port"
    ROOT = "root"
    HOME = "home"


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """One thing that a line of the application says.

    `what` is the absolute path in the image for a write (its last part is unknown where it ends in
    a slash; a path below the home starts with `~/`), the number for a port, the call or command
    for a need of root, the cache directory for a home. It is "" where the line writes somewhere
    that can't be told. `directory` is the directory that must be the user's. `file` is relative to
    the build context. `certain` is False where another value may be in force at run time, or
    where it is not known that the line runs at all.
    """

    kind: Kind
    what: str
    file: str
    line: int
    certain: bool = True
    is_directory: bool = False

    @property
    def directory(self) -> str:
        """The directory that a write needs, "" for anything else."""
        if self.kind not in (Kind.WRITE, Kind.HOME) or not self.what:
            return ""
        return self.what.rstrip("/") or "/" if self.is_directory else posixpath.dirname(self.what) or "/"

    def __str__(self) -> str:
        what = self.what or "a place that is not known"
        return f"{self.file}:{self.line}: {self.kind} {what}{'' if self.certain else ' (perhaps)'}"
