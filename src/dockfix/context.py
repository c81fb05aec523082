"""What is known of a file beyond its text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dockfix.diff import quote_name


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and its position: the line (from 1) and the character span in the file."""

    value: str
    line: int
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume: where it is mounted, and its name or, for a bind mount, the path on the host.

    `is_open`: everybody may write there (tmpfs, emptyDir).
    """

    target: Setting
    source: str = ""
    read_only: bool = False
    is_open: bool = False

    @property
    def is_bind(self) -> bool:
        """Whether a host directory is mounted, whose files keep their owner."""
        return self.source.startswith((".", "/", "~", "$", "%"))


@dataclass(frozen=True, slots=True)
class Deployment:
    """One service or container as a manifest or a command line runs it.

    `dockerfile` is the file that it is built from, relative to the repository, or "" if only the
    image's name is known. `user` is the user that the manifest sets, if any; `non_root` is whether
    Kubernetes checks that the user is not root (a check that a named user does not pass). `entrypoint`
    and `command` take the place of the image's ENTRYPOINT and CMD; None leaves those in force. One that
    `follows` is edited in the same patch: its mounts below /root go to the user's home. `target` is the
    stage that it is built from, "" for the last one or where that is not known.
    """

    file: str
    line: int
    kind: str
    name: str
    image: str = ""
    dockerfile: str = ""
    user: Setting | None = None
    non_root: Setting | None = None
    group: Setting | None = None
    read_only: Setting | None = None
    privileged: Setting | None = None
    ports: tuple[Setting, ...] = ()
    mounts: tuple[Mount, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    environment: tuple[tuple[str, str], ...] = ()
    workdir: str = ""
    target: str = ""
    follows: bool = False

    @property
    def is_start(self) -> bool:
        """Whether it starts the image in a way of its own, as the image's own user."""
        return self.user is None and (self.entrypoint is not None or self.command is not None)

    @property
    def place(self) -> str:
        """Where it stands, for a message."""
        return f"{quote_name(self.file) if not self.file.isprintable() else self.file}:{self.line}"

    @property
    def is_root(self) -> bool:
        """Whether the manifest puts root back."""
        return self.user is not None and self.user.value.partition(":")[0] in ("root", "0")

    @property
    def needs_number(self) -> bool:
        """Whether a named USER would be rejected: Kubernetes cannot verify that it is not root."""
        return self.non_root is not None and self.user is None

    def at(self, setting: Setting) -> str:
        """The position of a setting, on one line of a message."""
        name = self.file if self.file.isprintable() else quote_name(self.file)
        return f"{name}:{setting.line}"


def _nothing(_path: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class ContextSource:
    """What a COPY or ADD takes from the build context: a relative path or pattern, and its line."""

    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Context:
    """Where a Dockerfile lies, and what runs its image.

    `path` is the file as the user named it, with slashes; `siblings` are the names beside it;
    `read` returns the text of a file in the build context by its relative path with slashes, or
    None if there is no such text; `names` returns the names in one of its folders ("" is the
    context itself), folders with a trailing slash, and is None if they cannot be listed; `file` is
    the Dockerfile's own path in the build context, "" if it lies at its top;
    `deployments` are the services and containers of the repository that run the image. `also` are
    further build contexts that callers use. `missing` is what is copied though no folder that may be
    the build context has it; a file that `is_alone` belongs to no repository that is known.
    """

    path: str = ""
    siblings: frozenset[str] = frozenset()
    read: Callable[[str], str | None] = _nothing
    names: Callable[[str], frozenset[str]] | None = None
    deployments: tuple[Deployment, ...] = ()
    also: tuple[Context, ...] = ()
    missing: tuple[ContextSource, ...] = ()
    is_alone: bool = False
    file: str = ""

    @property
    def knows_files(self) -> bool:
        """Whether anything of the build context can be read."""
        return self.read is not _nothing
