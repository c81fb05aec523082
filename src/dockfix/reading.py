"""Read one Dockerfile, from disk or standard input, or say in one finding why it cannot be."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from typing import BinaryIO, Final

from dockfix.results import Failed, Finding

MAX_BYTES: Final = 16 * 1024 * 1024
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Source:
    """A file's bytes as read and the text that they hold (a byte-order mark is part of both)."""

    data: bytes
    text: str


def read_source(path: str) -> Source | Failed:
    """The Dockerfile at `path`; Failed where it is no readable UTF-8 text."""
    try:
        data = read_bytes(path, MAX_BYTES)
    except OSError as error:
        return Failed(_explain(path, error))
    return decode(data)


def read_stream(stream: BinaryIO) -> Source | Failed:
    """The Dockerfile that `stream` holds; Failed where it is no UTF-8 text."""
    return decode(stream.read(MAX_BYTES + 1))


def read_bytes(path: str, limit: int) -> bytes:
    """The first `limit` + 1 bytes of the regular file at `path`.

    Raises OSError; with EINVAL where the path is no regular file, which is never waited for.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        return file.read(limit + 1)


def decode(data: bytes) -> Source | Failed:
    """`data` as text; Failed where it is empty, too large, holds a NUL byte or is not UTF-8."""
    if len(data) > MAX_BYTES:
        return _failed("too-large", 0, f"larger than {MAX_BYTES >> 20} MiB", "no Dockerfile is that long")
    if not data.strip():
        return _failed("empty", 0, "empty file", "write a Dockerfile, or delete it")
    if data.startswith(_UTF_16):
        return _failed("not-utf-8", 1, "UTF-16 text", "save it as UTF-8")
    if (at := data.find(b"\0")) >= 0:
        return _failed("nul-byte", _line(data, at), "a NUL byte", "save it as UTF-8 text")
    try:
        return Source(data, data.decode("utf-8"))
    except UnicodeDecodeError as error:
        byte = data[error.start]
        message = f"not UTF-8: byte 0x{byte:02x}"
        return _failed("not-utf-8", _line(data, error.start), message, "save it as UTF-8")


def _line(data: bytes, offset: int) -> int:
    return data.count(b"\n", 0, offset) + 1


def _failed(code: str, line: int, message: str, cure: str) -> Failed:
    return Failed(Finding(code, line, message, cure))


def _explain(path: str, error: OSError) -> Finding:
    if error.errno == errno.ENOENT:
        if os.path.islink(path):
            return Finding("missing", 0, "a symbolic link to nothing", "mend or delete the link")
        return Finding("missing", 0, "no such file", "check the name")
    if error.errno == errno.ELOOP:
        return Finding("missing", 0, "a symbolic link to itself", "mend or delete the link")
    if error.errno == errno.EACCES:
        return Finding("unreadable", 0, "not readable", "allow reading it: chmod u+r")
    if error.errno in (errno.EINVAL, errno.EISDIR, errno.ENXIO):
        return Finding("not-a-file", 0, _kind(path), "name a regular file")
    reason = error.strerror or str(error)
    return Finding("unreadable", 0, f"not readable: {reason}", "check the file system")


def _kind(path: str) -> str:
    mode = os.stat(path).st_mode
    kinds = {
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return f"{kinds.get(stat.S_IFMT(mode), 'no regular file')}, not a file"
