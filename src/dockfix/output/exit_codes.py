"""What the process leaves with."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes."""

    DONE = 0
    WOULD_CHANGE = 1
    USAGE = 2
    FAILED = 123
    INTERRUPTED = 130
    BROKEN_PIPE = 141
