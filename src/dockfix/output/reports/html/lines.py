"""The lines of all files, each stored once, with the colours that Pygments assigns.

Colours are encoded as letters and lengths: `k4_1s12` is four characters of a keyword, one without colour,
twelve of a string. Lengths are in UTF-16 units, as in JavaScript.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from pygments.lexer import Lexer
from pygments.lexers import DockerLexer, get_lexer_for_filename
from pygments.lexers.special import TextLexer
from pygments.token import (
    Comment,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    _TokenType,
    is_token_subtype,
)
from pygments.util import ClassNotFound

from dockfix.files.naming import is_dockerfile_name

MOST_COLOURED: Final = 20_000
"""The maximum length of an instruction to colour; the lexer may take very long for longer ones."""
PLAIN: Final = "_"
HIDDEN: Final = "x"
_LETTERS: Final = (
    (Keyword, "k"),
    (String.Interpol, "v"),
    (String, "s"),
    (Comment, "c"),
    (Name.Variable, "v"),
    (Name.Builtin, "b"),
    (Number, "n"),
    (Operator, "o"),
    (Punctuation, "o"),
)
# Characters that are invisible or change how others look: controls, direction marks, joiners.
_HIDDEN_ONE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)

_Piece = tuple[str, str]


class LineTable:
    """Numbers lines, and caches the colours of each instruction."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self._instructions: dict[tuple[str, str], tuple[int, ...]] = {}

    def number(self, text: str, name: str) -> list[int]:
        """The numbers of a text's lines; `name` is the file name, which determines the language."""
        language, lexer = _find_lexer(name)
        numbers: list[int] = []
        for part in _instructions(text) if language == "docker" else [text]:
            known = self._instructions.get((language, part))
            if known is None:
                lines = _lines(_tokens(lexer, part))
                known = self._instructions[language, part] = tuple(map(self._keep, lines))
            numbers += known
        return numbers

    def as_json(self) -> dict[str, Any]:
        """All lines and their colours, by number."""
        return {
            "lines": [text for text, _ in self._numbers],
            "colours": [colours for _, colours in self._numbers],
        }

    def _keep(self, line: list[_Piece]) -> int:
        text = "".join(part for _, part in line)
        return self._numbers.setdefault((text, _colouring(line)), len(self._numbers))


def _find_lexer(name: str) -> tuple[str, Lexer]:
    """(language of a file, lexer); an unknown language counts as a Dockerfile."""
    base = name.rpartition("/")[2]
    if not is_dockerfile_name(base):
        try:
            lexer = get_lexer_for_filename(base, stripnl=False, ensurenl=False)
        except ClassNotFound:
            pass
        else:
            return lexer.name, lexer
    return "docker", _DOCKER


_DOCKER: Final = DockerLexer(stripnl=False, ensurenl=False)
_TEXT: Final = TextLexer(stripnl=False, ensurenl=False)


def _instructions(text: str) -> Iterator[str]:
    """A Dockerfile's text in parts that end where no backslash continues the line."""
    part: list[str] = []
    for line in text.split("\n"):
        part.append(line)
        if not line.rstrip().endswith("\\"):
            yield "\n".join(part)
            part = []
    if part:
        yield "\n".join(part)


def _tokens(lexer: Lexer, text: str) -> Iterator[_Piece]:
    """(letter of the colour, text) for each piece of the text."""
    chosen = lexer if len(text) <= MOST_COLOURED else _TEXT
    for _, kind, piece in chosen.get_tokens_unprocessed(text):
        yield _letter(kind), piece


@cache
def _letter(kind: _TokenType) -> str:
    return next((letter for family, letter in _LETTERS if is_token_subtype(kind, family)), PLAIN)


def _lines(pieces: Iterator[_Piece]) -> Iterator[list[_Piece]]:
    """The pieces line by line, without line ends."""
    line: list[_Piece] = []
    for letter, piece in pieces:
        first, *rest = piece.split("\n")
        line += _visible(letter, first)
        for part in rest:
            yield _ended(line)
            line = list(_visible(letter, part))
    yield _ended(line)


def _ended(line: list[_Piece]) -> list[_Piece]:
    """A line without a trailing carriage return."""
    return line[:-1] if line and line[-1] == (HIDDEN, _shown("\r")) else line


def _visible(letter: str, text: str) -> Iterator[_Piece]:
    """A piece with invisible characters written as code points."""
    at = 0
    for found in _HIDDEN_ONE.finditer(text):
        if found.start() > at:
            yield letter, text[at : found.start()]
        yield HIDDEN, _shown(found[0])
        at = found.end()
    if at < len(text):
        yield letter, text[at:]


def _shown(character: str) -> str:
    return f"<U+{ord(character):04X}>"


def _colouring(line: list[_Piece]) -> str:
    """Letters and lengths; adjacent pieces of one colour are merged."""
    runs: list[tuple[str, int]] = []
    for letter, text in line:
        length = len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
        if runs and runs[-1][0] == letter:
            runs[-1] = letter, runs[-1][1] + length
        else:
            runs.append((letter, length))
    return "".join(f"{letter}{length}" for letter, length in runs)
