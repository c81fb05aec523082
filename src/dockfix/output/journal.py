"""A journal of what a run wrote, so that it can be undone, or resumed after a crash."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import time
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from dockfix.checks import codes
from dockfix.files.descriptors import NO_LINK, is_within
from dockfix.files.git import GitError, find_top, git_folder
from dockfix.files.reading import MAX_BYTES, read_bytes
from dockfix.files.writing import WriteError, replace_content
from dockfix.results import Finding

FORMAT: Final = 1
KEPT: Final = 10
_SAFE: Final = NO_LINK | getattr(os, "O_NONBLOCK", 0)
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_OUTSIDE: Final = Finding(
    codes.OUTSIDE, 0, "not a file that a run here would have written", "restore it by hand"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that a run wrote: its absolute path, its old content, and the SHA-256 of the new one."""

    path: str
    before: bytes
    after: str


class JournalError(Exception):
    """The journal cannot be used; the message says where and why."""


class Journal:
    """The runs of one repository, one file each; `undo` reverts the newest that has not been undone.

    One process at a time uses it, from `lock` to `abandon`; it only names files below `root`.
    """

    def __init__(self, folder: str, root: str) -> None:
        self.folder = folder
        self._root = root
        self._file: int | None = None
        self._lock: int | None = None
        self._is_torn = False

    def lock(self, on_wait: Callable[[], None] = lambda: None) -> None:
        """Wait until no other process uses the journal. Raises JournalError, WriteError."""
        import fcntl

        try:
            self._make_folder()
            self._lock = os.open(os.path.join(self.folder, "lock"), os.O_RDWR | os.O_CREAT | _SAFE, 0o666)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                on_wait()
                fcntl.flock(self._lock, fcntl.LOCK_EX)
        except OSError as error:
            raise self._explain(error) from None

    def replace(self, path: str, before: bytes, after: bytes) -> None:
        """Record the change, then replace the content. Raises JournalError, WriteError."""
        entry = {
            "path": os.fsencode(path).hex(),
            "before": b64encode(before).decode("ascii"),
            "after": sha256(after).hexdigest(),
        }
        self._append(entry)
        try:
            replace_content(path, before, after)
        except WriteError:
            with suppress(WriteError):  # the file holds what it held before, which undo finds out too
                self._append({"refused": entry["path"], "after": entry["after"]})
            raise

    def close(self) -> None:
        """Record that the run finished. Raises WriteError."""
        try:
            if self._file is not None:
                self._append({"end": True})
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Leave the run as interrupted, to be resumed or undone, and release the lock."""
        for handle in (self._file, self._lock):
            if handle is not None:
                os.close(handle)
        self._file = self._lock = None

    @property
    def has_runs(self) -> bool:
        """Whether there is a run to undo."""
        return bool(self._runs())

    @property
    def interrupted(self) -> str:
        """The journal of the newest run if it was interrupted, else ""."""
        runs = self._runs()
        return runs[-1] if runs and not _is_complete(runs[-1]) else ""

    def undo(self) -> Iterator[tuple[str, Finding | None]]:
        """Restore what the newest run replaced, last first.

        Yield each path with None or why it was not restored.

        Yields nothing if there is no run to undo. A file that already has its old content, as after a
        crash, counts as restored. Raises JournalError before anything is restored.
        """
        runs = self._runs()
        if not runs:
            return
        refused = False
        for entry in reversed(_entries(runs[-1])):
            finding = _put_back(entry) if self._may_name(entry.path) else _OUTSIDE
            refused = refused or finding is not None
            yield entry.path, finding
        if not refused:
            os.replace(runs[-1], runs[-1].removesuffix(".jsonl") + ".undone")

    def _may_name(self, path: str) -> bool:
        """Whether a run over the repository could have written the path."""
        is_plain = os.path.normpath(path) == path and ".git" not in path.split(os.sep)
        return is_plain and is_within(path, self._root)

    def _append(self, row: dict[str, Any]) -> None:
        """Write a row so that it survives a power failure. Raises JournalError, WriteError."""
        if self._file is None:
            self._file = self._open()
        data = ("\n" * self._is_torn + json.dumps(row) + "\n").encode("ascii")
        try:
            self._is_torn = True
            while data:
                data = data[os.write(self._file, data) :]
            self._is_torn = False
            os.fsync(self._file)
        except OSError as error:
            raise self._not_written(error) from None

    def _open(self) -> int:
        try:
            self._make_folder()
            self._remove_old()
            path = self.interrupted or os.path.join(self.folder, f"{time.time_ns():020}.jsonl")
            self._is_torn = os.path.exists(path)
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _SAFE, 0o666)
        except OSError as error:
            raise self._explain(error) from None
        self._file = handle
        if not self._is_torn:
            self._append({"format": FORMAT})
        return handle

    def _make_folder(self) -> None:
        os.makedirs(self.folder, exist_ok=True)
        if os.path.islink(self.folder):
            raise OSError(errno.ELOOP, "it is a symbolic link")

    def _explain(self, error: OSError) -> JournalError | WriteError:
        """The error for a failed write: a full disk stops the run.

        Without a usable journal, the run continues.
        """
        if error.errno in _FULL:
            return self._not_written(error)
        return JournalError(f"cannot keep a journal in {self.folder}: {error.strerror}")

    def _not_written(self, error: OSError) -> WriteError:
        message = f"the journal in {self.folder} could not be written: {error.strerror}"
        return WriteError(Finding(codes.NOT_WRITTEN, 0, message, "free some space"))

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
            return Journal(os.path.join(git_folder(top), "dockfix"), top)
        except GitError:
            pass
    from platformdirs import user_state_dir

    name = sha256(os.fsencode(os.path.realpath(folder))).hexdigest()[:24]
    return Journal(os.path.join(user_state_dir("dockfix"), name), os.path.realpath(folder))


def _rows(path: str) -> Iterator[dict[str, Any]]:
    """The complete rows of a journal; a row that was cut off is skipped. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | _SAFE)
    with open(handle, encoding="ascii", errors="replace") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        for line in file:
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(row, dict):
                yield row


def _is_complete(path: str) -> bool:
    rows = deque(_rows(path), maxlen=1)
    return bool(rows) and "end" in rows[0]


def _entries(path: str) -> list[Entry]:
    """What a run wrote. Raises JournalError for a malformed row."""
    entries: list[Entry] = []
    try:
        for row in _rows(path):
            if "refused" in row:
                _drop(entries, _path_of(row["refused"]), row["after"])
            elif "path" in row:
                entries.append(_entry(row))
    except OSError as error:
        raise JournalError(f"{path}: cannot be read: {error.strerror}") from None
    except (KeyError, TypeError, ValueError, AttributeError):
        raise JournalError(f"{path}: a row in it is malformed") from None
    return entries


def _entry(row: dict[str, Any]) -> Entry:
    entry = Entry(_path_of(row["path"]), b64decode(row["before"], validate=True), row["after"])
    if not _DIGEST.fullmatch(entry.after) or len(entry.before) > MAX_BYTES:
        raise ValueError("not a digest, or too much")
    return entry


def _path_of(written: str) -> str:
    path = bytes.fromhex(written)
    if not os.path.isabs(path) or b"\0" in path:
        raise ValueError("not an absolute path")
    return os.fsdecode(path)


def _drop(entries: list[Entry], path: str, after: str) -> None:
    """Remove the last entry of a change that was recorded but not made."""
    for at in range(len(entries) - 1, -1, -1):
        if (entries[at].path, entries[at].after) == (path, after):
            del entries[at]
            return


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
