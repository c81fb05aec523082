"""Replace the content of files atomically."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import socket
import stat
import sys
import time
from typing import Final

from dockfix.checks import codes
from dockfix.files.descriptors import NO_LINK, folder_of, readable
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
    """Replace `before` with `after` in the file at `path`, which must not contain links.

    Mode, owner and extended attributes are preserved. A reader, or a crash at any moment, sees one of the
    contents completely. A file that does not exist counts as empty, and is created. Raises WriteError if the
    file no longer has the content `before`, if a link is in the path, if the file is read-only, or if its
    folder is not writable.
    """
    try:
        with folder_of(path) as (folder, name):
            if not before:
                _create(folder, name)
            mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
            if not stat.S_ISLNK(mode) and not (mode & 0o222 and os.access(name, os.W_OK, dir_fd=folder)):
                raise _refused(codes.READ_ONLY, "read-only", "make it writable: chmod u+w")
            _remove_stale_once(path, folder, os.path.dirname(name))
            _write(folder, name, before, after)
    except FileNotFoundError:
        raise _refused(codes.CHANGED_MEANWHILE, "deleted since it was read", "run dockfix again") from None
    except PermissionError:
        shown = os.path.relpath(os.path.dirname(path) or os.curdir)
        message = f"folder {shown!r} is not writable"
        raise _refused(codes.READ_ONLY, message, "make it writable: chmod u+w") from None
    except OSError as error:
        raise _explain(error) from None


def _create(folder: int | None, name: str) -> None:
    """Create an empty file unless there is one."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINK
    with contextlib.suppress(FileExistsError):
        os.close(os.open(name, flags, 0o666, dir_fd=folder))


def _explain(error: OSError) -> WriteError:
    if error.errno == errno.ELOOP:
        message = "a symbolic link has replaced the file or one of its folders"
        return _refused(codes.CHANGED_MEANWHILE, message, "run dockfix again")
    reason = error.strerror or str(error)
    help = "free some space, or check the file system"
    return _refused(codes.NOT_WRITTEN, f"could not be written: {reason}", help)


def _refused(code: Code, message: str, help: str) -> WriteError:
    return WriteError(Finding(code, 0, message, help))


def _write(folder: int | None, name: str, before: bytes, after: bytes) -> None:
    """Replace a file in a folder, whose descriptor stays open so that the folder cannot be replaced."""
    beside = os.path.dirname(name)
    temporary = os.path.join(beside, f".dockfix-{_HOST}-{os.getpid()}-{secrets.token_hex(4)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    old = os.open(name, os.O_RDONLY | NO_LINK | getattr(os, "O_NONBLOCK", 0), dir_fd=folder)
    try:
        with open(os.open(temporary, flags, 0o600, dir_fd=folder), "wb") as file:
            file.write(after)
            file.flush()
            _copy_status(old, file.fileno())
            os.fsync(file.fileno())
        _check_unchanged(folder, name, before)
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
    finally:
        os.close(old)
    _sync(folder, beside)


def _check_unchanged(folder: int | None, name: str, before: bytes) -> None:
    with open(os.open(name, os.O_RDONLY | NO_LINK, dir_fd=folder), "rb") as file:
        if file.read(len(before) + 1) != before:
            raise _refused(codes.CHANGED_MEANWHILE, "changed since it was read", "run dockfix again")


def _copy_status(before: int, handle: int) -> None:
    """Copy the mode of the old file exactly, and its owner and attributes as far as permitted."""
    old, new = os.fstat(before), os.fstat(handle)
    if hasattr(os, "fchown"):
        for uid, gid in ((old.st_uid, -1), (-1, old.st_gid)):
            if uid not in (-1, new.st_uid) or gid not in (-1, new.st_gid):
                with contextlib.suppress(PermissionError):
                    os.fchown(handle, uid, gid)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            for name in os.listxattr(before):
                with contextlib.suppress(OSError):
                    os.setxattr(handle, name, os.getxattr(before, name))
    os.chmod(handle, stat.S_IMODE(old.st_mode))


def _sync(folder: int | None, path: str) -> None:
    """Make the rename survive a power failure, if the system can sync folders."""
    with contextlib.suppress(OSError), readable(folder, path) as handle:
        os.fsync(handle)


def remove_stale(folder: int) -> None:
    """Delete the temporary files of killed runs in a folder, given by its descriptor."""
    with os.scandir(folder) as entries:
        stale = [entry for entry in entries if entry.name.startswith(".dockfix-") and _is_stale(entry)]
    for entry in stale:
        with contextlib.suppress(OSError):
            os.unlink(entry.name, dir_fd=folder)


_cleaned: Final[set[str]] = set()


def _remove_stale_once(path: str, folder: int | None, beside: str) -> None:
    """Remove the temporary files of killed runs next to the file at `path`, once per run."""
    name = os.path.dirname(path)
    if name not in _cleaned:
        _cleaned.add(name)
        with readable(folder, beside) as handle:
            remove_stale(handle)


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
