"""Output: patches to standard output, everything else to standard error, in colour if wanted."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Final, TextIO, TypeVar

from dockfix.diff import quote_name, split_lines
from dockfix.hyperlinks import Link, find_links, knows_links, with_links

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status


T = TypeVar("T")
WIDTH: Final = 110
"""The width in columns of output to a file or a pipe."""
_COMMAND: Final = re.compile(r"(?<![^\s]):(?=:)|#(?=#\[|#vso\[)", re.IGNORECASE)


class Terminal:
    """Both standard streams. `colour` None leaves it to the environment, then to the kind of stream."""

    def __init__(self, colour: bool | None = None) -> None:
        self._colour = colour
        self._live = False
        self._status: Status | None = None
        self._painted: dict[TextIO, bool] = {}

    def write(self, text: str | bytes) -> None:
        """Write the text unchanged to standard output."""
        with self._above_status():
            sys.stdout.flush()
            sys.stdout.buffer.write(text if isinstance(text, bytes) else text.encode("utf-8"))

    def write_diff(self, diff: str) -> None:
        """Write a patch to standard output: byte for byte to a pipe, coloured on a terminal."""
        if not self._paints(sys.stdout):
            self.write(diff)
            return
        with self._above_status():
            for line in split_lines(diff):
                self._out.out(line, end="", style=_style(line), highlight=False)

    def write_lines(self, lines: Iterable[tuple[str, str | None]]) -> None:
        """Write lines to standard output, escaped, each in its style if colours are wanted."""
        paints = self._paints(sys.stdout)
        for text, style in lines:
            shown = show_text(text) if text else ""
            if links := self._find_links(shown, sys.stdout):
                self._out.print(with_links(shown, links, style), soft_wrap=True, highlight=False)
            elif paints:
                self._out.out(shown, style=style, highlight=False)
            else:
                self.write(shown + "\n")

    @property
    def width(self) -> int:
        """The width of standard output in columns: the terminal's, or WIDTH if it is not a terminal."""
        return shutil.get_terminal_size((WIDTH, 24)).columns if sys.stdout.isatty() else WIDTH

    def print(self, text: str, style: str | None = None) -> None:
        """Print one line to standard error, escaped."""
        with self._above_status():
            self._print(show_text(text), style)

    def _print(self, text: str, style: str | None) -> None:
        if (links := self._find_links(text, sys.stderr)) and not self._live:
            self._err.print(with_links(text, links, style), soft_wrap=True, highlight=False)
        elif self._live or (style is not None and self._paints(sys.stderr)):
            self._err.out(text, style=style, highlight=False)
        else:
            print(text, file=sys.stderr)

    def prompt(self, text: str) -> None:
        """Print a question to standard error, so that the answer follows on the same line."""
        shown = show_text(text.rstrip()) + " "
        if self._paints(sys.stderr):
            self._err.out(shown, style="bold blue", highlight=False, end="")
        else:
            print(shown, end="", file=sys.stderr)
        sys.stderr.flush()

    @property
    def is_interactive(self) -> bool:
        """Whether standard error is a terminal."""
        return sys.stderr.isatty()

    @contextmanager
    def progress(
        self, total: int, name: Callable[[T], str] = str
    ) -> Iterator[Callable[[Iterable[T]], Iterable[T]]]:
        """Yields a function that passes `total` things through while it shows a progress bar.

        `name` returns the text to show for the thing just finished.

        There is no bar if `total` is 0, in a pipe, in CI, or when patches go to the same terminal.
        """
        shown = total and self.is_interactive and not sys.stdout.isatty() and "CI" not in os.environ
        if not shown:
            yield lambda things: things
            return
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.table import Column

        done = TextColumn("{task.fields[done]}", table_column=Column(ratio=1, no_wrap=True), markup=False)
        columns = (BarColumn(30), MofNCompleteColumn(), TextColumn("{task.fields[speed]}"))
        parts = (*columns, TimeRemainingColumn(), done)
        with Progress(*parts, console=self._err, transient=True, expand=True) as bar:
            task = bar.add_task("", total=total, speed="", done="")

            def watch(things: Iterable[T]) -> Iterator[T]:
                start = time.monotonic()
                for count, thing in enumerate(things, 1):
                    yield thing
                    speed = f"{count / max(time.monotonic() - start, 0.001):.0f}/s"
                    bar.update(task, completed=count, speed=speed, done=show_text(name(thing)))

            self._live = True
            try:
                yield watch
            finally:
                self._live = False

    @contextmanager
    def steps(self, total: int) -> Iterator[Callable[[str, str], None]]:
        """Yields a function that shows the current step of a path; only on a terminal."""
        if not self.is_interactive or "CI" in os.environ:
            yield lambda path, step: None
            return
        from rich.text import Text

        with self._err.status(f"0 of {total}") as status:
            self._status = status
            try:
                yield lambda path, step: status.update(Text(show_text(f"{path}: {step}")))
            finally:
                self._status = None

    @contextmanager
    def _above_status(self) -> Iterator[None]:
        """Take the line with the current step away while something else is written."""
        if self._status is None:
            yield
            return
        self._status.stop()
        try:
            yield
            self.flush()
        finally:
            self._status.start()

    def flush(self) -> None:
        """Flush everything. Raises BrokenPipeError if the reader has gone."""
        sys.stdout.flush()
        sys.stdout.buffer.flush()

    def _find_links(self, text: str, stream: TextIO) -> list[Link]:
        """The links of a text, if the terminal supports them and is colored."""
        if not (stream.isatty() and self._paints(stream) and knows_links(os.environ)):
            return []
        return list(find_links(text))

    def _paints(self, stream: TextIO) -> bool:
        if self._colour is not None:
            return self._colour
        if stream not in self._painted:  # queried for every line, so it is cached
            self._painted[stream] = self._may_paint(stream)
        return self._painted[stream]

    @staticmethod
    def _may_paint(stream: TextIO) -> bool:
        """NO_COLOR wins (https://no-color.org), then FORCE_COLOR and https://bixense.com/clicolors."""
        if os.environ.get("NO_COLOR"):
            return False
        if any(os.environ.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
            return True
        return stream.isatty() and os.environ.get("TERM") != "dumb"

    @cached_property
    def _out(self) -> Console:
        return _console(sys.stdout)

    @cached_property
    def _err(self) -> Console:
        return _console(sys.stderr)


def _console(stream: TextIO) -> Console:
    from rich.console import Console

    return Console(file=stream, force_terminal=True, color_system="standard", soft_wrap=True, no_color=False)


def _style(line: str) -> str | None:
    styles = {"+++": "bold", "---": "bold", "@@ ": "cyan"}
    return styles.get(line[:3]) or {"+": "green", "-": "red"}.get(line[:1])


def show_path(path: str) -> str:
    """`path` on one line of a message: control characters and invalid bytes are quoted and escaped."""
    return path if path.isprintable() else quote_name(path)


def show_text(text: str) -> str:
    """Arbitrary text on one line of a terminal or a log, without effect as a command.

    Unprintable characters are escaped, and so are commands of workflow runners: `::` at the beginning of
    a line, `##[` and `##vso[` anywhere (actions/runner ActionCommand.cs, azure-pipelines-agent).
    """
    return _COMMAND.sub(lambda match: f"\\x{ord(match[0]):02x}", show_printable(text))


def show_printable(text: str) -> str:
    """Arbitrary text on one line, with unprintable characters escaped."""
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode("ascii")
