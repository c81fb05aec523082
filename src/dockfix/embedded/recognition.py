"""Recognise whole Dockerfiles, and holes in them that prevent a fix."""

from __future__ import annotations

import re
from typing import Final

from dockfix.syntax.parser import parse
from dockfix.syntax.tree import Instruction

# Instructions in which an unknown value makes no difference.
OPEN_KEYWORDS: Final = frozenset(
    {"ARG", "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "STOPSIGNAL"}
)
KEYWORDS: Final = OPEN_KEYWORDS | {
    "ADD", "COPY", "FROM", "ONBUILD", "RUN", "SHELL", "USER", "VOLUME", "WORKDIR",
}  # fmt: skip
HOLES: Final = range(0xE000, 0xF900)

_FROM = re.compile(r"\S+(?:\s+as\s+\S+)?", re.IGNORECASE)
# A FROM line that ends with the image or the stage's name; in an f-string, the image may contain braces.
_MAY_HOLD = re.compile(
    r"(?:^[^\w\n]{0,200}|\\[nt]|['\"])from[ \t]+(?:--\S+[ \t]+)*(?:\{[^}\n]{0,200}\}|[^\s{])+?"
    r"[ \t]*(?:as[ \t]+\S+?[ \t]*)?(?:[\\'\"\r\n]|$)",
    re.IGNORECASE | re.MULTILINE,
)


def may_hold_dockerfile(text: str) -> bool:
    """A quick check: False if nothing in the text looks like a FROM line."""
    return _MAY_HOLD.search(text) is not None


def is_dockerfile(text: str) -> bool:
    """Whether the text is a whole Dockerfile: it starts with FROM, more follows, all keywords are known."""
    if "\n" not in text or not may_hold_dockerfile(text):
        return False
    tree = parse(text)
    lines = tree.instructions
    if tree.problems or len(lines) < 2 or any(not _known(line.keyword) for line in lines):
        return False
    first = next((line for line in lines if line.keyword != "ARG"), None)
    return first is not None and first.keyword == "FROM" and _FROM.fullmatch(first.args) is not None


def _known(keyword: str) -> bool:
    return keyword in KEYWORDS or _has_hole(keyword)


def hole_in_the_way(text: str) -> Instruction | None:
    """The first instruction that a hole (a character of HOLES) makes unreadable, or None.

    A hole is harmless where its content makes no difference: in values, ports, arguments of start
    commands, the sources of a copy, and comments.
    """
    for line in parse(text).instructions:
        if not any(ord(char) in HOLES for char in str(line)):
            continue
        if line.keyword in OPEN_KEYWORDS and not _has_hole(_first_word(line)):
            continue
        if line.keyword in ("COPY", "ADD") and not _has_hole(_flags_and_destination(line)):
            continue
        if not _has_hole(line.joined):  # it is in a comment inside the instruction
            continue
        return line
    return None


def _has_hole(text: str) -> bool:
    return any(ord(char) in HOLES for char in text)


def _first_word(line: Instruction) -> str:
    if line.keyword in ("EXPOSE", "STOPSIGNAL"):
        return line.name
    if line.json is not None:
        return line.name + "".join(line.json[:1])
    words = re.split(r"[\s=]", line.args, maxsplit=1)
    return line.name + words[0]


def _flags_and_destination(line: Instruction) -> str:
    flags = line.joined[: line.args_start]
    if line.json is not None:
        return flags + "".join(line.json[-1:])
    return flags + (line.args.split() or [""])[-1]
