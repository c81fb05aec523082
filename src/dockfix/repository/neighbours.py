"""Read other files that a file of the repository refers to, and detect whether they change."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from dockfix.files.build_context import FolderReader
from dockfix.files.cache import Cache, Question
from dockfix.files.reading import read_within
from dockfix.files.stamps import mark
from dockfix.repository.unread import Faults, explain_error, explain_size, explain_text

MAX_BYTES: Final = 256 * 1024
_MOST: Final = 64
"""The maximum number of other files to read for one file."""

Read = Callable[[str], str | None]
"""Returns the text of a file by its path from the repository root, None if there is none.

A path with a slash at its end returns the names in that folder, each on a line.
"""


def read_nothing(_path: str) -> None:
    """A `Read` without any files."""


@dataclass
class Neighbours:
    """Reads files below `root` (absolute, without links); `marks` are those of the requested files.

    `closed` has the reason for each file that is there and cannot be read.
    """

    root: str
    marks: dict[str, tuple[int, ...] | None] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)
    _texts: dict[str, str | None] = field(default_factory=dict)

    def __call__(self, path: str) -> str | None:
        """The text at a path from `root`; None if there is none, or beyond the maximum number of files."""
        if path not in self._texts and len(self._texts) < _MOST:
            self.marks.update([mark(os.path.join(self.root, path))])
            self._texts[path], why = read_text(self.root, path)
            if why:
                self.closed[path] = why
        return self._texts.get(path)

    def find_faults(self, knows: Callable[[str], bool]) -> Faults:
        """The files that could not be read, except those that are read by themselves, as `knows` says."""
        wrong = ((path, self._fault(path)) for path in self._texts if not knows(path))
        return tuple(item for item in wrong if item[1])

    def _fault(self, path: str) -> str:
        text = self._texts[path]
        return explain_text(path, text) if text else self.closed.get(path, "")


def read_text(root: str, name: str) -> tuple[str | None, str]:
    """(text of a file below the size limit, or the names in a folder; reason why it cannot be read).

    A file that is missing has neither; one that cannot be read has a reason alone.
    """
    if name.endswith("/"):
        return "\n".join(sorted(FolderReader(root, root).names(name))) or None, ""
    try:
        data = read_within(root, name, MAX_BYTES)
    except (OSError, ValueError) as error:
        return None, explain_error(error)
    if len(data) > MAX_BYTES:
        return None, explain_size(MAX_BYTES)
    return data.decode("utf-8", "replace"), ""


def forget_changed(cache: Cache | None, question: Question) -> None:
    """Drop a cached answer (value, marks of other files) if one of those files has changed."""
    known: Any = None if cache is None else cache.recall(question)
    if cache is not None and known is not None and not cache.stamps.hold(known[0][1]):
        cache.facts(question.kind).pop(question.path, None)
