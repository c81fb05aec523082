"""A journal of what a run wrote, so that it can be undone, or resumed after a kill."""

from __future__ import annotations

import json
import os
import time
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import IO, Any, Final

from dockfix.checks import codes
from dockfix.files.git import GitError, find_top, git_folder
from dockfix.files.reading import MAX_BYTES, read_bytes
from dockfix.files.writing import WriteError, replace_content
from dockfix.results import Finding

FORMAT: Final = 1
KEPT: Final = 10


@dataclass(frozen=True, slots=True)
class Entry:
    """One file that a run wrote: its absolute path, its old content, and the SHA-256 of the new one."""

    path: str
    before: bytes
    after: str


class JournalError(Exception):
    """A journal cannot be kept; the message says where and why."""


class Journal:
    """The runs of one repository, one file each; `undo` takes the newest that was not undone yet."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._file: IO[str] | None = None
        self._path = ""

    def replace(self, path: str, before: bytes, after: bytes) -> None:
        """Record the change, then replace the content. Raises JournalError, WriteError."""
        entry = {
            "path": os.fsencode(os.path.realpath(path)).hex(),
            "before": b64encode(before).decode("ascii"),
            "after": sha256(after).hexdigest(),
        }
        self._append(entry)
        try:
            replace_content(path, before, after)
        except WriteError:
            self._append({"refused": entry["path"]})
            raise

    def close(self) -> None:
        """Record that the run finished."""
        if self._file is not None:
            self._append({"end": True})
            self.abandon()

    def abandon(self) -> None:
        """Leave the run as interrupted, to be resumed or undone."""
        if self._file is not None:
            self._file.close()
            self._file = None

    @property
    def interrupted(self) -> str:
        """The journal of the newest run if it was interrupted, else empty."""
        runs = self._runs()
        return runs[-1] if runs and not _is_complete(runs[-1]) else ""

    def undo(self) -> Iterator[tuple[str, Finding | None]]:
        """Restore what the newest run replaced, last first; yields each path with None or why it stayed.

        Yields nothing if there is no run to undo. A file that already has its old content, as after
        a kill, counts as restored.
        """
        runs = self._runs()
        if not runs:
            return
        refused = False
        for entry in reversed(_entries(runs[-1])):
            finding = _put_back(entry)
            refused = refused or finding is not None
            yield entry.path, finding
        if not refused:
            os.replace(runs[-1], runs[-1].removesuffix(".jsonl") + ".undone")

    def _append(self, row: dict[str, Any]) -> None:
        if self._file is None:
            self._file = self._open()
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _open(self) -> IO[str]:
        try:
            os.makedirs(self.folder, exist_ok=True)
            self._remove_old()
            self._path = self.interrupted or os.path.join(self.folder, f"{time.time_ns():020}.jsonl")
            new = not os.path.exists(self._path)
            file = open(self._path, "a", encoding="ascii")  # noqa: SIM115  # lives as long as the run
            file.write(json.dumps({"format": FORMAT}) + "\n" if new else "\n")
        except OSError as error:
            message = f"cannot keep a journal in {self.folder}: {error.strerror}"
            raise JournalError(message) from None
        return file

    def _runs(self) -> list[str]:
        try:
            names = sorted(os.listdir(self.folder))
        except OSError:
            return []
        return [os.path.join(self.folder, name) for name in names if name.endswith(".jsonl")]

    def _remove_old(self) -> None:
        runs = [name for name in os.listdir(self.folder) if name.endswith((".jsonl", ".undone"))]
        for name in sorted(runs)[:-KEPT]:
            os.unlink(os.path.join(self.folder, name))


def find_journal(folder: str) -> Journal:
    """The journal for files below `folder` (absolute): in its git folder, else in the user's state folder."""
    top = find_top(folder)
    if top is not None:
        try:
            return Journal(os.path.join(git_folder(top), "dockfix"))
        except GitError:
            pass
    from platformdirs import user_state_dir

    name = sha256(os.fsencode(os.path.realpath(folder))).hexdigest()[:24]
    return Journal(os.path.join(user_state_dir("dockfix"), name))


def _rows(path: str) -> Iterator[dict[str, Any]]:
    """The complete rows of a journal; one that a kill cut off is skipped."""
    with open(path, encoding="ascii", errors="replace") as file:
        for line in file:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict):
                yield row


def _is_complete(path: str) -> bool:
    rows = deque(_rows(path), maxlen=1)
    return bool(rows) and "end" in rows[0]


def _entries(path: str) -> list[Entry]:
    entries: list[Entry] = []
    for row in _rows(path):
        if "refused" in row:
            entries.pop()
        elif "path" in row:
            name = os.fsdecode(bytes.fromhex(row["path"]))
            entries.append(Entry(name, b64decode(row["before"]), row["after"]))
    return entries


def _put_back(entry: Entry) -> Finding | None:
    try:
        now = read_bytes(entry.path, MAX_BYTES)
        if now == entry.before:
            return None
        if sha256(now).hexdigest() != entry.after:
            return Finding(codes.CHANGED_MEANWHILE, 0, "changed since it was written", "restore it by hand")
        replace_content(entry.path, now, entry.before)
    except OSError as error:
        return Finding(codes.UNREADABLE, 0, f"not readable: {error.strerror}", "restore it by hand")
    except WriteError as error:
        return error.finding
    return None
