"""What a result depends on besides the file itself, to tell whether it is still valid."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Final

from dockfix.context import Context
from dockfix.files.build_context import FolderReader, digest_names, list_names
from dockfix.files.stamps import Mark, mark

Reads = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A digest of the names next to the file, and of what was read of its build context.

    `reads` are (path, digest) pairs of the FolderReader of the build context, which is the folder `base`,
    relative to the file's own; `tried` are those of other folders that were considered. `marks` tell
    without reading whether all of it is unchanged, unless one of them is too new; None if there are no
    marks.
    """

    names: str = ""
    reads: Reads = ()
    marks: tuple[Mark, ...] | None = None
    base: str = ""
    tried: tuple[tuple[str, Reads], ...] = ()

    def renew(self, path: str) -> Surroundings | None:
        """The same with current marks, or None if the files around `path` have changed."""
        beside = os.path.dirname(path) or os.curdir
        first = mark_folder(path)
        if digest_names(list_names(beside)) != self.names:
            return None
        marks = [first]
        real = os.path.realpath(beside)
        for place, reads in ((self.base, self.reads), *self.tried):
            reader = FolderReader(os.path.normpath(os.path.join(real, place)) if place else beside)
            if not _hold(reads, reader):
                return None
            marks += reader.marks
        return replace(self, marks=tuple(dict.fromkeys(marks)))

    def hold_in(self, reader: FolderReader) -> bool:
        """Whether another build context has the same content wherever something was read."""
        return _hold(self.reads, reader)


def _hold(reads: Reads, reader: FolderReader) -> bool:
    return all(_digest(reader, name) == then for name, then in reads)


NOWHERE: Final = Surroundings()


def mark_folder(path: str) -> Mark:
    """The mark of the folder that contains the file at `path`."""
    return mark(os.path.realpath(os.path.dirname(path)))


def _digest(reader: FolderReader, name: str) -> str:
    if name.endswith("//"):
        reader.closed(name)
        return reader.reads[name]
    if name.endswith("/"):
        reader.names(name)
        return reader.reads[name.rstrip("/") + "/"]
    reader(name)
    return reader.reads[name]


def note_surroundings(context: Context, beside: Mark | None = None) -> Surroundings:
    """What was read of a context; its folder was marked as `beside` before it was described."""
    names = digest_names(context.siblings)
    chosen = context.read
    if beside is None or not isinstance(chosen, FolderReader):
        reads: dict[str, str] = getattr(chosen, "reads", {})
        return Surroundings(names, tuple(reads.items()))
    readers = (chosen, *chosen.tried)
    marks = dict.fromkeys([beside, *(mark for one in readers for mark in one.marks)])
    base, *others = ((_place(one, beside[0]), tuple(one.reads.items())) for one in readers)
    tried = tuple(one for one in others if one[1])
    return Surroundings(names, base[1], tuple(marks), base[0], tried)


def _place(reader: FolderReader, beside: str) -> str:
    """A context's folder relative to the Dockerfile's own, "" if they are the same."""
    place = os.path.relpath(os.path.realpath(reader.folder), beside)
    return "" if place == os.curdir else place
