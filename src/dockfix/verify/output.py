"""The output of a program in bounded memory: its beginning and its end."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections import deque
from typing import Final

MOST: Final = 8 * 2**20
"""The number of bytes that are kept of the beginning, and of the end."""
_PIECE: Final = 2**16


class Output:
    """Keeps the first and the last `most` bytes that are added."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._kept = self._left_out = 0

    def add(self, piece: bytes) -> None:
        """Add the next piece."""
        room = self._most - len(self._head)
        self._head += piece[:room]
        if rest := piece[room:]:
            self._tail.append(rest)
            self._kept += len(rest)
        while self._tail and self._kept - len(self._tail[0]) >= self._most:
            gone = len(self._tail.popleft())
            self._kept -= gone
            self._left_out += gone

    @property
    def text(self) -> str:
        """The text, with a line for what is left out."""
        gap = f"\n[{self._left_out} bytes are left out]\n".encode() if self._left_out else b""
        return b"".join((self._head, gap, *self._tail)).decode("utf-8", "replace")


def collect(process: subprocess.Popen[bytes], timeout: float, output: Output) -> int:
    """Read what a process prints until it ends; return its exit code. Raises TimeoutExpired."""
    assert process.stdout is not None
    limit = time.monotonic() + timeout
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if not selector.select(max(limit - time.monotonic(), 0)):
                raise subprocess.TimeoutExpired(process.args, timeout)
            piece = os.read(process.stdout.fileno(), _PIECE)
            if not piece:
                return process.wait(max(limit - time.monotonic(), 1))
            output.add(piece)
            if time.monotonic() > limit:
                raise subprocess.TimeoutExpired(process.args, timeout)
