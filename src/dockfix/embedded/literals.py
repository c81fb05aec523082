"""Python string literals, character by character: how to read them, and how to write text in them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from dockfix.embedded.excerpts import Cell
from dockfix.embedded.layers import NotFollowed

_TOKEN: Final = re.compile(
    r"\\(?:\r\n|N\{[^}]{0,99}\}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|[\s\S])|\r\n|[\s\S]"
)
_SIMPLE: Final = {
    "\\\n": "", "\\\r": "", "\\\r\n": "", "\\\\": "\\", "\\'": "'", '\\"': '"', "\\a": "\a", "\\b": "\b",
    "\\f": "\f", "\\n": "\n", "\\r": "\r", "\\t": "\t", "\\v": "\v", "\r\n": "\n", "\r": "\n",
}  # fmt: skip
_SPELT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}


@dataclass(frozen=True, slots=True)
class Quoting:
    """How a literal is written: its prefix as in the source, its quotes, the file's line end."""

    prefix: str
    quote: str
    line_end: str

    @property
    def raw(self) -> bool:
        """Whether backslashes are literal."""
        return "r" in self.prefix.lower()

    @property
    def format(self) -> bool:
        """Whether braces contain expressions."""
        return "f" in self.prefix.lower()

    def escape(self, text: str) -> str:
        """The text as written between these quotes. Raises CannotCarry if a raw literal cannot contain it."""
        if self.format:
            text = text.replace("{", "{{").replace("}", "}}")
        if self.raw:
            return text.replace("\n", self.line_end)
        long = len(self.quote) == 3
        out = "".join(self._escape(char, long) for char in text)
        mark = self.quote[0]
        if not long:
            return out.replace(mark, "\\" + mark)
        out = re.sub(f"{mark}{{3,}}", lambda run: ("\\" + mark) * len(run[0]), out)
        if out.startswith(mark):
            out = "\\" + out
        return out[:-1] + "\\" + mark if out.endswith(mark) and not out.endswith("\\" + mark) else out

    def _escape(self, char: str, long: bool) -> str:
        if long and char in "\n\t":
            return self.line_end if char == "\n" else char
        if char in _SPELT:
            return _SPELT[char]
        if char.isprintable():
            return char
        return char.encode("unicode_escape").decode("ascii")

    def alone(self, line: str) -> str:
        """One line as a separate literal, next to this one."""
        plain = Quoting("", self.quote, self.line_end)
        return self.quote + plain.escape(line) + self.quote


def _escaped(written: str) -> str:
    """The value of an escape. Raises NotFollowed if Python rejects it."""
    try:
        value: str = ast.literal_eval(f'"{written}"')
    except (SyntaxError, ValueError):
        raise NotFollowed(f"{written} is not an escape") from None
    return value


def literal_cells(source: str, start: int, end: int, piece: int, *, raw: bool) -> Iterator[Cell]:
    """The cells of the source from `start` to `end`, between the quotes."""
    if raw:
        for match in re.compile(r"\r\n|[\s\S]").finditer(source, start, end):
            yield Cell(_SIMPLE.get(match[0], match[0]), match.start(), match.end(), piece)
        return
    for match in _TOKEN.finditer(source, start, end):
        written = match[0]
        if len(written) == 1 or written in _SIMPLE:
            value = _SIMPLE.get(written, written)
        elif (written[1] in "NxuU" and len(written) > 2) or written[1] in "01234567":
            value = _escaped(written)
        else:  # not an escape: the backslash is literal
            yield Cell("\\", match.start(), match.start() + 1, piece)
            yield Cell(written[1:], match.start() + 1, match.end(), piece)
            continue
        if value:
            yield Cell(value, match.start(), match.end(), piece)
