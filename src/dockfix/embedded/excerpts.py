"""A Dockerfile inside another file: every character knows its position in that file.

A fix of the excerpt becomes edits of the file, so that everything the fix leaves alone keeps its bytes:
quotes, escapes, indentation, line ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from dockfix.checks import codes
from dockfix.diff import split_lines
from dockfix.edits import Edit, apply_edits
from dockfix.embedded.changes import changed_spans
from dockfix.embedded.recognition import HOLES, hole_in_the_way
from dockfix.results import Changed, Code, Finding, Result, Skipped, at_lines

Escape = Callable[[str], str]


class CannotCarry(Exception):  # noqa: N818
    """A change cannot be written to the surrounding file; the message is the reason."""


class Cell(NamedTuple):
    """One character of an excerpt and its span in the file; `piece` is the index of its literal."""

    char: str
    start: int
    end: int
    piece: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of source to which text can be added: `escape` writes text in its syntax.

    `alone` writes one whole line as a separate piece, `gap` separates two such pieces, and `start` and
    `end` are the piece's span with its quotes.
    """

    escape: Escape
    start: int = 0
    end: int = 0
    alone: Escape | None = None
    gap: str = ""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A Dockerfile found in a file.

    `margin` is the indentation of its lines in the file, which is not part of `cells`; `escape` is
    applied to added text before the piece's own; `obstacle` is the reason why it cannot be rewritten.
    """

    cells: tuple[Cell, ...]
    pieces: tuple[Piece, ...]
    margin: str = ""
    escape: Escape = str
    obstacle: str = ""

    @property
    def text(self) -> str:
        """The Dockerfile; each hole is one private-use character."""
        return "".join(cell.char for cell in self.cells)

    def source_line(self, source: str, line: int) -> int:
        """The line of the file where line `line` of the excerpt starts (both from 1)."""
        at = 0
        text = self.text
        for _ in range(max(line, 1) - 1):
            at = text.find("\n", at) + 1 or len(text)
        start = self.cells[min(at, len(self.cells) - 1)].start if self.cells else 0
        return source.count("\n", 0, start) + 1

    def edits(self, fixed: str) -> Iterator[Edit]:
        """The edits that turn the excerpt into `fixed`. Raises CannotCarry."""
        text = self.text
        if _holes(text) != _holes(fixed):
            raise CannotCarry("the fix would move or repeat an interpolated value")
        for start, end, new in changed_spans(text, fixed):
            if _holes(text[start:end]):
                raise CannotCarry("the fix would change an interpolated value")
            whole = (start == 0 or text[start - 1] == "\n") and (start == end or text[end - 1] == "\n")
            if whole and start and (not new or new.endswith("\n")):
                yield from self._line_edits(start, end, new)
            else:
                yield from self._span_edits(start, end, new)

    def _line_edits(self, start: int, end: int, new: str) -> Iterator[Edit]:
        """Replace whole lines (or none) with whole lines, each with its margin."""
        before = self.cells[start - 1]
        after = self.cells[end] if end < len(self.cells) else None
        piece = self.pieces[before.piece]
        beside = self.pieces[after.piece] if after else piece
        own_pieces = after is None or after.piece != before.piece
        if start == end and own_pieces and piece.alone and beside.alone and (piece.gap or beside.gap):
            lines = [beside.alone(self.escape(line)) for line in split_lines(new)]
            gap = beside.gap or piece.gap
            if after is None:
                yield Edit(piece.end, piece.end, "".join(gap + line for line in lines))
            else:
                yield Edit(beside.start, beside.start, "".join(line + gap for line in lines))
            return
        if start == end:
            yield Edit(before.end, before.end, piece.escape(self.escape(_indented(new, self.margin))))
            return
        if self.cells[start].piece != before.piece:
            yield from self._span_edits(start, end, new)
            return
        yield from self._replace(before.end, start, end, _indented(new, self.margin))

    def _span_edits(self, start: int, end: int, new: str) -> Iterator[Edit]:
        """Replace part of a line, or text that does not end with its line."""
        new = new.replace("\n", "\n" + self.margin) if self.margin else new
        if self.margin and new.endswith("\n" + self.margin):
            new = new[: -len(self.margin)]
        if start < end:
            yield from self._replace(self.cells[start].start, start, end, new)
            return
        if start:
            at, piece = self.cells[start - 1].end, self.cells[start - 1].piece
        elif self.cells:
            at, piece = self.cells[0].start, self.cells[0].piece
        else:
            raise CannotCarry("it is empty")
        yield Edit(at, at, self.pieces[piece].escape(self.escape(new)))

    def _replace(self, at: int, start: int, end: int, new: str) -> Iterator[Edit]:
        """Replace the cells from `start` to `end` with `new`; cells in further pieces are emptied."""
        spans: list[tuple[int, int, int]] = []
        for cell in self.cells[start:end]:
            if spans and spans[-1][2] == cell.piece:
                spans[-1] = (spans[-1][0], cell.end, cell.piece)
            else:
                spans.append((cell.start if spans else at, cell.end, cell.piece))
        for index, (first, last, piece) in enumerate(spans):
            yield Edit(first, last, "" if index else self.pieces[piece].escape(self.escape(new)))


def _indented(text: str, margin: str) -> str:
    blank = margin.rstrip()
    return "".join((margin if line.strip() else blank) + line for line in split_lines(text))


def _holes(text: str) -> str:
    return "".join(char for char in text if ord(char) in HOLES)


def plain_cells(source: str, start: int, end: int) -> Iterator[Cell]:
    """Cells of text that is written verbatim; a CRLF is one line end."""
    at = start
    while at < end:
        width = 2 if source.startswith("\r\n", at) and at + 1 < end else 1
        yield Cell("\n" if width == 2 else source[at], at, at + width)
        at += width


def line_end(source: str) -> str:
    """The line end of most lines in the file."""
    crlf = source.count("\r\n")
    return "\r\n" if crlf * 2 > source.count("\n") else "\n"


Extract = Callable[[str], Sequence[Excerpt]]


def rewrite(
    source: str, extract: Extract, fix: Callable[[str], Result], *, unsafe: bool = False
) -> tuple[str, tuple[Result, ...]]:
    """The file with every excerpt fixed, and the result for each, with line numbers of the file.

    Each change is applied to the file separately and verified: extracting the excerpts again must yield
    the fixed one, and the others unchanged.
    """
    excerpts = list(extract(source))
    results: list[Result] = []
    text = source
    for index in range(len(excerpts) - 1, -1, -1):
        excerpt = excerpts[index]
        result = _fix(excerpt, fix)
        if isinstance(result, Changed) and (unsafe or result.safe):
            candidate = _carry(text, excerpt, result.text)
            if isinstance(candidate, str) and _holds(candidate, extract, excerpts, index, result.text):
                text = candidate
                excerpts[index] = replace(excerpt, cells=_as_cells(result.text))
            else:
                why = (
                    candidate.args[0]
                    if isinstance(candidate, CannotCarry)
                    else "it would be read differently"
                )
                result = _skipped(codes.CANNOT_CARRY, f"the fixed text cannot be written here: {why}")
        results.append(_located(result, excerpt, source))
    return text, tuple(reversed(results))


def _fix(excerpt: Excerpt, fix: Callable[[str], Result]) -> Result:
    if excerpt.obstacle:
        return _skipped(codes.NOT_PLAIN_TEXT, f"the Dockerfile is not a literal here: {excerpt.obstacle}")
    line = hole_in_the_way(excerpt.text)
    if line is not None:
        what = f"{line.keyword} contains an interpolated value"
        return _skipped(codes.HOLE_IN_THE_WAY, what, line.line)
    return fix(excerpt.text)


def _skipped(code: Code, message: str, line: int = 1) -> Skipped:
    return Skipped((Finding(code, line, message, "run dockfix on the resulting text, and copy the changes"),))


def _carry(source: str, excerpt: Excerpt, fixed: str) -> str | CannotCarry:
    try:
        return apply_edits(source, excerpt.edits(fixed))
    except CannotCarry as why:
        return why


def _holds(source: str, extract: Extract, excerpts: Sequence[Excerpt], index: int, fixed: str) -> bool:
    again = [excerpt.text for excerpt in extract(source)]
    wanted = [excerpt.text for excerpt in excerpts]
    wanted[index] = fixed
    return again == wanted


def _as_cells(text: str) -> tuple[Cell, ...]:
    return tuple(Cell(char, 0, 0) for char in text)


def _located(result: Result, excerpt: Excerpt, source: str) -> Result:
    """The result with line numbers of the surrounding file."""
    return at_lines(result, lambda line: excerpt.source_line(source, line))
