"""The lossless tree of a Dockerfile: nodes whose texts make up the file, each with its span.

Offsets are character offsets into `Dockerfile.text`, ends are exclusive; lines count from 1.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple, Self

from dockfix.lazy import cached_property

# The characters that Go's unicode.IsSpace accepts; str.isspace() also accepts U+001C to U+001F.
GO_SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that BuildKit rejects, and its line."""

    line: int
    message: str


class Segment(NamedTuple):
    """`length` characters at offset `joined` of a joined line are at `source` in the instruction."""

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
    """A heredoc: its word in the joined line, its body in the text (`line` is the body's first line)."""

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
        """The lines between the heredoc's line and its terminator, unchanged."""
        return self.source[self.body_start : self.body_end]

    def moved(self, source: str, by: int, lines: int) -> Heredoc:
        """The same heredoc, further down in another text."""
        start, end, line = self.body_start + by, self.body_end + by, self.line + lines
        return replace(self, source=source, body_start=start, body_end=end, line=line)


@dataclass(slots=True)
class _Line:
    source: str
    start: int
    end: int
    line: int

    def __str__(self) -> str:
        return self.source[self.start : self.end]

    def moved(self, source: str, by: int, lines: int) -> Self:
        """The same line, further down in another text."""
        return type(self)(source, self.start + by, self.end + by, self.line + lines)


@dataclass(slots=True)
class Blank(_Line):
    """A blank line between instructions."""


@dataclass(slots=True)
class Comment(_Line):
    """A comment line between instructions; comments inside a continued instruction belong to it."""


@dataclass(slots=True)
class Directive(_Line):
    """A parser directive (`# syntax=`, `# escape=`, `# check=`)."""

    name: str
    value: str

    def moved(self, source: str, by: int, lines: int) -> Self:
        """The same directive, further down in another text."""
        return replace(self, source=source, start=self.start + by, end=self.end + by, line=self.line + lines)


@dataclass(frozen=True, slots=True, eq=False)
class LogicalLine:
    """The content of an instruction, independent of its position; equal lines may share one object.

    `joined` is the line as BuildKit sees it, without continuations and the comments and blank lines
    inside them; `keyword` is `name` in upper case, `args` the arguments after keyword and flags without
    outer whitespace, `json` the strings of a JSON (exec) form, None for the shell form.
    """

    joined: str
    escape: str
    name: str
    name_start: int
    flags: tuple[Flag, ...]
    args_start: int
    args_end: int
    keyword: str
    args: str
    json: tuple[str, ...] | None


@dataclass(slots=True, eq=False)
class Instruction:
    """One instruction with its continuation lines and heredocs.

    `at()` maps the logical line back to the text; segments are relative to `start`. `is_open`: the file
    ends while the last line is still continued. `trigger` is the instruction in an ONBUILD: its `joined`
    is the ONBUILD's arguments, which start at `shift`.
    """

    source: str
    start: int
    line: int
    logical: LogicalLine
    segments: tuple[Segment, ...]
    shift: int = 0
    end: int = 0
    last_line: int = 0
    heredocs: tuple[Heredoc, ...] = ()
    is_open: bool = False
    trigger: Instruction | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return self.source[self.start : self.end]

    def finish(self, end: int, last_line: int, heredocs: tuple[Heredoc, ...]) -> None:
        """Complete the instruction once its last line is known."""
        for one in (self, self.trigger):
            if one is not None:
                one.end, one.last_line, one.heredocs = end, last_line, heredocs

    def moved(self, source: str, by: int, lines: int) -> Instruction:
        """The same instruction in a text where it is `by` characters and `lines` lines further down."""
        heredocs = self.heredocs and tuple(one.moved(source, by, lines) for one in self.heredocs)
        trigger = self.trigger and self.trigger.moved(source, by, lines)
        place = (self.end + by, self.last_line + lines, heredocs, self.is_open, trigger)
        return Instruction(
            source, self.start + by, self.line + lines, self.logical, self.segments, self.shift, *place
        )

    @property
    def joined(self) -> str:
        """The logical line's text."""
        return self.logical.joined

    @property
    def escape(self) -> str:
        """The file's escape character."""
        return self.logical.escape

    @property
    def name(self) -> str:
        """The keyword as written."""
        return self.logical.name

    @property
    def name_start(self) -> int:
        """The offset of the keyword in the joined line."""
        return self.logical.name_start

    @property
    def keyword(self) -> str:
        """The instruction's name in upper case."""
        return self.logical.keyword

    @property
    def flags(self) -> tuple[Flag, ...]:
        """The flags in order."""
        return self.logical.flags

    @property
    def args_start(self) -> int:
        """The offset of the arguments in the joined line."""
        return self.logical.args_start

    @property
    def args_end(self) -> int:
        """The end of the arguments in the joined line."""
        return self.logical.args_end

    @property
    def args(self) -> str:
        """The joined arguments after keyword and flags, without outer whitespace."""
        return self.logical.args

    @property
    def json(self) -> tuple[str, ...] | None:
        """The strings of a JSON (exec) form, None for the shell form."""
        return self.logical.json

    def at(self, offset: int) -> int:
        """The offset in the text of the character at `offset` of `joined`."""
        offset += self.shift
        index = bisect_right(self.segments, offset, key=lambda segment: segment.joined) - 1
        segment = self.segments[max(index, 0)]
        return self.start + segment.source + offset - segment.joined

    def after(self, offset: int) -> int:
        """The offset in the text just after the character before `offset` of `joined`."""
        return self.at(offset - 1) + 1 if offset > 0 else self.at(0)

    def line_of(self, offset: int) -> int:
        """The line of the text with the character at `offset` of `joined`."""
        return self.line + self.source.count("\n", self.start, self.at(offset))

    def flag(self, name: str) -> Flag | None:
        """The last flag with that name, which is the one that BuildKit uses."""
        return next((flag for flag in reversed(self.logical.flags) if flag.name == name), None)


Node = Directive | Comment | Blank | Instruction


@dataclass(frozen=True, eq=False)
class Dockerfile:
    """A parsed file; `str()` returns the text that it was parsed from."""

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
        """The line end of most lines."""
        crlf = self.text.count("\r\n")
        return "\r\n" if crlf * 2 > self.text.count("\n") else "\n"
