"""What a result depended on besides the file itself, to see whether it is still valid."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Final

from dockfix.context import Context
from dockfix.files.build_context import FolderReader, digest_names, list_names
from dockfix.files.stamps import Mark, mark


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A digest of the names beside the file, and of what was read of its build context.

    `reads` are the (path, digest) pairs of a FolderReader. `marks` show without reading whether all
    of it is unchanged, if none of them is too new; they are None if none were made.
    """

    names: str = ""
    reads: tuple[tuple[str, str], ...] = ()
    marks: tuple[Mark, ...] | None = None

    def renew(self, path: str, folder: str | None) -> Surroundings | None:
        """The same with current marks, if the content around the file at `path` is unchanged."""
        beside = os.path.dirname(path) or os.curdir
        first = mark_folder(path)
        if digest_names(list_names(beside)) != self.names:
            return None
        reader = FolderReader(folder or beside)
        if not self.hold_in(reader):
            return None
        return replace(self, marks=tuple(dict.fromkeys([first, *reader.marks])))

    def hold_in(self, reader: FolderReader) -> bool:
        """Whether a build context still has the same content wherever something was read."""
        return all(_digest(reader, name) == then for name, then in self.reads)


NOWHERE: Final = Surroundings()


def mark_folder(path: str) -> Mark:
    """The mark of the folder that contains the file at `path`."""
    return mark(os.path.realpath(os.path.dirname(path)))


def _digest(reader: FolderReader, name: str) -> str:
    if name.endswith("/"):
        reader.names(name)
        return reader.reads[name.rstrip("/") + "/"]
    reader(name)
    return reader.reads[name]


def note_surroundings(context: Context, beside: Mark | None = None) -> Surroundings:
    """What was read of a context whose folder was marked as `beside` before it was described."""
    reads: dict[str, str] = getattr(context.read, "reads", {})
    marks: list[Mark] | None = getattr(context.read, "marks", None)
    names = digest_names(context.siblings)
    if marks is None or beside is None:
        return Surroundings(names, tuple(reads.items()))
    return Surroundings(names, tuple(reads.items()), tuple(dict.fromkeys([beside, *marks])))
