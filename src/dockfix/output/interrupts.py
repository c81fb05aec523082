"""Delay Ctrl-C until the current file is finished."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Self


class Interrupts:
    """Defers Ctrl-C while held, so that every written file is also reported; otherwise raises at once."""

    def __init__(self) -> None:
        self._held = self._caught = False
        self._previous: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._catch)
        return self

    def __exit__(self, *_: object) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None

    def hold(self) -> None:
        """Defer Ctrl-C from now on."""
        self._held = True

    def release(self) -> None:
        """Raise KeyboardInterrupt if Ctrl-C was pressed in the meantime."""
        self._held = False
        if self._caught:
            raise KeyboardInterrupt

    def _catch(self, _signal: int, _frame: FrameType | None) -> None:
        if not self._held:
            raise KeyboardInterrupt
        self._caught = True
