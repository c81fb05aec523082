"""The lossless tree of a Dockerfile: nodes that together are the text, each with its span.

Offsets are character offsets into `Dockerfile.text`, ends exclusive; lines count from 1.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

# What Go's unicode.IsSpace accepts; str.isspace() also takes U+001C to U+001F.
GO_SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


@dataclass(frozen=True, slots=True)
class Problem:
    """What BuildKit refuses, and on which line."""

    line: int
    message: str


class Segment(NamedTuple):
    """`length` characters of a joined line from `joined` on stand in the text from `source` on."""

    joined: int
    source: int
    length: int


@dataclass(frozen=True, slots=True)
class Flag:
    """`--name=value` before an instruction's arguments; the span is in the joined line."""

    name: str
    value: str | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A heredoc: its word in the joined line, its body in the text (`line` is the body's first)."""

    source: str
    name: str
    word_start: int
    word_end: int
    body_start: int
    body_end: int
    line: int
    expand: bool
    chomp: bool

    @property
    def body(self) -> str:
        """The lines between the heredoc's line and its terminator, as they stand."""
        return self.source[self.body_start : self.body_end]


@dataclass(frozen=True, slots=True)
class _Line:
    source: str
    start: int
    end: int
    line: int

    def __str__(self) -> str:
        return self.source[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Blank(_Line):
    """A line with nothing but white space between instructions."""


@dataclass(frozen=True, slots=True)
class Comment(_Line):
    """A comment line between instructions; those inside a continued instruction belong to it."""


@dataclass(frozen=True, slots=True)
class Directive(_Line):
    """A parser directive (`# syntax=`, `# escape=`, `# check=`)."""

    name: str
    value: str


@dataclass(eq=False)
class Instruction:
    """One instruction with its continuation lines and heredocs.

    `joined` is the line as BuildKit sees it once continuations, and the comments and blank lines
    inside them, are gone; `at()` leads from there back to the text. `is_open`: the file ends where its
    last line is still continued. `trigger` is what an ONBUILD holds: its `joined` is the ONBUILD's
    arguments.
    """

    source: str
    start: int
    line: int
    joined: str
    segments: tuple[Segment, ...]
    name: str
    name_start: int
    flags: tuple[Flag, ...]
    args_start: int
    args_end: int
    escape: str
    shift: int = 0
    end: int = 0
    last_line: int = 0
    heredocs: tuple[Heredoc, ...] = ()
    is_open: bool = False
    trigger: Instruction | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return self.source[self.start : self.end]

    def finish(self, end: int, last_line: int, heredocs: tuple[Heredoc, ...]) -> None:
        """Close the instruction once its last line is known."""
        for one in (self, self.trigger):
            if one is not None:
                one.end, one.last_line, one.heredocs = end, last_line, heredocs

    @cached_property
    def keyword(self) -> str:
        """The instruction's name in upper case."""
        return self.name.upper()

    @property
    def args(self) -> str:
        """The joined arguments behind keyword and flags, without outer white space."""
        return self.joined[self.args_start : self.args_end]

    @cached_property
    def json(self) -> tuple[str, ...] | None:
        """The strings of a JSON (exec) form; None for the shell form."""
        return _exec_form(self.args) if self.args.startswith("[") else None

    def at(self, offset: int) -> int:
        """The offset in the text of the character at `offset` of `joined`."""
        offset += self.shift
        index = bisect_right(self.segments, offset, key=lambda segment: segment.joined) - 1
        segment = self.segments[max(index, 0)]
        return segment.source + offset - segment.joined

    def after(self, offset: int) -> int:
        """The offset in the text just behind the character before `offset` of `joined`."""
        return self.at(offset - 1) + 1 if offset > 0 else self.at(0)

    def line_of(self, offset: int) -> int:
        """The line of the text that holds the character at `offset` of `joined`."""
        return self.line + self.source.count("\n", self.start, self.at(offset))

    def flag(self, name: str) -> Flag | None:
        """The last flag of that name, as BuildKit takes it."""
        return next((flag for flag in reversed(self.flags) if flag.name == name), None)


@lru_cache(maxsize=4096)
def _exec_form(args: str) -> tuple[str, ...] | None:
    try:
        value = json.loads(args)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    return None


Node = Directive | Comment | Blank | Instruction


@dataclass(frozen=True, eq=False)
class Dockerfile:
    """A parsed file; `str()` of it is the text it was parsed from."""

    text: str
    nodes: tuple[Node, ...]
    escape: str
    problems: tuple[Problem, ...]

    def __str__(self) -> str:
        return "".join(map(str, self.nodes))

    @cached_property
    def instructions(self) -> tuple[Instruction, ...]:
        """The instructions in order, without comments, blank lines and directives."""
        return tuple(node for node in self.nodes if isinstance(node, Instruction))

    @cached_property
    def eol(self) -> str:
        """The file's line end: the one that most lines have."""
        crlf = self.text.count("\r\n")
        return "\r\n" if crlf * 2 > self.text.count("\n") else "\n"
