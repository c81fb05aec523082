"""A file to process, the builds that use it, and the deployments that run its image."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from dockfix.context import Deployment
    from dockfix.results import Finding

_LOST: Final = frozenset({"timeout", "crash", "too-large", "unread-description"})

UNKNOWN: Final = "$"
"""Placeholder for a value known only during the build: a variable, an expression, a command's output."""

NAMELESS: Final = "<stdin>"
"""The path shown for standard input without a `--stdin-filename`."""


@dataclass(frozen=True, slots=True)
class Build:
    """One build; its paths have slashes and are relative to the repository, empty if they are outside it.

    `images` are the names of the image, without tags; `contexts` maps names that FROM may use to the
    names of other builds in the same file (`target:x` of bake, `service:x` of compose). `arguments` are
    as returned by `repository.arguments`. Parts of the paths that are expressions without a value, and
    such a target, are `UNKNOWN`.
    """

    source: str
    dockerfile: str
    context: str
    target: str = ""
    images: tuple[str, ...] = ()
    name: str = ""
    contexts: tuple[tuple[str, str], ...] = ()
    arguments: tuple[tuple[str, str | None], ...] = ()


class Candidate(NamedTuple):
    """A path to process, and the same path absolute and without links.

    `refusal` is the reason why it must not be read, `failed` whether that is an error. `builds` are the
    builds of the repository that use it, `folders` their contexts, and `deployments` what runs its image.
    A `linked` candidate comes after plain files, an `embedded` one contains Dockerfiles but is not one,
    and one `outside` the search only provides context for others. `data` is the content if it came from
    standard input. `root` is the folder (absolute, without links) that links must not lead out of.
    `alone`: it does not belong to any known repository.
    """

    path: str
    real: str
    refusal: Finding | None = None
    failed: bool = False
    builds: tuple[Build, ...] = ()
    folders: tuple[str, ...] = ()
    linked: bool = False
    embedded: bool = False
    outside: bool = False
    deployments: tuple[Deployment, ...] = ()
    data: bytes | None = None
    root: str = os.sep
    alone: bool = False

    @property
    def open_callers(self) -> tuple[str, ...]:
        """The files that build it from a folder known only during the build."""
        found = [one.source for one in self.builds if UNKNOWN in one.context] if self.builds else ()
        return tuple(dict.fromkeys(found))

    @property
    def is_lost(self) -> bool:
        """Whether it describes builds or deployments, and could not be read."""
        return self.refusal is not None and self.refusal.code in _LOST

    @property
    def is_nameless(self) -> bool:
        """Whether it came from standard input without a path."""
        return self.data is not None and self.path == NAMELESS
