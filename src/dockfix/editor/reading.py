"""One version of an open document, and its result."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from lsprotocol.types import Position, Range, TextEdit

from dockfix.checks import codes
from dockfix.diff import LineEdit, compare_lines, split_lines
from dockfix.editor.repositories import Place, fix_at
from dockfix.lazy import cached_property
from dockfix.output.reports.outcome import findings
from dockfix.results import Changed, Finding
from dockfix.runner.outcome import FileResult
from dockfix.syntax.parser import parse
from dockfix.syntax.tree import Dockerfile

# The protocol ends lines at lone carriage returns too.
_LONE_RETURN: Final = re.compile(r"\r(?!\n)")


@dataclass(frozen=True)
class Reading:
    """A text at its place in a repository; `width` returns the length of a string in the client's units."""

    uri: str
    version: int | None
    text: str
    place: Place
    width: Callable[[str], int] = len

    @cached_property
    def file(self) -> FileResult:
        """The result for the text."""
        return fix_at(self.place, self.text)

    @cached_property
    def tree(self) -> Dockerfile:
        """The parsed text."""
        return parse(self.text)

    @cached_property
    def head(self) -> int:
        """The line (from 1) of the FROM of the shipped stage; 1 if there is none."""
        lines = [one.line for one in self.tree.instructions if one.keyword == "FROM"]
        return lines[-1] if lines else 1

    @cached_property
    def findings(self) -> list[tuple[str, Finding]]:
        """(kind, finding) for all findings; the first one is what is wrong with the image, if it changes."""
        found = list(findings(self.file.result))
        if isinstance(self.file.result, Changed):
            state = "" if self.file.applies else " It needs a review first."
            code = codes.fault_of(self.file.result)
            root = Finding(code, self.file.result.line, code.summary + state)
            found.insert(0, ("root", root))
        return found

    def fix_with(self, transform: str) -> tuple[TextEdit, ...]:
        """The edits of one transform alone, none if it has nothing to do by itself."""
        options = replace(self.place.options, select=frozenset({transform}))
        result = fix_at(replace(self.place, options=options), self.text).result
        return self.edits(compare_lines(self.text, result.text)) if isinstance(result, Changed) else ()

    def edits(self, edits: tuple[LineEdit, ...] | list[LineEdit]) -> tuple[TextEdit, ...]:
        """Line edits in the form of the protocol."""
        return tuple(
            TextEdit(Range(self._start(start), self._start(end)), text) for start, end, text in edits
        )

    def line_range(self, line: int) -> Range:
        """The range of a line (from 1) without surrounding whitespace.

        The first line if there is no such line.
        """
        at = line - 1 if 0 < line <= len(self._lines) else 0
        text = self._lines[at].rstrip() if self._lines else ""
        number = self._number(at)
        indent = len(text) - len(text.lstrip())
        return Range(Position(number, indent), Position(number, self.width(text)))

    @cached_property
    def _lines(self) -> list[str]:
        return split_lines(self.text)

    def _start(self, at: int) -> Position:
        """The start of the line at an index (from 0), or the end of the text after the last one."""
        if at >= len(self._lines) and self._lines and not self._lines[-1].endswith("\n"):
            return Position(self._number(at - 1), self.width(self._lines[-1]))
        return Position(self._number(at), 0)

    def _number(self, at: int) -> int:
        """The protocol's number of a line."""
        return at + sum(len(_LONE_RETURN.findall(line)) for line in self._lines[:at])
