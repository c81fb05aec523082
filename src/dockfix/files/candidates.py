"""A file that a run processes, what builds it, and what runs its image."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from dockfix.context import Deployment
    from dockfix.results import Finding

_LOST: Final = frozenset({"timeout", "crash", "too-large"})

NAMELESS: Final = "<stdin>"
"""The path shown for standard input without a `--stdin-filename`."""


@dataclass(frozen=True, slots=True)
class Build:
    """One build: paths with slashes relative to the repository, empty if they are outside it.

    `images` are the names it gives, without tag; `contexts` maps names that FROM may use to the
    name of another build in the same file (`target:x` of bake, `service:x` of compose). `arguments`
    are as `repository.arguments` reads them. A part of the paths that is an expression without a value,
    and such a target, is `repository.arguments.UNKNOWN`.
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

    `refusal` is why it must not be read, and `failed` whether that is an error. `builds` are the
    builds in the repository that use it, `folders` are their build contexts, and `deployments` are
    what runs its image. A `linked` candidate comes after plain
    files, an `embedded` one contains Dockerfiles and is not one itself, and one `outside` the search
    only provides context for others. `data` is its content if that came from standard input. `root` is
    the folder (absolute, without links) out of which no link may lead what is read around the file. One
    that is `alone` belongs to no repository that is known.
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
    def is_lost(self) -> bool:
        """Whether it could not be read in the limits of a confined process."""
        return self.refusal is not None and self.refusal.code in _LOST

    @property
    def is_nameless(self) -> bool:
        """Whether it came from standard input without a path."""
        return self.data is not None and self.path == NAMELESS
