"""Confine a server to a folder: paths are checked on arrival, and again when any code opens a file."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from platformdirs import user_cache_dir, user_state_dir

from dockfix.files.descriptors import is_within

# The indexes of the paths in the arguments of audit events (docs.python.org, "Audit events table").
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
    """A folder, absolute and without links; `open_to` are other paths that the program itself needs."""

    root: str
    open_to: tuple[str, ...] = field(default=(), compare=False)

    def resolve(self, path: str) -> str:
        """An existing path in the folder, absolute and without links. Raises OutsideError."""
        if "\0" in path:
            raise OutsideError("a path cannot hold a NUL byte")
        try:
            real = os.path.realpath(os.path.join(self.root, path))
        except UnicodeEncodeError:
            raise OutsideError(f"no file can be called {path!r}") from None
        if not is_within(real, self.root):
            raise OutsideError(
                f"{path!r} is outside of {self.root}, the folder that the server was started in"
            )
        if not os.path.exists(real):
            raise OutsideError(f"there is no file or folder {path!r} in {self.root}")
        return real

    def guard(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit hook (sys.addaudithook) that raises PermissionError for access to files outside."""
        for at in _PATHS.get(event, ()):
            path = arguments[at] if at < len(arguments) else None
            if isinstance(path, str | bytes | os.PathLike) and not self._permits(
                event, os.fsdecode(path), arguments
            ):
                raise PermissionError(1, f"outside of {self.root}", os.fsdecode(path))

    def _permits(self, event: str, path: str, arguments: tuple[Any, ...]) -> bool:
        # A name that is opened relative to a descriptor, without following links, stays in that folder.
        follows = not (event == "open" and isinstance(arguments[2], int) and arguments[2] & _NO_FOLLOW)
        if not follows and os.sep not in path and path != os.pardir:
            return True
        real = os.path.realpath(os.path.join(self.root, path))
        return any(is_within(real, one) for one in (self.root, *self.open_to))


_NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)


def enter(path: str) -> Folder:
    """Confine this process to a folder: it becomes the current one, and nothing outside can be opened.

    Exceptions are Python itself, dockfix, its cache, its journals, and a temporary folder of this
    process. It cannot be reverted, because audit hooks cannot.
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
