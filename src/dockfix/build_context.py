"""What lies around a Dockerfile, read-only and confined to its folder."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from dockfix.context import Context
from dockfix.reading import read_bytes

MAX_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FolderReader:
    """Reads the text files below `folder` by their relative path with slashes, and remembers which."""

    folder: str
    reads: dict[str, str] = field(default_factory=dict, compare=False)

    def __call__(self, path: str) -> str | None:
        """The file's text; None where it lies outside, is no UTF-8 file, or is larger than a mebibyte."""
        text = self._read(path)
        self.reads[path] = digest(text)
        return text

    def _read(self, path: str) -> str | None:
        if "\0" in path:
            return None
        folder = os.path.realpath(self.folder)
        try:
            target = os.path.realpath(os.path.join(folder, path.lstrip("/")))
            if os.path.commonpath([folder, target]) != folder:
                return None
            data = read_bytes(target, MAX_BYTES)
            return data.decode("utf-8") if len(data) <= MAX_BYTES else None
        except (OSError, UnicodeDecodeError):
            return None


def digest(text: str | None) -> str:
    """A short name of a text; that of nothing is empty."""
    return "" if text is None else blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def describe_context(path: str, folder: str | None = None) -> Context:
    """The context of the Dockerfile at `path`; `folder` is what is built, by default where it lies."""
    beside = os.path.dirname(path) or os.curdir
    return Context(path.replace(os.sep, "/"), list_names(beside), FolderReader(folder or beside))


def list_names(folder: str) -> frozenset[str]:
    """The names in a folder; none where it cannot be read."""
    try:
        return frozenset(os.listdir(folder))
    except OSError:
        return frozenset()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a result came from beside the file: a digest of the names beside it, digests of the files read.

    `changed` is the time in nanoseconds at which the folder last gained or lost a name.
    """

    changed: int = 0
    names: str = ""
    reads: tuple[tuple[str, str], ...] = ()

    def still_hold(self, path: str, folder: str | None) -> bool:
        """Whether all is as it was around the file at `path`, built in `folder`."""
        beside = os.path.dirname(path) or os.curdir
        if folder_time(beside) != self.changed and digest_names(list_names(beside)) != self.names:
            return False
        if not self.reads:
            return True
        reader = FolderReader(folder or beside)
        return all(digest(reader(name)) == then for name, then in self.reads)


NOWHERE: Final = Surroundings()


def note_surroundings(context: Context, changed: int) -> Surroundings:
    """What was seen of a context whose folder had the time `changed` before it was described."""
    reads: dict[str, str] = getattr(context.read, "reads", {})
    return Surroundings(changed, digest_names(context.siblings), tuple(sorted(reads.items())))


def digest_names(names: Iterable[str]) -> str:
    """A digest of a set of names."""
    return digest("\0".join(sorted(names)))


def folder_time(folder: str) -> int:
    """When the folder last gained or lost a name, in nanoseconds; 0 where that is not known."""
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return 0
