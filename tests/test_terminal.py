from __future__ import annotations

import io
import sys
import time

import pytest

from dockfix.terminal import Terminal

NAMES = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "TERM")
ERASED = "\x1b[1A\x1b[2K"
"""Up one line, which is then erased."""
PAINTED = "\x1b[32m+USER app\x1b[0m"


class Stream(io.TextIOWrapper):
    """Standard output that may be a terminal."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def painted(monkeypatch: pytest.MonkeyPatch, asked: bool | None, terminal: bool, **environment: str) -> bool:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    stream = Stream(terminal=terminal)
    monkeypatch.setattr(sys, "stdout", stream)
    Terminal(asked).write_diff("+USER app\n")
    stream.seek(0)
    text = stream.read()
    assert text.rstrip("\n") in (PAINTED, "+USER app")
    return PAINTED in text


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": ""}, {"FORCE_COLOR": ""}, {"CLICOLOR_FORCE": "0"}])
def test_a_terminal_is_painted_and_a_pipe_is_not(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    assert painted(monkeypatch, None, True, **environment)
    assert not painted(monkeypatch, None, False, **environment)


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_that_wants_no_colour_gets_none(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    assert not painted(monkeypatch, None, True, **environment)


@pytest.mark.parametrize("name", ["FORCE_COLOR", "CLICOLOR_FORCE"])
def test_a_pipe_can_be_painted(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert painted(monkeypatch, None, False, **{name: "1"})
    assert painted(monkeypatch, None, False, **{name: "1", "TERM": "dumb"})
    assert not painted(monkeypatch, None, False, **{name: "1", "NO_COLOR": "1"})


def test_the_command_line_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert painted(monkeypatch, True, False, NO_COLOR="1")
    assert not painted(monkeypatch, False, True, FORCE_COLOR="1")


def test_a_patch_is_written_without_the_step_that_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    stream = Stream(terminal=True)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    terminal = Terminal(colour=False)
    with terminal.steps(1) as show:
        show("Dockerfile", "build the original")
        time.sleep(0.2)
        terminal.write_diff("+USER app\n")
        terminal.print("Dockerfile: proven")
        time.sleep(0.2)
    stream.seek(0)
    before, _, after = stream.read().partition("+USER app\n")
    assert "build the original" in before
    assert before.endswith(ERASED)
    assert f"{ERASED}Dockerfile: proven\n" in after
