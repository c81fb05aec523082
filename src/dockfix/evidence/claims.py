"""What was found out about an application: where it writes, a port, a need for root, a home."""

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
    """One thing that follows from a line of the application.

    `what` is the absolute path in the image for a write (its last part is unknown if it ends in a
    slash; a path below the home starts with `~/`), the number for a port, the call or command for a
    need for root, the cache directory for a home. It is "" for a write to an unknown path.
    `directory` is the directory that the user must own. `file` is relative to the build context.
    `certain` is False if it may be another value at run time, or if the line may not run at all.
    """

    kind: Kind
    what: str
    file: str
    line: int
    certain: bool = True
    is_directory: bool = False

    @property
    def directory(self) -> str:
        """The directory that a write needs, "" for other claims."""
        if self.kind not in (Kind.WRITE, Kind.HOME) or not self.what:
            return ""
        return self.what.rstrip("/") or "/" if self.is_directory else posixpath.dirname(self.what) or "/"

    def __str__(self) -> str:
        what = self.what or "an unknown place"
        return f"{self.file}:{self.line}: {self.kind} {what}{'' if self.certain else ' (perhaps)'}"
