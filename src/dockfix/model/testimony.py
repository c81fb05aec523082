"""What is said of an image outside its Dockerfile: by the application's sources, by what deploys it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dockfix.results import Finding


@dataclass(frozen=True, slots=True)
class Testimony:
    """What was heard of one image, and what follows from it; paths are absolute and in the image.

    `directories` are those that the application surely writes outside what is its user's, `mounts`
    places that have to be the user's already where something is mounted. `fills` are (text of a
    RUN, variable) of caches that a script of the build context fills there.
    """

    directories: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()
    fills: frozenset[tuple[str, str]] = frozenset()
    refusals: tuple[Finding, ...] = ()
    reviews: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()


SILENT: Final = Testimony()
