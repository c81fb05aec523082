"""Open files folder by folder, so that no link leads elsewhere, not even one created in the meantime.

Paths are checked while they are used: a folder that is replaced by a link meanwhile is not entered.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

HAS_DESCRIPTORS: Final = os.open in os.supports_dir_fd
"""Whether files can be opened relative to a folder's descriptor; if not, paths are checked before use."""

NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_FOLDER: Final = NO_LINK | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_PATH", os.O_RDONLY)


def open_without_links(path: str, flags: int) -> int:
    """A descriptor of the file at `path`. Raises OSError, with ELOOP if any part of the path is a link."""
    with folder_of(path) as (folder, name):
        return os.open(name, flags | NO_LINK, dir_fd=folder)


@contextmanager
def folder_of(path: str) -> Iterator[tuple[int | None, str]]:
    """(descriptor of the folder that contains `path`, None for the current one; name in the folder).

    Raises OSError, with ELOOP if any folder on the way is a link.
    """
    if not HAS_DESCRIPTORS:
        if os.path.realpath(os.path.dirname(path)) != os.path.abspath(os.path.dirname(path)):
            raise _link(path)
        yield None, path
        return
    here = os.path.join(os.getcwd(), "")
    *folders, name = path.removeprefix(here).split(os.sep)
    if not folders:
        yield None, name
        return
    folder = _descend(folders)
    try:
        yield folder, name
    finally:
        os.close(folder)


@contextmanager
def readable(folder: int | None, path: str = "") -> Iterator[int]:
    """A descriptor of `folder`, or of a folder in it, for listing or syncing. Raises OSError."""
    handle = os.open(path or os.curdir, os.O_RDONLY, dir_fd=folder)
    try:
        yield handle
    finally:
        os.close(handle)


def _descend(folders: list[str]) -> int:
    """A descriptor of the last of nested folders; "" at the start is the root folder."""
    handle = _enter(None, folders[0] or os.sep)
    for name in filter(None, folders[1:]):
        above = handle
        try:
            handle = _enter(above, name)
        finally:
            os.close(above)
    return handle


def _enter(folder: int | None, name: str) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except NotADirectoryError:
        if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise _link(name) from None
        raise


def _link(path: str) -> OSError:
    return OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)


def is_within(path: str, folder: str) -> bool:
    """Whether an absolute path is the folder or below it; both must be without links and `..`."""
    return path == folder or path.startswith(os.path.join(folder, ""))


def resolve_within(path: str, folder: str) -> str:
    """The real path of `path`. Raises OSError if it is outside of `folder` (absolute, without links)."""
    real = os.path.realpath(path)
    if not is_within(real, folder):
        raise _link(path)
    return real
