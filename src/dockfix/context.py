"""What is known about a file beyond its text."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, replace
from typing import Final

from dockfix.diff import quote_name

_ON_DRIVE: Final = re.compile(r"[A-Za-z]:[\\/]")
# One letter before a colon is a drive. Source: compose-go, format/volume.go (isWindowsDrive).
_COLON: Final = re.compile(r"(?<!^[A-Za-z]):(?![-+?])")


COPIED: Final = "copy"
"""The kind of a deployment that only copies files out of the image, and runs nothing as the image's user."""

ACTION: Final = "action"
"""The kind of a deployment that is a GitHub Docker action, which has to run as root."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and its position: the line (from 1) and the character span in the file."""

    value: str
    line: int
    start: int = 0
    end: int = 0


def is_host_path(source: str) -> bool:
    """Whether the source of a mount is a path on the host, perhaps of Windows, and not a volume's name."""
    return source.startswith((".", "/", "~", "$", "%")) or _ON_DRIVE.match(source) is not None


def split_mount(text: str) -> list[str]:
    """The parts of `source:target:mode`, of which the source may be on a drive of Windows."""
    return _COLON.split(text)


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume: its mount point, and its name or, for a bind mount, the path on the host.

    `is_open`: everybody can write there (emptyDir). One that `is_tmpfs` belongs to root; it has the mode of
    the image's directory, and is open to everybody where there is none. One that `is_bare`, perhaps a tmpfs
    with a mode, belongs to root whatever the image has there. `is_shared`: a service of another image of the
    repository writes to it. `is_private`: nobody but root may read it.
    """

    target: Setting
    source: str = ""
    read_only: bool = False
    is_open: bool = False
    is_tmpfs: bool = False
    is_bare: bool = False
    is_shared: bool = False
    is_private: bool = False

    @property
    def is_bind(self) -> bool:
        """Whether it mounts a folder of the host, whose files keep their owner."""
        return is_host_path(self.source)

    @property
    def takes_owner(self) -> bool:
        """Whether it is a volume, which takes the owner of the image's directory when docker makes it."""
        return not (self.is_bind or self.is_tmpfs or self.is_bare)


def read_options(text: str) -> dict[str, str]:
    """The options of a mount (`mode=1777,size=10m,ro`); those without a value have an empty one."""
    return {name: value for name, _, value in (one.partition("=") for one in text.split(","))}


def tmpfs_mount(target: Setting, options: Mapping[str, str]) -> Mount:
    """A tmpfs, which takes the user that an option `uid` names, or root, and perhaps a mode.

    Source: docs.docker.com, tmpfs mounts; measured with docker 28.5 and runc.
    """
    if options.get("uid", "0") != "0":
        return Mount(target, is_open=True)
    mode = options.get("mode", "").removeprefix("0o")
    is_closed = mode.isdecimal() and mode[-1] in "0145"
    return Mount(target, is_tmpfs=True, is_bare=is_closed)


def memory_volume(target: Setting, options: Mapping[str, str]) -> Mount:
    """A volume that is a tmpfs by the options of docker's driver: nothing of the image is copied to it.

    Source: measured with docker 28.5.
    """
    found = tmpfs_mount(target, options)
    return found if found.is_bare else Mount(target, is_open=True)


