"""Absolute paths in an image, and which of them may be given to the account."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from dockfix.knowledge import read_table

_TABLE: Final = read_table("directories")
SYSTEM_DIRECTORIES: Final = frozenset(_TABLE["system"])
STANDING_DIRECTORIES: Final = frozenset(_TABLE["standing"])
_SHARED: Final = frozenset(_TABLE["shared"])
FOR_SERVICES: Final = ("/run", "/var/run", "/var/lock")
"""System directories in which services keep the files that they write."""
_BELOW_SYSTEM: Final = tuple(f"{path}/" for path in _TABLE["trees"])
_BELOW_SHARED: Final = tuple(f"{path}/" for path in _SHARED)


NOWHERE: Final = "/\0"
"""An unknown path; paths relative to it are unknown too."""


@lru_cache(maxsize=8192)
def resolve(path: str, cwd: str) -> str:
    """The absolute, normalised form of `path` relative to `cwd`."""
    joined = posixpath.join(cwd, path)
    if joined.startswith(NOWHERE):
        return NOWHERE
    return "/" + posixpath.normpath(joined).lstrip("/")


@lru_cache(maxsize=4096)
def on_path(name: str, path: str) -> tuple[str, ...]:
    """The paths at which a program may be found by that value of PATH; the first existing one is run."""
    return tuple(f"{place.rstrip('/')}/{name}" for place in path.split(":") if place.startswith("/"))


def is_within(path: str, directory: str) -> bool:
    """Whether `path` is `directory` or below it."""
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def find_around(path: str) -> Iterator[str]:
    """The absolute path and each directory above it, the nearest first."""
    yield path
    while path != "/":
        path = path[: path.rfind("/")] or "/"
        yield path


def is_below_any(path: str, directories: Iterable[str]) -> bool:
    """Whether `path` is one of `directories` or below one."""
    return any(is_within(path, directory) for directory in directories)


def is_shared(path: str) -> bool:
    """Whether every user can write there in any image."""
    return path in _SHARED or path.startswith(_BELOW_SHARED)


def is_system_directory(path: str) -> bool:
    """Whether the directory comes with a base image and must stay root's."""
    return path in SYSTEM_DIRECTORIES or path.startswith(_BELOW_SYSTEM)


def is_root_home(path: str) -> bool:
    """Whether the path is root's home or below it, which only root can enter (mode 0700)."""
    return is_within(path, "/root")


def is_ownable(path: str) -> bool:
    """Whether the path may be given to the account: not a system directory itself, /root or a shared one."""
    return path not in SYSTEM_DIRECTORIES and not is_root_home(path) and path not in _SHARED
