"""Links in terminals that support them (OSC 8): from a code in a message to its page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from rich.text import Text

_CODE: Final = re.compile(r"(?<=\[)[a-z][a-z-]*(?=\])|(?<=dockfix --explain )[a-z][a-z-]*$")
# Each terminal sets one of these (egmontkob's "Hyperlinks in terminal emulators"; supports-hyperlinks).
_SIGNS: Final = ("KITTY_WINDOW_ID", "WT_SESSION", "KONSOLE_VERSION", "DOMTERM", "WEZTERM_PANE")
_PROGRAMS: Final = frozenset({"iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "rio", "Tabby"})
_TERMS: Final = frozenset({"xterm-kitty", "xterm-ghostty", "alacritty", "foot"})
_VTE: Final = 5000
"""From this version on, terminals of GNOME know links."""


class Link(NamedTuple):
    """A part of a text that links to an address."""

    start: int
    end: int
    address: str


def knows_links(environment: Mapping[str, str]) -> bool:
    """Whether the terminal supports links; FORCE_HYPERLINK overrides the detection."""
    forced = environment.get("FORCE_HYPERLINK", "")
    if forced:
        return forced != "0"
    vte = environment.get("VTE_VERSION", "")
    return (
        any(environment.get(name) for name in _SIGNS)
        or environment.get("TERM_PROGRAM") in _PROGRAMS
        or environment.get("TERM") in _TERMS
        or (vte.isdecimal() and int(vte) >= _VTE)
    )


def find_links(text: str) -> Iterator[Link]:
    """The codes and transforms that a message names, each linked to its page."""
    for match in _CODE.finditer(text):
        if (address := _pages().get(match[0])) is not None:
            yield Link(match.start(), match.end(), address)


def with_links(text: str, links: list[Link], style: str | None) -> Text:
    """The text in a style, with its links."""
    from rich.text import Text

    shown = Text(text, style or "")
    for link in links:
        shown.stylize(f"link {link.address}", link.start, link.end)
    return shown


@cache
def _pages() -> dict[str, str]:
    from dockfix.checks.codes import CODES
    from dockfix.checks.explanations import page_of
    from dockfix.transforms import TRANSFORMS

    return {code.name: page_of(code) for code in (*CODES, *(one.code for one in TRANSFORMS))}
