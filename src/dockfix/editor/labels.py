"""Escape arbitrary text for an editor's diagnostics, titles and notifications."""

from __future__ import annotations

import re
from typing import Final

from dockfix.terminal import show_printable

_MARKUP: Final = re.compile(r"(?<=\$)(?=\()|(?<=\])(?=\()")
_JOINER: Final = "\u2060"
"""Invisible, and not part of any markup."""


def label(text: str) -> str:
    """A text on one line.

    Visual Studio Code shows `$(name)` in a code lens as an icon, and `[text](command:...)` in a
    notification as a link that runs a command (microsoft/vscode codelensWidget.ts, linkedText.ts).
    """
    return _MARKUP.sub(_JOINER, show_printable(text))
