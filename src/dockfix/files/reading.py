"""Read one Dockerfile from disk or standard input, or return a finding that explains why not."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from typing import BinaryIO, Final

from dockfix.checks import codes
from dockfix.files.descriptors import open_without_links, resolve_within
from dockfix.files.stamps import Stamp, stamp_of
from dockfix.results import Code, Failed, Finding

MAX_BYTES: Final = 16 * 1024 * 1024
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Source:
    """A file's bytes as read, and their text (a byte-order mark is part of both)."""

    data: bytes
    text: str


def read_source(real: str) -> Source | Failed:
    """The Dockerfile at `real`, a path without links; Failed if it is not readable UTF-8 text."""
    return read_stamped_source(real)[0]


def read_stamped_source(real: str, path: str | None = None) -> tuple[Source | Failed, Stamp]:
    """`read_source`, with the file's stamp, which is empty if the file cannot be read.

    `path` is the user's name for the file, if that is a link.
    """
    try:
        data, found = read_stamped(real, MAX_BYTES)
    except OSError as error:
        return Failed(_explain(path or real, error)), ()
    return decode(data), found


def read_stream(stream: BinaryIO) -> bytes:
    """The content of `stream`, up to one byte more than the maximum size of a Dockerfile."""
    return stream.read(MAX_BYTES + 1)


def read_bytes(path: str, limit: int) -> bytes:
    """The first `limit` + 1 bytes of the regular file at `path`, which must not contain links.

    Raises OSError: with ELOOP for a link in the path, with EINVAL if it is not a regular file. Never
    blocks on a pipe.
    """
    return read_stamped(path, limit)[0]


def read_within(root: str, name: str, limit: int) -> bytes:
    """`read_bytes` for a file in the folder `root` (absolute, without links).

    Links within `root` are followed.

    Raises OSError if a link leads out of `root`.
    """
    path = os.path.join(root, name)
    if ".." not in name and not os.path.isabs(name):
        # Without links there is nothing to resolve.
        try:
            return read_bytes(path, limit)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
    return read_bytes(resolve_within(path, root), limit)


def read_stamped(path: str, limit: int = MAX_BYTES) -> tuple[bytes, Stamp]:
    """`read_bytes`, with the file's stamp from before it was read."""
    handle = open_without_links(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        return _read(handle, min(limit, status.st_size) + 1, limit + 1), stamp_of(status)
    finally:
        os.close(handle)


def _read(handle: int, guess: int, most: int) -> bytes:
    """The content, up to `most` bytes; reading `guess` bytes suffices if the file's size is accurate."""
    data = os.read(handle, guess)
    if len(data) == guess - 1:
        return data
    parts = [data]
    while (room := most - sum(map(len, parts))) > 0 and (more := os.read(handle, min(room, 1 << 20))):
        parts.append(more)
    return b"".join(parts)


def decode(data: bytes) -> Source | Failed:
    """`data` as text; Failed if it is empty, too large, contains a NUL byte or is not UTF-8."""
    if len(data) > MAX_BYTES:
        return _failed(codes.TOO_LARGE, 0, f"larger than {MAX_BYTES >> 20} MiB", "check the file")
    if not data.strip():
        return _failed(codes.EMPTY, 0, "empty file", "write a Dockerfile, or delete it")
    if data.startswith(_UTF_16):
        return _failed(codes.NOT_UTF_8, 1, "UTF-16 text", "save it as UTF-8")
    if (at := data.find(b"\0")) >= 0:
        return _failed(codes.NUL_BYTE, _line(data, at), "contains a NUL byte", "save it as UTF-8 text")
    try:
        return Source(data, data.decode("utf-8"))
    except UnicodeDecodeError as error:
        byte = data[error.start]
        message = f"not UTF-8: byte 0x{byte:02x}"
        return _failed(codes.NOT_UTF_8, _line(data, error.start), message, "save it as UTF-8")


def _line(data: bytes, offset: int) -> int:
    return data.count(b"\n", 0, offset) + 1


def _failed(code: Code, line: int, message: str, help: str) -> Failed:
    return Failed(Finding(code, line, message, help))


def _explain(path: str, error: OSError) -> Finding:
    if error.errno == errno.ENOENT:
        if os.path.islink(path):
            return Finding(codes.MISSING, 0, "a broken symbolic link", "fix or delete the link")
        return Finding(codes.MISSING, 0, "no such file", "check the name")
    if error.errno == errno.ELOOP:
        return _explain_link(path)
    if error.errno == errno.EACCES:
        return Finding(codes.UNREADABLE, 0, "not readable", "make it readable: chmod u+r")
    if error.errno in (errno.EINVAL, errno.EISDIR, errno.ENXIO):
        return Finding(codes.NOT_A_FILE, 0, _kind(path), "pass a regular file")
    reason = error.strerror or str(error)
    return Finding(codes.UNREADABLE, 0, f"not readable: {reason}", "check the file system")


def _explain_link(path: str) -> Finding:
    if os.path.exists(path):
        message = "a symbolic link has replaced the file or one of its folders"
        return Finding(codes.CHANGED_MEANWHILE, 0, message, "run dockfix again")
    return Finding(codes.MISSING, 0, "a symbolic link to itself", "fix or delete the link")


def _kind(path: str) -> str:
    mode = os.stat(path).st_mode
    kinds = {
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return f"{kinds.get(stat.S_IFMT(mode), 'a special file')}, not a file"
