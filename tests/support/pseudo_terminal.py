"""A program at a terminal, without one."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

ESCAPE = re.compile(rb"\x1b\][^\x1b]*\x1b\\|\x1b\[[\d;?]*[A-Za-z]")


@contextmanager
def open_terminal(columns: int = 100) -> Iterator[tuple[int, int]]:
    """A pseudo-terminal of so many columns: the end that a test keeps, and the program's."""
    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    try:
        yield mine, theirs
    finally:
        os.close(mine)


def environment_of_a_person() -> dict[str, str]:
    """The environment of a run at a terminal with colours."""
    unwanted = ("NO_COLOR", "CI", "COLUMNS", "LINES", "FORCE_HYPERLINK")
    return {**{name: value for name, value in os.environ.items() if name not in unwanted}, "TERM": "xterm"}


def read_until(terminal: int, text: bytes, seconds: float = 60) -> bytes:
    """What a program writes to a terminal, up to a text."""
    found = b""
    end = time.monotonic() + seconds
    while text not in found:
        ready, _, _ = select.select([terminal], [], [], max(0.0, end - time.monotonic()))
        assert ready, found.decode()
        found += os.read(terminal, 4096)
    return found
