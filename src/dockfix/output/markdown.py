"""Escape arbitrary text for Markdown, so that it creates no links, images, mentions or markup."""

from __future__ import annotations

import re
from typing import Final

from dockfix.terminal import show_text

_MARKUP: Final = re.compile(r"[\\`*_\[\]<>&|~$!]|(?<=https)?:(?=//)|(?<=www)\.|#(?=\d)", re.IGNORECASE)
_MENTION: Final = re.compile(r"@(?=\w)")
_JOINER: Final = "\u2060"
"""Invisible; GitHub looks for mentions in the rendered text, which has no backslashes."""


def plain(text: str) -> str:
    """A text as part of a line."""
    escaped = _MARKUP.sub(lambda match: "\\" + match[0], show_text(text))
    return _MENTION.sub("@" + _JOINER, escaped)


def code(text: str) -> str:
    """A text as a code span, delimited by more backticks than it contains in a row."""
    shown = show_text(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    space = " " if shown.startswith("`") or shown.endswith("`") or not shown.strip() else ""
    return f"{fence}{space}{shown}{space}{fence}"
