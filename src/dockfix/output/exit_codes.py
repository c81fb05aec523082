"""The exit codes of the command line."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """How a run ended."""

    DONE = 0
    WOULD_CHANGE = 1
    USAGE = 2
    DEFECT = 70
    FAILED = 123
    INTERRUPTED = 130
    BROKEN_PIPE = 141
