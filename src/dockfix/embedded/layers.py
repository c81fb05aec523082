"""Transformations of a text on its way from source code to a Dockerfile, cell by cell.

Each layer drops cells, merges them, or replaces them with a hole (one private-use character). The
remaining cells keep their positions, so that a change can be mapped back.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from dockfix.embedded.excerpts import Cell
from dockfix.embedded.recognition import HOLES

Cells = tuple[Cell, ...]


class NotFollowed(Exception):  # noqa: N818
    """The text is transformed in a way that cells cannot represent; the message says how."""


def text_of(cells: Sequence[Cell]) -> str:
    """The text of the cells."""
    return "".join(cell.char for cell in cells)


class Holes:
    """Allocates hole characters, each time a new one."""

    def __init__(self) -> None:
        self._next = iter(HOLES)

    def over(self, cells: Sequence[Cell]) -> Cell:
        """One hole in place of the cells."""
        return Cell(chr(next(self._next)), cells[0].start, cells[-1].end, cells[0].piece)


def strip(cells: Cells, chars: str | None = None, *, left: bool = True, right: bool = True) -> Cells:
    """The result of str.strip, lstrip or rstrip."""
    text = text_of(cells)
    start = len(text) - len(text.lstrip(chars)) if left else 0
    end = len(text.rstrip(chars)) if right else len(text)
    return cells[start : max(start, end)]


def dedent(cells: Cells) -> tuple[Cells, str]:
    """The result of textwrap.dedent, and the margin that it removes."""
    lines = _split(cells)
    texts = [text_of(line).removesuffix("\n") for line in lines]
    margin = _margin([text for text in texts if text.strip(" \t")])
    out: list[Cell] = []
    for line, text in zip(lines, texts, strict=True):
        blank = not text.strip(" \t")
        out += line[len(text) :] if blank else line[len(margin) :]
    if text_of(out) != textwrap.dedent(text_of(cells)):
        raise NotFollowed("textwrap.dedent treats its whitespace differently")
    return tuple(out), margin


def cleandoc(cells: Cells) -> tuple[Cells, str]:
    """The result of inspect.cleandoc, and the margin that it removes."""
    lines = _split(cells)
    texts = [text_of(line).removesuffix("\n") for line in lines]
    indents = [len(text) - len(text.lstrip()) for text in texts[1:] if text.strip()]
    width = min(indents, default=0)
    margin = next((text[:width] for text in texts[1:] if text.strip()), "")
    kept = [line[width:] for line in lines]
    kept[0] = lines[0][len(texts[0]) - len(texts[0].lstrip()) :]
    for n, text in enumerate(texts):
        if n and not text.strip():
            kept[n] = lines[n][len(text) :] if len(text) <= width else kept[n]
    while kept and not text_of(kept[0]).rstrip("\n"):
        kept.pop(0)
    while kept and not text_of(kept[-1]).rstrip("\n"):
        kept.pop()
    out = [cell for line in kept for cell in line]
    if out and out[-1].char == "\n":
        out.pop()
    if text_of(out) != inspect.cleandoc(text_of(cells)):
        raise NotFollowed("inspect.cleandoc treats its whitespace differently")
    return tuple(out), margin


def _margin(texts: list[str]) -> str:
    leads = [text[: len(text) - len(text.lstrip(" \t"))] for text in texts]
    if not leads:
        return ""
    low, high = min(leads), max(leads)
    same = 0
    while same < min(len(low), len(high)) and low[same] == high[same]:
        same += 1
    return low[:same]


def _split(cells: Cells) -> list[Cells]:
    lines: list[Cells] = []
    start = 0
    for index, cell in enumerate(cells):
        if cell.char == "\n":
            lines.append(cells[start : index + 1])
            start = index + 1
    lines.append(cells[start:])
    return lines


_BRACES: Final = re.compile(r"\{\{|\}\}|[{}]")
# One that is never closed ends with its line: compose refuses the file.
_DOLLARS: Final = re.compile(r"\$\$|\$\{[^}\n]*\}?|\$[A-Za-z_]\w*")
_EXPRESSIONS: Final = re.compile(r"\$\{\{(?:(?!\$\{\{).)*?\}\}", re.DOTALL)


def fill_braces(cells: Cells, holes: Holes) -> Cells:
    """str.format: `{{` becomes `{`, `{...}` a hole."""
    text, at = text_of(cells), 0
    out: list[Cell] = []
    while at < len(text):
        match = _BRACES.search(text, at)
        if match is None:
            break
        out += cells[at : match.start()]
        at = match.end()
        if match[0] == "{{" or match[0] == "}}":
            out.append(_merged(cells[match.start() : at], match[0][0]))
        elif match[0] == "{":
            at = _closing_brace(text, at)
            out.append(holes.over(cells[match.start() : at]))
        else:
            raise NotFollowed("str.format would reject its braces")
    return (*out, *cells[at:])


def _closing_brace(text: str, at: int) -> int:
    depth = 1
    while depth:
        match = re.compile(r"[{}]").search(text, at)
        if match is None:
            raise NotFollowed("str.format would reject its braces")
        depth += 1 if match[0] == "{" else -1
        at = match.end()
    return at


def fill_dollars(cells: Cells, holes: Holes) -> Cells:
    """Compose's interpolation: `$$` becomes `$`, `$NAME` and `${...}` holes."""
    return tuple(_substituted(cells, _DOLLARS, holes, {"$$": "$"}))


