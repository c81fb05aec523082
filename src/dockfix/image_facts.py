"""What a real base image was found to contain, as `dockfix --inspect` records it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Login:
    """A line of /etc/passwd."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A line of /etc/group."""

    name: str
    gid: int
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python, by the path of its program without links.

    `owner` is what installed it: image (the maintainer of the image, for all to use), system (the
    distribution), conda, or venv. `pip` is the version of its pip, "" if it has none. If it `is_managed`,
    pip must not install into it (PEP 668).
    """

    path: str
    owner: str
    version: str = ""
    pip: str = ""
    is_managed: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """What is at a path: its kind (directory, file, link or absent), owner and 12 bits of mode.

    `target` is that of a link; the entries of a directory that `is_listed` are all recorded.
    """

    kind: str
    mode: int = 0
    uid: int = 0
    gid: int = 0
    target: str = ""
    is_listed: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """The files of an image, as far as they matter.

    `system` and `version` are ID and VERSION_ID of os-release, `like` its ID_LIKE, `codename` its
    VERSION_CODENAME. `commands` are the programs on PATH, of those that matter, with their paths without
    links. `paths` are by absolute path; `scripts` are the texts of what the image starts.
    """

    system: str = ""
    version: str = ""
    codename: str = ""
    like: tuple[str, ...] = ()
    accounts: tuple[Login, ...] = ()
    groups: tuple[Group, ...] = ()
    commands: Mapping[str, str] = field(default_factory=dict)
    pythons: tuple[Interpreter, ...] = ()
    paths: Mapping[str, Entry] = field(default_factory=dict)
    scripts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """The configuration of an image, and its files where they were read (None: only a registry was asked).

    `user` is as the image has it, "" for root. Without `workdir` it is /. `ports` are as EXPOSE has them.
    """

    digest: str
    user: str = ""
    workdir: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    volumes: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    shell: tuple[str, ...] = ()
    onbuild: tuple[str, ...] = ()
    content: Content | None = None

    @property
    def start(self) -> tuple[str, ...]:
        """The command line of the image."""
        return (*self.entrypoint, *self.command)
