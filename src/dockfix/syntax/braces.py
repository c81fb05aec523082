"""Brace expansion, which bash does and the plain shells of Debian and Alpine do not.

Source: the GNU Bash manual, 3.5.1 (Brace Expansion).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from dockfix.syntax.script import Word

_MAX_WORDS: Final = 64
_LONGEST: Final = 2000
"""The most characters of a word that is expanded."""
_SKIPPED: Final = re.compile(r"\\.|'[^']{0,500}'|\"(?:[^\"\\]|\\.){0,500}\"|\$\{[^}]{0,500}\}", re.DOTALL)
_RANGE: Final = re.compile(r"(-?\d{1,4})\.\.(-?\d{1,4})|([A-Za-z])\.\.([A-Za-z])")


def expand_braces(word: Word) -> list[Word]:
    """The words that a word stands for, all with its span; itself alone if it has no braces to expand."""
    is_short = "{" in word.text and len(word.text) <= _LONGEST
    return [word._replace(text=text) for text in _expand(word.text)] if is_short else [word]


def _expand(text: str) -> list[str]:
    found = [text]
    for _ in range(_MAX_WORDS):
        parts = [list(_first(text)) or [text] for text in found]
        after = [text for part in parts for text in part]
        if after == found or len(after) > _MAX_WORDS:
            break
        found = after
    return found


def _first(text: str) -> Iterator[str]:
    """The texts after the first expression in braces is expanded, none if there is none."""
    at = 0
    while at < len(text):
        if skipped := _SKIPPED.match(text, at):
            at = skipped.end()
            continue
        if text[at] == "{" and (end := _closing(text, at)):
            items = list(_items(text[at + 1 : end]))
            if items:
                yield from (text[:at] + item + text[end + 1 :] for item in items)
                return
        at += 1


def _closing(text: str, at: int) -> int:
    """The offset of the brace that closes the one at an offset, 0 for none."""
    depth = 0
    while at < len(text):
        if skipped := _SKIPPED.match(text, at):
            at = skipped.end()
            continue
        depth += (text[at] == "{") - (text[at] == "}")
        if depth == 0:
            return at
        at += 1
    return 0


def _items(inner: str) -> Iterator[str]:
    """The items between two braces, none if they are neither a list nor a range."""
    if match := _RANGE.fullmatch(inner):
        is_number = match[1] is not None
        first, last = (int(match[1]), int(match[2])) if is_number else (ord(match[3]), ord(match[4]))
        step = 1 if last >= first else -1
        for one in range(first, last + step, step)[: _MAX_WORDS + 1]:
            yield str(one) if is_number else chr(one)
        return
    depth, start, commas = 0, 0, []
    at = 0
    while at < len(inner):
        if skipped := _SKIPPED.match(inner, at):
            at = skipped.end()
            continue
        depth += (inner[at] == "{") - (inner[at] == "}")
        if inner[at] == "," and depth == 0:
            commas.append(at)
        at += 1
    for end in (*commas, len(inner)) if commas else ():
        yield inner[start:end]
        start = end + 1
