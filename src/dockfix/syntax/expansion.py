"""Expand variables and remove quotes in a Dockerfile's words, as BuildKit does.

Source of the rules: "Environment replacement" in the Dockerfile reference, and moby/buildkit
`frontend/dockerfile/shell/lex.go` (ProcessWord), which also supports `#`, `%` and `/`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from dockfix.syntax.globs import STAR, compile_glob

MAX_LENGTH: Final = 1 << 17
"""The maximum length of a value (MAX_ARG_STRLEN of Linux); nested references could grow it exponentially."""

_MAX_SEARCHED: Final = 1 << 12
"""A search for a pattern with a star takes the square of a value's length."""

_SPECIAL_PARAMETERS: Final = "@*#?-$!0"


def expand(raw: str, env: Mapping[str, str], escape: str = "\\") -> str | None:
    """BuildKit's expansion of `raw`; an unset variable is "". None if it would reject the word."""
    if "$" not in raw:
        return raw if "'" not in raw and '"' not in raw and escape not in raw else _fixed(raw, escape)
    return _read(raw, env, escape)


@lru_cache(maxsize=4096)
def _fixed(raw: str, escape: str) -> str | None:
    """The value of a word without variables."""
    return _read(raw, {}, escape)


def _read(raw: str, env: Mapping[str, str], escape: str) -> str | None:
    try:
        return _Word(raw, env, escape).until("", keep_escapes=False)
    except (_BadWordError, RecursionError):
        return None


class _BadWordError(Exception):
    """BuildKit rejects the word."""


class _Word:
    """One word and the position up to which it has been read."""

    def __init__(self, text: str, env: Mapping[str, str], escape: str) -> None:
        self.text = text
        self.env = env
        self.escape = escape
        self.at = 0
        self.room = MAX_LENGTH

    def _taken(self, value: str) -> str:
        """The value of a variable; raises _BadWordError if the result would be too long."""
        self.room -= len(value)
        if self.room < 0:
            raise _BadWordError
        return value

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _next(self) -> str:
        char = self.text[self.at : self.at + 1]
        self.at += 1
        return char

    def until(self, stop: str, *, keep_escapes: bool) -> str:
        """Expand up to the character `stop` and skip it; "" is the end of the text."""
        out: list[str] = []
        while (char := self._peek()) != stop:
            if not char:
                raise _BadWordError
            if char == "'":
                out.append(self._single_quoted())
            elif char == '"':
                out.append(self._double_quoted(keep_escapes))
            elif char == "$":
                out.append(self._variable())
            elif char == self.escape:
                self.at += 1
                out.append((char if keep_escapes else "") + self._next())
            else:
                out.append(self._next())
        self.at += 1
        return "".join(out)

    def _single_quoted(self) -> str:
        close = self.text.find("'", self.at + 1)
        if close < 0:
            raise _BadWordError
        inner = self.text[self.at + 1 : close]
        self.at = close + 1
        return inner

    def _double_quoted(self, keep_escapes: bool) -> str:
        out: list[str] = []
        self.at += 1
        while (char := self._peek()) != '"':
            if not char:
                raise _BadWordError
            if char == "$":
                out.append(self._variable())
                continue
            self.at += 1
            if char == self.escape:
                following = self._peek()
                if keep_escapes or not following:
                    out.append(char if keep_escapes else "")
                if following and following in ('"', "$", self.escape):
                    char = self._next()
                elif not following:
                    continue
            out.append(char)
        self.at += 1
        return "".join(out)

    def _variable(self) -> str:
        self.at += 1
        if self._peek() != "{":
            name = self._name()
            return self._taken(self.env.get(name, "")) if name else "$"
        self.at += 1
        if self._peek() in ("", "{", "}", ":"):
            raise _BadWordError
        name = self._name()
        operator = self._next()
        if operator == "}":
            return self._taken(self.env.get(name, ""))
        if operator == "/":
            return self._replaced(name)
        null_is_unset = operator == ":"
        if null_is_unset:
            operator = self._next()
        if operator in ("#", "%") and not null_is_unset:
            return _trimmed(self.env.get(name, ""), self.until("}", keep_escapes=True), operator)
        if operator not in ("-", "+", "?"):
            raise _BadWordError
        word = self.until("}", keep_escapes=False)
        value = self.env.get(name)
        is_set = bool(value) if null_is_unset else value is not None
        if operator == "+":
            return word if is_set else ""
        if not is_set and operator == "?":
            raise _BadWordError
        return self._taken(value or "") if is_set else word

    def _replaced(self, name: str) -> str:
        """`${name/pattern/text}`; with `//`, every match is replaced."""
        count = 1
        if self._peek() == "/":
            self.at += 1
            count = 0
        pieces = _pieces(self.until("/", keep_escapes=True))
        replacement = self.until("}", keep_escapes=True)
        value = self._taken(self.env.get(name, ""))
        is_long = len(value) > _MAX_SEARCHED and STAR in pieces
        if is_long or len(value) * len(replacement) > MAX_LENGTH:
            raise _BadWordError
        return compile_glob(pieces).sub(lambda _: replacement, value, count=count)

    def _name(self) -> str:
        start = self.at
        first = self._peek()
        if first.isdecimal():
            while self._peek().isdecimal():
                self.at += 1
        elif first and first in _SPECIAL_PARAMETERS:
            self.at += 1
        else:
            while (char := self._peek()) and (char.isalpha() or char.isdecimal() or char == "_"):
                self.at += 1
        return self.text[start : self.at]


def _trimmed(value: str, pattern: str, operator: str) -> str:
    """`#` and `%`: remove the shortest match at the start or end; doubled, the longest."""
    greedy = pattern.startswith(operator)
    pieces = _pieces(pattern[greedy:])
    if operator == "#":
        match = compile_glob(pieces, greedy=greedy).match(value)
        return value[match.end() :] if match else value
    match = compile_glob(pieces[::-1], greedy=greedy).match(value[::-1])
    return value[: len(value) - match.end()] if match else value


def _pieces(glob: str) -> list[str]:
    """The glob as `compile_glob` takes it."""
    out: list[str] = []
    at = 0
    while at < len(glob):
        char = glob[at]
        at += 1
        if char == "*":
            out.append(STAR)
        elif char == "?":
            out.append(".")
        elif char == "\\":
            following = glob[at : at + 1]
            if following and following in "}/":
                continue
            if not following or following not in "*?\\":
                raise _BadWordError
            out.append(re.escape(following))
            at += 1
        else:
            out.append(re.escape(char))
    return out
