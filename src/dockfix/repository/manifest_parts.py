"""The parts of a manifest that can be read by themselves: YAML documents, and services of compose files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

_DOCUMENT: Final = re.compile(r"^---[^\n]*\n", re.MULTILINE)
_SERVICES: Final = re.compile(r"^services:[ \t]*\n", re.MULTILINE)
_SERVICE: Final = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*([ ]+)[\w\"'.-]+[ \t]*:")
_LEANS: Final = re.compile(r"[:\-\[,][ \t]*[*&]\w|(?:<<|extends)[ \t]*:|^---|[\t\r]", re.MULTILINE)
_RUN: Final = re.compile(r"^[ \t]+(?:image|build|extends)[ \t]*:", re.MULTILINE)


class Part(NamedTuple):
    """The text of a part, and what to add to an offset and a line in it for those in the file."""

    text: str
    start: int
    line: int


def split_documents(text: str) -> Iterator[Part]:
    """The documents of a file in YAML."""
    start = line = 0
    for end in [*(match.end() for match in _DOCUMENT.finditer(text)), len(text)]:
        yield Part(text[start:end], start, line)
        line += text.count("\n", start, end)
        start = end


def has_services(text: str) -> bool:
    """Whether a file in YAML has services that compose could run, whatever its name."""
    head = _SERVICES.search(text)
    return head is not None and _RUN.search(text, head.end()) is not None


def split_services(text: str) -> Iterator[Part]:
    """Each service of a compose file, as a file of its own.

    A file whose services depend on other parts of it, or with an unusual layout, is not split.
    """
    head = _SERVICES.search(text)
    first = _SERVICE.match(text, head.end()) if head else None
    if head is None or first is None or _LEANS.search(text):
        yield Part(text, 0, 0)
        return
    margin = first[1]
    ends = re.compile(rf"^(?!{margin}[ ])(?=[ ]*[^\s#])", re.MULTILINE)
    top = head[0]
    starts = [match.start() for match in ends.finditer(text, first.start(1))]
    for start, end in pairwise([*starts, len(text)]):
        if not text.startswith(margin, start):
            break
        line = text.count("\n", 0, start) - 1
        yield Part(top + text[start:end], start - len(top), line)