@dataclass(frozen=True, slots=True)
class Deployment:
    """One service or container, as run by a manifest or a command line.

    `dockerfile` is the file that it is built from, relative to the repository, or "" if only the image's
    name is known. `user` is the user that the manifest sets, if any; `non_root` is the setting that makes
    Kubernetes check that the user is not root (a named user fails that check). `capabilities` are those that
    it adds, as they are written. `entrypoint` and `command` override the image's ENTRYPOINT and CMD; None
    keeps those. `checks` are the command lines of health checks and hooks, which run in the container beside
    its start. One that `follows` is edited in the same patch: its mounts below /root move to the user's home.
    `target` is the stage that it is built from, "" for the last one or if unknown.
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
    capabilities: tuple[Setting, ...] = ()
    ports: tuple[Setting, ...] = ()
    mounts: tuple[Mount, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    environment: tuple[tuple[str, str], ...] = ()
    workdir: str = ""
    checks: tuple[tuple[str, ...], ...] = ()
    target: str = ""
    follows: bool = False

    @property
    def is_start(self) -> bool:
        """Whether it overrides the image's start or its working directory, with the image's own user."""
        is_other = self.entrypoint is not None or self.command is not None or bool(self.workdir)
        return self.user is None and is_other

    @property
    def place(self) -> str:
        """Its file and line, for a message."""
        return f"{quote_name(self.file) if not self.file.isprintable() else self.file}:{self.line}"

    @property
    def is_root(self) -> bool:
        """Whether the manifest sets root as the user."""
        return self.user is not None and self.user.value.partition(":")[0] in ("root", "0")

    def is_of(self, stages: Container[str]) -> bool:
        """Whether it may run an image that ends with a stage of these names (in lower case)."""
        return not self.target or self.target.lower() in stages

    @property
    def needs_number(self) -> bool:
        """Whether a named USER would be rejected, because Kubernetes cannot verify that it is not root."""
        return self.non_root is not None and self.user is None

    def at(self, setting: Setting) -> str:
        """The file and line of a setting, for a message."""
        name = self.file if self.file.isprintable() else quote_name(self.file)
        return f"{name}:{setting.line}"

    def map_settings(self, change: Callable[[Setting], Setting]) -> Deployment:
        """A copy with each of its settings changed."""

        def change_known(setting: Setting | None) -> Setting | None:
            return None if setting is None else change(setting)

        return replace(
            self,
            user=change_known(self.user),
            non_root=change_known(self.non_root),
            group=change_known(self.group),
            read_only=change_known(self.read_only),
            privileged=change_known(self.privileged),
            capabilities=tuple(map(change, self.capabilities)),
            ports=tuple(map(change, self.ports)),
            mounts=tuple(replace(mount, target=change(mount.target)) for mount in self.mounts),
        )


@dataclass(frozen=True, slots=True)
class ClosedFile:
    """A file or folder of the build context that others may not use as its owner may, or nobody may write.

    `path` is relative to the context, with slashes; `mode` has 9 bits.
    """

    path: str
    mode: int
    is_folder: bool = False

    @property
    def is_read_only(self) -> bool:
        """Whether not even its owner may write it, unless that is root."""
        return not self.mode & 0o200


def _nothing(_path: str) -> str | None:
    return None


def _nothing_closed(_path: str) -> tuple[ClosedFile, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class ContextSource:
    """A source of a COPY or ADD in the build context: a relative path or pattern, and its line."""

    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Context:
    """The surroundings of a Dockerfile, and the deployments of its image.

    `path` is the file as the user named it, with slashes; `siblings` are the names next to it; `read`
    returns the text of a file in the build context by its relative path with slashes, or None if there is
    no such text; `names` returns the names in one of its folders ("" is the context itself), folders with
    a trailing slash, and is None if they cannot be listed; `closed` returns its closed files and folders
    at or below a path; `file` is the Dockerfile's own path in the build context, "" if it is at its top;
    `deployments` are the services and containers of the repository that run the image. `also` are further
    build contexts that callers use. `missing` are copied sources that no possible build context has; a
    file that `is_alone` does not belong to any known repository. `open_callers` are files that build it
    from a folder known only during the build; `is_undecided`: the sources do not show which folder that is.
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
    open_callers: tuple[str, ...] = ()
    is_undecided: bool = False
    closed: Callable[[str], tuple[ClosedFile, ...]] = _nothing_closed

    @property
    def knows_files(self) -> bool:
        """Whether the build context can be read."""
        return self.read is not _nothing
