"""The files around a Dockerfile, read-only and confined to a folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from dockfix.context import ClosedFile, Context
from dockfix.files.descriptors import folder_of, is_within, readable
from dockfix.files.reading import read_bytes
from dockfix.files.stamps import Mark, mark

MAX_BYTES: Final = 1024 * 1024
_OWNERS: Final = 0o500
"""The rights of a file's owner that others need to use it: all but to write."""
_Listing = tuple[frozenset[str], tuple[str, ...]]


@dataclass(slots=True)
class FolderReader:
    """Reads text files below `folder` by relative path (with slashes), and records what was read.

    Nothing is read if `folder` is a link that leads out of `root` (absolute, without links). `reads` has
    a digest of each file; a listed folder has a trailing slash. `marks` tell whether any of them has
    changed since. `tried` are readers of folders that were considered before this one was chosen.
    """

    folder: str
    root: str = os.sep
    reads: dict[str, str] = field(default_factory=dict, compare=False)
    marks: list[Mark] = field(default_factory=list, compare=False)
    tried: tuple[FolderReader, ...] = field(default=(), compare=False)
    _texts: dict[str, str | None] = field(default_factory=dict, compare=False)
    _names: dict[str, frozenset[str]] = field(default_factory=dict, compare=False)
    _folders: dict[str, str] = field(default_factory=dict, compare=False)
    _real: str = field(default="", compare=False)
    _listed: _Listing | None = field(default=None, compare=False)
    _marked: set[str] = field(default_factory=set, compare=False)

    def __call__(self, path: str) -> str | None:
        """The file's text; None if it is outside, not UTF-8, or larger than a mebibyte."""
        if path not in self._texts:
            target = "" if self._lacks(path) else self._inside(path)
            text = self._texts[path] = _read(target) if target else None
            self.reads[path] = digest(text)
        return self._texts[path]

    def names(self, path: str) -> frozenset[str]:
        """The names in a folder, subfolders with a trailing slash; none if it is outside."""
        path = path.rstrip("/")
        if path not in self._names:
            target = self._inside(path)
            if path == "" and self._listed is not None:
                names, links = self._listed
            else:
                names, links = _list(target) if target else (frozenset(), ())
            for name in links:  # whether it is a folder depends on its target
                self._mark(f"{path}/{name}")
            self._names[path] = names
            self.reads[path + "/"] = digest_names(names)
        return self._names[path]

    def closed(self, path: str) -> tuple[ClosedFile, ...]:
        """The closed files and folders at or below a path ("" is the folder); links are not followed.

        A change of a mode shows in the stamp of no folder, so what is asked here is asked again each time.
        """
        path = path.strip("/")
        target = self._inside(path)
        self.marks.append((target, None))
        found = tuple(_find_closed(target, path)) if target else ()
        self.reads[f"{path}//"] = digest(repr(found))
        return found

    def _lacks(self, path: str) -> bool:
        """Whether the listing of its folder shows that there is no such file."""
        folder, _, name = path.rpartition("/")
        names = self._names.get(folder)
        if names is None and folder == "" and self._listed is not None:
            names = self._listed[0]
        if not names or name in ("", ".", "..") or name in names or f"{name}/" in names:
            return False  # it may be a folder that cannot be listed, with readable files
        self._mark(folder)
        return True

    def _mark(self, path: str) -> None:
        self._real = self._real or os.path.realpath(self.folder)
        place = os.path.join(self._real, path.strip("/")).rstrip(os.sep)
        if place not in self._marked:
            self._marked.add(place)
            self.marks.append(mark(place))

    def _inside(self, path: str) -> str:
        """The real path, "" if it is outside; marks the path."""
        if "\0" in path:
            return ""
        self._mark(path)
        if not is_within(self._real, self.root):
            return ""
        if path == "":
            return self._real
        folder, _, name = path.strip("/").rpartition("/")
        target = _step(self._follow(folder), name)
        return target if is_within(target, self._real) else ""

    def _follow(self, folder: str) -> str:
        """The real path of a folder."""
        found = self._folders.get(folder) if folder else self._real
        if found is None:
            above, _, name = folder.rpartition("/")
            found = self._folders[folder] = _step(self._follow(above), name)
        return found


def _step(folder: str, name: str) -> str:
    """The real path of a name in a real folder, with one look-up instead of one per parent."""
    path = f"{folder.rstrip(os.sep)}{os.sep}{name}"
    return os.path.realpath(path) if name in ("", ".", "..") or os.path.islink(path) else path


def _read(target: str) -> str | None:
    try:
        data = read_bytes(target, MAX_BYTES)
        return data.decode("utf-8") if len(data) <= MAX_BYTES else None
    except (OSError, UnicodeDecodeError):
        return None


def _list(target: str) -> _Listing:
    """(names in a folder, those that are links)."""
    try:
        with folder_of(os.path.join(target, "")) as (folder, name), readable(folder, name) as handle:
            entries = list(os.scandir(handle))
            names = frozenset(entry.name + "/" * entry.is_dir() for entry in entries)
    except OSError:
        return frozenset(), ()
    return names, tuple(sorted(entry.name for entry in entries if entry.is_symlink()))


def _find_closed(target: str, path: str) -> Iterator[ClosedFile]:
    """The closed files at or below a real path, whose path in the context is `path`."""
    waiting = [(target, path)]
    while waiting:
        at, inside = waiting.pop()
        try:
            mode = os.lstat(at).st_mode
            names = sorted(os.listdir(at), reverse=True) if stat.S_ISDIR(mode) else []
        # Strings of sources may hold what no file system can name: surrogates, NUL characters.
        except (OSError, ValueError):
            continue
        is_closed = _OWNERS & mode & ~(mode << 3 & mode << 6) or not mode & stat.S_IWUSR
        if inside and not stat.S_ISLNK(mode) and is_closed:
            yield ClosedFile(inside, stat.S_IMODE(mode) & 0o777, stat.S_ISDIR(mode))
        waiting += ((os.path.join(at, name), f"{inside}/{name}".lstrip("/")) for name in names)


def digest(text: str | None) -> str:
    """A short digest of a text; empty for None."""
    return "" if text is None else blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def describe_context(path: str, folder: str | None = None, real: str = "", root: str = os.sep) -> Context:
    """The context of the Dockerfile at `path`; `folder` is the build context, by default its own folder.

    `real` is the real path of the file's own folder, if it is known; links must not lead out of `root`.
    """
    beside = os.path.dirname(path) or os.curdir
    real = real or os.path.realpath(beside)
    if folder is None:
        siblings, reader = read_beside(beside, real, root)
    else:
        siblings, reader = list_names(beside), FolderReader(folder, root)
    return Context(path.replace(os.sep, "/"), siblings, reader, reader.names, closed=reader.closed)


def read_beside(folder: str, real: str, root: str) -> tuple[frozenset[str], FolderReader]:
    """(names in a folder, reader of the folder), with a single listing; `real` is the path without links."""
    names, _ = listed = _list(real) if is_within(real, root) else (frozenset(), ())
    return frozenset(name.rstrip("/") for name in names), FolderReader(
        folder, root, _real=real, _listed=listed
    )


def list_names(folder: str) -> frozenset[str]:
    """The names in a folder; none if it cannot be read."""
    try:
        return frozenset(os.listdir(folder))
    except OSError:
        return frozenset()


def digest_names(names: Iterable[str]) -> str:
    """A digest of a set of names."""
    return digest("\0".join(sorted(names)))