def fill_expressions(cells: Cells, holes: Holes) -> Cells:
    """A workflow's expressions: `${{ ... }}` becomes a hole."""
    return tuple(_substituted(cells, _EXPRESSIONS, holes, {}))


def _substituted(
    cells: Cells, pattern: re.Pattern[str], holes: Holes, literal: dict[str, str]
) -> Iterator[Cell]:
    at = 0
    for match in pattern.finditer(text_of(cells)):
        yield from cells[at : match.start()]
        at = match.end()
        found = cells[match.start() : at]
        yield _merged(found, literal[match[0]]) if match[0] in literal else holes.over(found)
    yield from cells[at:]


def fill_shell(cells: Cells, holes: Holes) -> Cells:
    r"""An unquoted heredoc: `\$` becomes `$`, escaped line ends are dropped, substitutions become holes."""
    text, at = text_of(cells), 0
    out: list[Cell] = []
    while at < len(text):
        char, pair = text[at], text[at : at + 2]
        if char == "\\" and pair[1:] in ("$", "`", "\\"):
            out.append(_merged(cells[at : at + 2], pair[1]))
            at += 2
        elif pair == "\\\n":
            at += 2
        elif (end := _substitution_end(text, at)) > at:
            out.append(holes.over(cells[at:end]))
            at = end
        else:
            out.append(cells[at])
            at += 1
    return tuple(out)


_VARIABLE = re.compile(r"\$(?:[A-Za-z_]\w*|[0-9@*#?$!-])|\$\{[^}]*\}?")


def _substitution_end(text: str, at: int) -> int:
    """The end of the substitution at `at`, or `at` itself if there is none."""
    if match := _VARIABLE.match(text, at):
        if match[0].startswith("${") and not match[0].endswith("}"):
            raise NotFollowed("a ${ is never closed")
        return match.end()
    if text[at] == "`":
        end = text.find("`", at + 1)
        if end < 0:
            raise NotFollowed("a backquote is never closed")
        return end + 1
    if not text.startswith("$(", at):
        return at
    depth, end = 0, at + 1
    while end < len(text):
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        end += 1
        if depth == 0:
            return end
    raise NotFollowed("a command substitution is never closed")


def _merged(cells: Sequence[Cell], char: str) -> Cell:
    return Cell(char, cells[0].start, cells[-1].end, cells[0].piece)
