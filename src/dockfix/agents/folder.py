"""The folder that a server stays in: paths are checked when they come in, and whatever opens a file then."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from platformdirs import user_cache_dir, user_state_dir

from dockfix.files.descriptors import is_within

# Which arguments of an audit event (docs.python.org, "Audit events table") are paths.
_PATHS: Final = {
    "open": (0,),
    "os.chmod": (0,),
    "os.chown": (0,),
    "os.link": (0, 1),
    "os.listdir": (0,),
    "os.mkdir": (0,),
    "os.remove": (0,),
    "os.rename": (0, 1),
    "os.rmdir": (0,),
    "os.scandir": (0,),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "os.utime": (0,),
}


class OutsideError(ValueError):
    """A path leads out of the folder."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder, absolute and without links; `open_to` are other places that the program itself needs."""

    root: str
    open_to: tuple[str, ...] = field(default=(), compare=False)

    def resolve(self, path: str) -> str:
        """An existing path in the folder, absolute and without links. Raises OutsideError."""
        if "\0" in path:
            raise OutsideError("a path cannot hold a NUL byte")
        real = os.path.realpath(os.path.join(self.root, path))
        if not is_within(real, self.root):
            raise OutsideError(
                f"{path!r} is outside of {self.root}, the folder that the server was started in"
            )
        if not os.path.exists(real):
            raise OutsideError(f"there is no file or folder {path!r} in {self.root}")
        return real

    def guard(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Raise PermissionError for an audit event that touches a file outside: for sys.addaudithook."""
        for at in _PATHS.get(event, ()):
            path = arguments[at] if at < len(arguments) else None
            if isinstance(path, str | bytes | os.PathLike) and not self._permits(
                event, os.fsdecode(path), arguments
            ):
                raise PermissionError(1, f"outside of {self.root}", os.fsdecode(path))

    def _permits(self, event: str, path: str, arguments: tuple[Any, ...]) -> bool:
        # A name that is opened from a folder's descriptor, and leads through no link, stays in that folder.
        follows = not (event == "open" and isinstance(arguments[2], int) and arguments[2] & _NO_FOLLOW)
        if not follows and os.sep not in path and path != os.pardir:
            return True
        real = os.path.realpath(os.path.join(self.root, path))
        return any(is_within(real, one) for one in (self.root, *self.open_to))


_NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)


def enter(path: str) -> Folder:
    """Stay in a folder from here on: it becomes the current one, and this process opens nothing outside.

    Python itself, dockfix, its cache, its journals and a temporary folder of this process's own stay
    open. That cannot be taken back, as an audit hook cannot.
    """
    root = os.path.realpath(path)
    os.chdir(root)
    tempfile.tempdir = tempfile.mkdtemp(prefix="dockfix-")
    own = [user_cache_dir("dockfix"), user_state_dir("dockfix"), tempfile.tempdir, os.devnull]
    folder = Folder(root, tuple(_real([*own, sys.prefix, sys.base_prefix, *filter(None, sys.path)])))
    sys.addaudithook(folder.guard)
    return folder


def _real(paths: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(os.path.realpath(path) for path in paths)
