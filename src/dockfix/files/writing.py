"""Replace a file's content completely, or not at all."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import secrets
import socket
import stat
import sys
import time
from typing import Final

from dockfix.checks import codes
from dockfix.files.reading import read_bytes
from dockfix.results import Code, Finding

DAY: Final = 24 * 60 * 60
_HOST = re.sub(r"[^A-Za-z0-9]", "", socket.gethostname())[:32] or "host"
_TEMPORARY = re.compile(r"\.dockfix-([A-Za-z0-9]+)-(\d+)-[0-9a-f]+\.tmp")


class WriteError(Exception):
    """A file could not be written and is unchanged; `finding` is the reason."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


def replace_content(path: str, before: bytes, after: bytes) -> None:
    """Replace `before` with `after`; mode, owner and extended attributes stay, links are followed.

    A reader, or a kill at any moment, sees either content completely. Raises WriteError if the file
    no longer holds `before`, if it is read-only, or if its folder is not writable.
    """
    target = os.path.realpath(path)
    try:
        mode = os.stat(target).st_mode
        if not mode & 0o222 or not os.access(target, os.W_OK):
            raise _refused(codes.READ_ONLY, "read-only", "make it writable: chmod u+w")
        _write(target, before, after)
    except FileNotFoundError:
        raise _refused(codes.CHANGED_MEANWHILE, "deleted since it was read", "run dockfix again") from None
    except PermissionError:
        folder = os.path.dirname(path) or os.curdir
        message = f"folder {folder!r} is not writable"
        raise _refused(codes.READ_ONLY, message, "make it writable: chmod u+w") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise _refused(
            codes.NOT_WRITTEN, f"could not be written: {reason}", "free some space, or check the file system"
        ) from None


def _refused(code: Code, message: str, help: str) -> WriteError:
    return WriteError(Finding(code, 0, message, help))


def _write(target: str, before: bytes, after: bytes) -> None:
    folder = os.path.dirname(target)
    _remove_stale_once(folder)
    name = f".dockfix-{_HOST}-{os.getpid()}-{secrets.token_hex(4)}.tmp"
    temporary = os.path.join(folder, name)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with open(os.open(temporary, flags, 0o600), "wb") as file:
            file.write(after)
            file.flush()
            _copy_status(target, file.fileno(), temporary)
            os.fsync(file.fileno())
        _check_unchanged(target, before)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def _check_unchanged(target: str, before: bytes) -> None:
    if read_bytes(target, len(before)) != before:
        raise _refused(codes.CHANGED_MEANWHILE, "changed since it was read", "run dockfix again")


def _copy_status(target: str, handle: int, temporary: str) -> None:
    """Copy the old file's mode exactly, and its owner and attributes as far as permitted."""
    old, new = os.stat(target), os.fstat(handle)
    if hasattr(os, "fchown"):
        for uid, gid in ((old.st_uid, -1), (-1, old.st_gid)):
            if uid not in (-1, new.st_uid) or gid not in (-1, new.st_gid):
                with contextlib.suppress(PermissionError):
                    os.fchown(handle, uid, gid)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            for name in os.listxattr(target):
                with contextlib.suppress(OSError):
                    os.setxattr(handle, name, os.getxattr(target, name))
    os.chmod(temporary, stat.S_IMODE(old.st_mode))


def _sync_folder(folder: str) -> None:
    """Make the rename survive a power cut, if the system can sync a folder."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def remove_stale(folder: str) -> None:
    """Delete the temporary files that killed runs left in `folder`."""
    with os.scandir(folder) as entries:
        stale = [entry for entry in entries if entry.name.startswith(".dockfix-") and _is_stale(entry)]
    for entry in stale:
        with contextlib.suppress(OSError):
            os.unlink(entry.path)


_remove_stale_once = functools.cache(remove_stale)


def _is_stale(entry: os.DirEntry[str]) -> bool:
    match = _TEMPORARY.fullmatch(entry.name)
    if match is None or not entry.is_file(follow_symlinks=False):
        return False
    if time.time() - entry.stat(follow_symlinks=False).st_mtime > DAY:
        return True
    return match[1] == _HOST and not _runs(int(match[2]))


def _runs(process: int) -> bool:
    if sys.platform == "win32":  # on Windows, signal 0 would end the process
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
