"""Questions at a terminal, each answered with a key and Enter, as in `git add -p`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TextIO

from dockfix.terminal import Terminal

QUIT: Final = "q"
HELP: Final = "?"


class EndOfAnswersError(Exception):
    """The input has ended."""


@dataclass(slots=True)
class Conversation:
    """Prints to standard error and reads answers, by default from standard input."""

    terminal: Terminal
    answers: TextIO = field(default_factory=lambda: sys.stdin)

    def show(self, text: str, style: str | None = None) -> None:
        """Print lines."""
        for line in text.split("\n"):
            self.terminal.print(line, style)

    def show_diff(self, removed: tuple[str, ...], added: tuple[str, ...]) -> None:
        """Print removed and added lines."""
        for line in removed:
            self.terminal.print(f"-{line}", "red")
        for line in added:
            self.terminal.print(f"+{line}", "green")

    def choose(self, question: str, keys: Mapping[str, str]) -> str:
        """The key that was chosen; the help lists each with its meaning. Raises EndOfAnswersError."""
        while True:
            answer = self.ask(f"{question} [{','.join([*keys, HELP])}]? ")
            if answer in keys:
                return answer
            for key, meaning in keys.items():
                self.show(f"{key} - {meaning}", "bold")

    def ask(self, question: str) -> str:
        """The answer as text. Raises EndOfAnswersError."""
        self.terminal.prompt(question)
        line = self.answers.readline()
        if not line:
            raise EndOfAnswersError
        if not self.answers.isatty():  # a terminal shows what is typed by itself
            self.terminal.print(line.strip())
        return line.strip()
