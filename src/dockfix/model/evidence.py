"""What is known of an image beyond its Dockerfile: from the application's sources, and from what runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dockfix.results import Finding


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found about one image, and what follows from it; paths are absolute and in the image.

    `directories` are those that the application surely writes outside what is its user's, `writes` all
    paths that it surely writes (with a slash at the end: something in that directory), `mounts` places
    that have to be the user's already where something is mounted. `names` are strings in the sources
    that may name a file, relative or absolute, `tools` programs and packages of which homes.toml says
    what they read in a home, and which the application may use. `fills` are (text of a RUN,
    variable) of caches that a script of the build context fills there. `is_complete`: all that the
    start runs was read, and where it writes is known.
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

    def joined(self, other: Evidence) -> Evidence:
        """What follows from both, where an image is built from either of two contexts."""
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
        )


NO_EVIDENCE: Final = Evidence()
