"""Every moment at which a disk can fail, one after the other: `python -m tests.faults.sweep KIND FIRST STEP`.

Runs with disk.c preloaded, in a repository with dirty work allowed; what is watched is the folder above
it, with caches and state in it. Ends with a message at the first moment that loses something.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dockfix.__main__ import main

KINDS: Final = ("open", "create", "write", "fsync", "rename")
"""The calls of disk.c; `create` are those of `open` that write."""
ERRORS: Final = (errno.ENOSPC, errno.EIO, errno.EFBIG)
LASTING: Final = 5
"""One moment in so many is also the first from which all calls fail."""
WRITE: Final = ("--write", "--allow-dirty", ".")
NOTHING_LEFT: Final = "nothing to undo\n"


def run(*arguments: str) -> tuple[int, str]:
    """The exit code and the messages of a run in this process."""
    sys.argv = ["dockfix", *arguments]
    os.ftruncate(2, 0)
    os.lseek(2, 0, os.SEEK_SET)
    try:
        main()
    except SystemExit as error:
        sys.stderr.flush()
        return int(str(error.code)), os.pread(2, 1 << 20, 0).decode()
    raise AssertionError("dockfix did not exit")


def _watched() -> bytes:
    """The folder above the repository, with a slash: what stands beside it may start with its name."""
    return os.path.join(os.path.dirname(os.getcwd()), "").encode()


def read() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(Path().rglob("*ockerfile"))}


def moments(kind: int, first: int, step: int) -> Iterator[tuple[int, int, int]]:
    """(number of the call, whether all later ones fail too, error): for each call, or one in `step`."""
    disk = ctypes.CDLL(None)
    disk.disk_arm(_watched(), kind, 1 << 30, 0, 0)
    assert run(*WRITE)[0] == 0
    calls = disk.disk_disarm()
    undo_all()
    for number in range(first, calls + 1, step):
        yield number, 0, ERRORS[number % len(ERRORS)]
    for number in range(first, calls + 1, LASTING * step):
        yield number, 1, ERRORS[number % len(ERRORS)]


def undo_all() -> None:
    while (done := run("--undo"))[1] != NOTHING_LEFT:
        assert done[0] == 0, done


def check(kind: int, moment: tuple[int, int, int], before: dict[str, bytes], after: dict[str, bytes]) -> int:
    """Fail at one moment, and see that everything is whole, resumed and undone; the exit code."""
    disk = ctypes.CDLL(None)
    disk.disk_arm(_watched(), kind, *moment)
    code, messages = run(*WRITE)
    disk.disk_disarm()
    now = read()
    assert now.keys() == before.keys(), messages
    assert all(now[path] in (before[path], after[path]) for path in before), messages
    assert code in (0, 123), (code, messages)
    assert code == 0 or "error" in messages or "dockfix: " in messages, messages
    assert "Traceback" not in messages, messages
    assert not list(Path().rglob(".dockfix-*")), messages
    again = run(*WRITE)
    assert again[0] == 0, again
    assert read() == after, again
    undo_all()
    assert read() == before
    return code


def sweep(kind: int, first: int, step: int) -> None:
    before = read()
    assert run(*WRITE)[0] == 0
    after = read()
    assert all(after[path] != before[path] for path in before)
    undo_all()
    codes = []
    for moment in moments(kind, first, step):
        try:
            codes.append(check(kind, moment, before, after))
        except AssertionError as error:
            print(f"{KINDS[kind]} {moment}: {error!r}")
            raise SystemExit(1) from None
    print(f"{KINDS[kind]}: {len(codes)} moments, {codes.count(123)} times exit code 123", flush=True)


if __name__ == "__main__":
    sweep(KINDS.index(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
