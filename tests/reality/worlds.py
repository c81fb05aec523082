"""What random scripts work on: the files that their writer assumes, and the choice of paths and modes."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from random import Random
from typing import Final

ACCOUNTS: Final = {"app": 10001, "other": 20002}
"""The accounts that scripts make and become."""
_HOMES: Final = (
    "/app",
    "/data",
    "/srv/site",
    "/opt/tool",
    "/var/lib/svc",
    "/home/app",
    "/home/other",
    "/root/conf",
)
FOLDERS: Final = (
    *_HOMES,
    "/tmp/work",
    "/tmp",
    "/usr/local/share/pkg",
    "/usr/local/bin",
    "/var/cache/svc",
    "/",
)
NAMES: Final = ("a", "b.txt", "c.conf", "run.sh", "sub", "logs", "x y")
PARENTS: Final = ("/usr", "/usr/local", "/usr/local/share", "/var", "/var/lib", "/var/cache", "/root")
MODES: Final = (
    "0755",
    "755",
    "700",
    "0700",
    "644",
    "600",
    "640",
    "750",
    "777",
    "1777",
    "2755",
    "4755",
    "500",
    "000",
)
SYMBOLIC: Final = (
    "+x", "u+x", "go-rwx", "a+r", "g=u", "g+rwX", "o=", "u=rwx,g=rx,o=", "a=rX", "-x", "u+s", "g+s", "+t",
    "u=rw", "go+r", "=r", "+w", "o+w", "a-w",
)  # fmt: skip
UMASKS: Final = ("022", "077", "027", "002", "0", "0077", "u=rwx,g=rx,o=")
OWNERS: Final = (
    "app",
    "app:app",
    "10001",
    "10001:10001",
    "other:app",
    ":app",
    "app:",
    "0:0",
    "root",
    "20002:0",
    "7:8",
)


SYSTEM: Final = ("/", "/usr/local/bin", "/opt", "/home", "/srv", "/tmp", "/etc/hostname", "/etc/issue")


class Impossible(Exception):  # noqa: N818
    """Raised if the world has nothing for such a command."""


@dataclass
class World:
    """The files that a script's writer may assume; its own commands are assumed to succeed."""

    folders: set[str]
    files: set[str]
    links: set[str]
    accounts: set[str]
    cwd: str = "/"

    def child(self, random: Random) -> str:
        """A path for something new, usually."""
        folder = random.choice(sorted(self.folders | {"/tmp", "/app", "/data"} | set(FOLDERS[:4])))
        return posixpath.join(folder, random.choice(NAMES))

    def named(self, path: str, random: Random) -> str:
        """The path as a script may write it: sometimes relative, quoted if necessary."""
        if self.cwd != "/" and path.startswith(self.cwd + "/") and random.random() < 0.7:
            path = path[len(self.cwd) + 1 :]
        return f"'{path}'" if " " in path else path

    def forget(self, path: str) -> None:
        """Remove the path and everything below it."""
        for one in (self.folders, self.files, self.links):
            one -= {other for other in one if other == path or other.startswith(path + "/")}


class Choices:
    """Chooses what one step's commands name."""

    def __init__(self, random: Random, world: World, user: str) -> None:
        self.random = random
        self.world = world
        self.user = user

    @property
    def is_root(self) -> bool:
        """Whether root runs the step."""
        return self.user == "root"

    # -- choices -------------------------------------------------------------------------------

    def pick(self, paths: set[str], *, but: tuple[str, ...] = ()) -> str:
        """One of some paths, never a bare system directory."""
        known = sorted(path for path in paths if path not in but)
        if not known:
            raise Impossible
        return self.random.choice(known)

    def file(self) -> str:
        return self.pick(self.world.files)

    def folder(self) -> str:
        return self.pick(self.world.folders, but=SYSTEM)

    def anything(self) -> str:
        return self.pick(self.world.files | self.world.folders | self.world.links, but=SYSTEM)

    def new(self) -> str:
        path = self.world.child(self.random)
        if path in self.world.folders or path in self.world.links:
            raise Impossible
        return path

    def mode(self, *, octal: bool = False) -> str:
        return self.random.choice(MODES if octal or self.random.random() < 0.5 else SYMBOLIC)

    def owner(self) -> str:
        owner = self.random.choice(OWNERS)
        if any(
            part.isalpha() and part != "root" and part not in self.world.accounts for part in owner.split(":")
        ):
            raise Impossible
        return owner

    def word(self, path: str) -> str:
        return self.world.named(path, self.random)

    def maybe(self, text: str, chance: float = 0.5) -> str:
        return text if self.random.random() < chance else ""
