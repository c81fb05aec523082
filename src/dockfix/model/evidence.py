"""What is known about an image beyond its Dockerfile, from the application's sources and its deployments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dockfix.context import ClosedFile
from dockfix.results import Finding


@dataclass(frozen=True, slots=True)
class BuildScript:
    """Python code of the build context that a RUN executes.

    `step` is the index of the RUN in the original, `words` the command as written. `writes` are (path
    that it may write, whether it certainly does; a trailing slash stands for something in that directory),
    `names` strings in it that may name a file. A relative path follows the working directory of the
    command, one below `~` the home of whoever runs it. `is_complete`: all of the code was read, and all
    its writes are known; `is_confined`: it names nothing outside of the working directory and the home.
    `closes`: what it writes may be readable for its owner alone.
    """

    step: int
    words: tuple[str, ...]
    writes: tuple[tuple[str, bool], ...]
    names: tuple[str, ...]
    is_complete: bool
    is_confined: bool
    closes: bool = False


@dataclass(frozen=True, slots=True)
class Launch:
    """A command that a line of the application's code starts: its words and its working directory.

    What is not known of a word is a NUL. `is_certain` is False if the code may do without it.
    """

    words: tuple[str, ...]
    workdir: str
    file: str
    line: int
    is_certain: bool = True


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found about one image, and what follows from it; paths are absolute paths in the image.

    `directories` are those that the application certainly writes to and its user does not own yet,
    `writes` all paths that it certainly writes (a trailing slash stands for something in that directory),
    `mounts` the mount points that must already belong to the user. `names` are strings in the sources
    that may name a file, relative or absolute; `mentions` absolute paths anywhere in their texts; `tools`
    programs and packages that the application may use and whose use of a home is in homes.toml. `fills`
    are (text of a RUN, variable) of caches that a script of the build context fills there; `scripts` is
    all such code. `is_complete`: everything that the start runs was read, and all its writes are known.
    `closed` are files of the build context that only their owner may read, if any uid is to run the image.
    `places` are (path, `FILE:LINE`) of all that it may write, in the home as `~/...`, if a read-only root
    file system is asked for. `launches` are the commands that the application starts,
    `imports` the paths of the modules that it runs or imports, relative to the working directory or absolute.
    """

    directories: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()
    fills: frozenset[tuple[str, str]] = frozenset()
    is_complete: bool = False
    names: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    refusals: tuple[Finding, ...] = ()
    reviews: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()
    mentions: tuple[str, ...] = ()
    scripts: tuple[BuildScript, ...] = ()
    places: tuple[tuple[str, str], ...] = ()
    closed: tuple[ClosedFile, ...] = ()
    launches: tuple[Launch, ...] = ()
    imports: tuple[str, ...] = ()

    def joined(self, other: Evidence) -> Evidence:
        """The combined evidence of both, for an image that is built from either of two contexts."""
        return Evidence(
            tuple(sorted({*self.directories, *other.directories})),
            tuple(dict.fromkeys((*self.writes, *other.writes))),
            tuple(dict.fromkeys((*self.mounts, *other.mounts))),
            self.fills | other.fills,
            self.is_complete and other.is_complete,
            tuple(dict.fromkeys((*self.names, *other.names))),
            tuple(dict.fromkeys((*self.tools, *other.tools))),
            tuple(dict.fromkeys((*self.refusals, *other.refusals))),
            tuple(dict.fromkeys((*self.reviews, *other.reviews))),
            tuple(dict.fromkeys((*self.notes, *other.notes))),
            tuple(dict.fromkeys((*self.mentions, *other.mentions))),
            tuple(dict.fromkeys((*self.scripts, *other.scripts))),
            tuple(dict.fromkeys((*self.places, *other.places))),
            # What only one of them has cannot be opened in an image that is built from the other.
            tuple(one for one in self.closed if one in other.closed),
            tuple(dict.fromkeys((*self.launches, *other.launches))),
            tuple(dict.fromkeys((*self.imports, *other.imports))),
        )


NO_EVIDENCE: Final = Evidence()
