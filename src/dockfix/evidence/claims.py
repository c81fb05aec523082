"""Facts about an application: paths it writes, ports, needs for root, uses of a home."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The subject of a claim."""

    WRITE = "write"
    PORT = "port"
    ROOT = "root"
    HOME = "home"
    INSTALL = "install"
    MISSING = "missing"
    FETCHED = "fetched"
    DOCKER = "docker"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """A fact that follows from one line of the application.

    `what` is, for a write, the absolute path in the image (a trailing slash means that its last part is
    unknown; a path below the home starts with `~/`), for a port its number, for a need for root, an
    installation or a use of docker's socket the call, command or path, for a home the cache directory, for
    missing or fetched code its path or module, for what a platform gives its path, variable or module. It is
    "" for a write to an unknown path. `directory` is the directory that the user must own. `file` is relative
    to the build context. `certain` is False if the value may differ at run time, or if the line may not run
    at all. `only_in`: it writes there only if that path exists already.
    """

    kind: Kind
    what: str
    file: str
    line: int
    certain: bool = True
    is_directory: bool = False
    only_in: str = ""

    @property
    def directory(self) -> str:
        """The directory that must be writable, "" for claims that are not writes."""
        if self.kind not in (Kind.WRITE, Kind.HOME) or not self.what:
            return ""
        return self.what.rstrip("/") or "/" if self.is_directory else posixpath.dirname(self.what) or "/"

    def __str__(self) -> str:
        what = self.what or "an unknown place"
        return f"{self.file}:{self.line}: {self.kind} {what}{'' if self.certain else ' (perhaps)'}"
