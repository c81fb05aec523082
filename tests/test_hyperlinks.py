"""Codes are links in terminals that support them, and nowhere else."""

from __future__ import annotations

import io
import re
import sys

import pytest

from dockfix.hyperlinks import find_links, knows_links
from dockfix.terminal import Terminal

PAGES = "https://github.com/dockfix/dockfix/blob/main/docs/codes"


@pytest.mark.parametrize(
    ("environment", "known"),
    [
        ({}, False),
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "xterm-kitty"}, True),
        ({"TERM_PROGRAM": "vscode"}, True),
        ({"TERM_PROGRAM": "Apple_Terminal"}, False),
        ({"WT_SESSION": "1"}, True),
        ({"VTE_VERSION": "4999"}, False),
        ({"VTE_VERSION": "7600"}, True),
        ({"VTE_VERSION": "new"}, False),
        ({"FORCE_HYPERLINK": "1"}, True),
        ({"FORCE_HYPERLINK": "0", "TERM": "xterm-kitty"}, False),
    ],
)
def test_terminals_that_know_links(environment: dict[str, str], known: bool) -> None:
    assert knows_links(environment) is known


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a:1: port 80 is below 1024 [low-port] (look)", [("low-port", f"{PAGES}/low-port.md")]),
        ("    more: dockfix --explain pip-user", [("pip-user", f"{PAGES}/pip-user.md")]),
        ("why a file stays as it is: dockfix --explain Dockerfile", []),
        ("[not-a-code] and [Dockerfile]", []),
    ],
)
def test_codes_in_a_message(text: str, found: list[tuple[str, str]]) -> None:
    assert [(text[one.start : one.end], one.address) for one in find_links(text)] == found


class Screen(io.TextIOWrapper):
    """A terminal that records what it is sent."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def isatty(self) -> bool:
        return True


def printed(monkeypatch: pytest.MonkeyPatch, colour: bool | None, **environment: str) -> str:
    for name in (
        "NO_COLOR",
        "FORCE_HYPERLINK",
        "TERM_PROGRAM",
        "VTE_VERSION",
        "WT_SESSION",
        "KITTY_WINDOW_ID",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    Terminal(colour).print("a: look [low-port]", "yellow")
    screen.seek(0)
    return screen.read()


def test_a_terminal_that_knows_links_gets_one(monkeypatch: pytest.MonkeyPatch) -> None:
    text = printed(monkeypatch, None, TERM_PROGRAM="WezTerm")
    assert re.search(rf"\x1b\]8;id=\d+;{re.escape(PAGES)}/low-port\.md\x1b\\[^\x1b]*", text)
    assert re.sub(r"\x1b\][^\x1b]*\x1b\\|\x1b\[[\d;]*m", "", text) == "a: look [low-port]\n"


def test_others_get_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b]8" not in printed(monkeypatch, None)
    assert "\x1b]8" not in printed(monkeypatch, False, TERM_PROGRAM="WezTerm")
    assert "\x1b]8" not in printed(monkeypatch, None, TERM_PROGRAM="WezTerm", NO_COLOR="1")
