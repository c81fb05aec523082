"""What lies around a Dockerfile, read-only and confined to its folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

from dockfix.context import Context
from dockfix.reading import read_bytes

MAX_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FolderReader:
    """Reads the text files below `folder` by their relative path with slashes."""

    folder: str

    def __call__(self, path: str) -> str | None:
        """The file's text; None where it lies outside, is no UTF-8 file, or is larger than a mebibyte."""
        if "\0" in path:
            return None
        folder = os.path.realpath(self.folder)
        target = os.path.realpath(os.path.join(folder, path.lstrip("/")))
        if os.path.commonpath([folder, target]) != folder:
            return None
        try:
            data = read_bytes(target, MAX_BYTES)
            return data.decode("utf-8") if len(data) <= MAX_BYTES else None
        except (OSError, UnicodeDecodeError):
            return None


def describe_context(path: str, folder: str | None = None) -> Context:
    """The context of the Dockerfile at `path`; `folder` is what is built, by default where it lies."""
    beside = os.path.dirname(path) or os.curdir
    try:
        siblings = frozenset(os.listdir(beside))
    except OSError:
        siblings = frozenset()
    return Context(path.replace(os.sep, "/"), siblings, FolderReader(folder or beside))
