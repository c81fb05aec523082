"""What lies around a Dockerfile, read-only and confined to its folder."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from time import time_ns
from typing import Final

from dockfix.context import Context
from dockfix.reading import read_bytes

MAX_BYTES: Final = 1024 * 1024
_SETTLED: Final = 2 * 10**9  # a file may change again without a new time for so long, in nanoseconds


@dataclass(slots=True)
class FolderReader:
    """Reads the text files below `folder` by their relative path with slashes, and remembers which.

    `reads` has a digest and the time of each, in nanoseconds, 0 where it was too new to be trusted;
    a folder whose names were asked for stands there with a slash at its end.
    """

    folder: str
    reads: dict[str, tuple[str, int]] = field(default_factory=dict, compare=False)
    _texts: dict[str, str | None] = field(default_factory=dict, compare=False)
    _names: dict[str, frozenset[str]] = field(default_factory=dict, compare=False)
    _folders: dict[str, str] = field(default_factory=dict, compare=False)
    _real: str = field(default="", compare=False)

    def __call__(self, path: str) -> str | None:
        """The file's text; None where it lies outside, is no UTF-8 file, or is larger than a mebibyte."""
        if path not in self._texts:
            target = self._inside(path)
            changed = changed_at(target) if target else 0
            text = self._texts[path] = _read(target) if target else None
            self.reads[path] = digest(text), changed
        return self._texts[path]

    def names(self, path: str) -> frozenset[str]:
        """The names in a folder, those of folders with a slash at their end; none where it lies outside."""
        path = path.rstrip("/")
        if path not in self._names:
            target = self._inside(path)
            changed = changed_at(target) if target else 0
            names = self._names[path] = _list(target) if target else frozenset()
            self.reads[path + "/"] = digest_names(names), changed
        return self._names[path]

    def _inside(self, path: str) -> str:
        """Where the path leads, "" where that is outside."""
        if "\0" in path:
            return ""
        self._real = self._real or os.path.realpath(self.folder)
        folder, _, name = path.strip("/").rpartition("/")
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(os.path.join(self._real, folder))
        target = os.path.join(self._folders[folder], name)
        if name in ("", ".", "..") or os.path.islink(target):
            target = os.path.realpath(target)
        return target if target == self._real or target.startswith(self._real.rstrip(os.sep) + os.sep) else ""


def _read(target: str) -> str | None:
    try:
        data = read_bytes(target, MAX_BYTES)
        return data.decode("utf-8") if len(data) <= MAX_BYTES else None
    except (OSError, UnicodeDecodeError):
        return None


def _list(target: str) -> frozenset[str]:
    try:
        with os.scandir(target) as entries:
            return frozenset(entry.name + "/" * entry.is_dir() for entry in entries)
    except OSError:
        return frozenset()


def digest(text: str | None) -> str:
    """A short name of a text; that of nothing is empty."""
    return "" if text is None else blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def describe_context(path: str, folder: str | None = None) -> Context:
    """The context of the Dockerfile at `path`; `folder` is what is built, by default where it lies."""
    beside = os.path.dirname(path) or os.curdir
    reader = FolderReader(folder or beside)
    return Context(path.replace(os.sep, "/"), list_names(beside), reader, reader.names)


def list_names(folder: str) -> frozenset[str]:
    """The names in a folder; none where it cannot be read."""
    try:
        return frozenset(os.listdir(folder))
    except OSError:
        return frozenset()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a result came from beside the file: a digest of the names beside it, and what was read.

    `changed` is the time in nanoseconds at which the folder last gained or lost a name; `reads` are
    (path, digest, time) of a FolderReader's files and folders.
    """

    changed: int = 0
    names: str = ""
    reads: tuple[tuple[str, str, int], ...] = ()

    def still_hold(self, path: str, folder: str | None) -> bool:
        """Whether all is as it was around the file at `path`, built in `folder`."""
        beside = os.path.dirname(path) or os.curdir
        if folder_time(beside) != self.changed and digest_names(list_names(beside)) != self.names:
            return False
        reader = FolderReader(folder or beside)
        return all(_is_same(reader, *read) for read in self.reads)


def _is_same(reader: FolderReader, path: str, then: str, changed: int) -> bool:
    """Whether a file or folder has its time still, or its content."""
    if changed and folder_time(os.path.join(reader.folder, path.lstrip("/"))) == changed:
        return True
    return (digest_names(reader.names(path)) if path.endswith("/") else digest(reader(path))) == then


NOWHERE: Final = Surroundings()


def note_surroundings(context: Context, changed: int) -> Surroundings:
    """What was seen of a context whose folder had the time `changed` before it was described."""
    reads: dict[str, tuple[str, int]] = getattr(context.read, "reads", {})
    rows = ((path, then, time) for path, (then, time) in sorted(reads.items()))
    return Surroundings(changed, digest_names(context.siblings), tuple(rows))


def digest_names(names: Iterable[str]) -> str:
    """A digest of a set of names."""
    return digest("\0".join(sorted(names)))


def folder_time(folder: str) -> int:
    """When a folder last gained or lost a name, or a file was written, in nanoseconds; 0: not known."""
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return 0


def changed_at(path: str) -> int:
    """When a file or folder last changed, in nanoseconds; 0 where it did just now or cannot be asked."""
    time = folder_time(path)
    return time if time and time_ns() - time > _SETTLED else 0
