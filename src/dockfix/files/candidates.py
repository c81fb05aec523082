"""A file that a run looks at, what builds it, and what runs its image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from dockfix.context import Deployment
    from dockfix.results import Finding

NAMELESS: Final = "<stdin>"
"""The path of standard input that stands for no file."""


@dataclass(frozen=True, slots=True)
class Build:
    """One build: paths with slashes relative to the repository, empty where they are not in it.

    `images` are the names it gives, without tag; `contexts` maps names that FROM may use to the
    name of another build of the same file (`target:x` of bake, `service:x` of compose). `arguments`
    are as `repository.arguments` reads them.
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
    """A path to look at, and the same absolute and without links.

    `refusal` says why it is not to be read, `failed` that this is an error. `builds` are those of
    the repository that build it, `folder` the build context if they agree on one that is not its own,
    `deployments` what runs its image.
    What is `linked` stands behind plain files; what is `embedded` holds Dockerfiles and is none; what
    is `outside` of the search only tells of others. `data` is what was piped in instead of lying there.
    """

    path: str
    real: str
    refusal: Finding | None = None
    failed: bool = False
    builds: tuple[Build, ...] = ()
    folder: str | None = None
    linked: bool = False
    embedded: bool = False
    outside: bool = False
    deployments: tuple[Deployment, ...] = ()
    data: bytes | None = None

    @property
    def is_nameless(self) -> bool:
        """Whether it was piped in without a word of where it belongs."""
        return self.data is not None and self.path == NAMELESS
