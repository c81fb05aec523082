"""Parse a Dockerfile into its lossless tree: instructions by BuildKit's rules, every byte accounted for.

Source of the rules: moby/buildkit `frontend/dockerfile/parser/{parser,directives,split_command}.go`
and `frontend/dockerfile/shell/lex.go`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from dockfix.syntax.heredocs import parse_heredoc_word, shell_words
from dockfix.syntax.tree import (
    GO_SPACE,
    Blank,
    Comment,
    Directive,
    Dockerfile,
    Flag,
    Heredoc,
    Instruction,
    Node,
    Problem,
    Segment,
)

MAX_LINE_BYTES: Final = 64 * 1024 - 1
HEREDOC_KEYWORDS: Final = frozenset({"RUN", "COPY", "ADD"})

_KEYWORD_END = re.compile(r"[\t\v\f\r ]+")
_DIRECTIVE = re.compile(r"([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$", re.ASCII)
_DIRECTIVE_NAMES = frozenset({"syntax", "escape", "check"})
_CONTINUATION = {
    "\\": re.compile(r"(?:(?<=[^\\])|^)\\[ \t]*$"),
    "`": re.compile(r"(?:(?<=[^`])|^)`[ \t]*$"),
}


def parse(text: str) -> Dockerfile:
    """The lossless tree of `text`: `str(parse(text)) == text` for any text, and it never raises.

    What BuildKit's parser would refuse is listed in `Dockerfile.problems`.
    """
    cutter = _Cutter(text)
    nodes = tuple(cutter.nodes())
    if not any(isinstance(node, Instruction) for node in nodes):
        cutter.problems.append(Problem(max(cutter.at, 1), "file with no instructions"))
    return Dockerfile(text, nodes, cutter.escape, tuple(cutter.problems))


class _Cutter:
    """One pass over the text; `nodes` covers it without gap or overlap."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = text.split("\n")
        if self.lines[-1] == "":
            self.lines.pop()
        self.at = 0
        self.offset = 0
        self.escape = "\\"
        self.directives_open = True
        self.seen_directives: set[str] = set()
        self.problems: list[Problem] = []

    def nodes(self) -> Iterator[Node]:
        """Yield directives, comments, blank lines and instructions in order."""
        while self.at < len(self.lines):
            start, line_number = self.offset, self.at + 1
            line = self._next_line()
            body, lead = _trimmed(line, first=True, bom=line_number == 1)
            if directive := self._directive(body, line_number):
                yield Directive(self.text, start, self.offset, line_number, *directive)
            elif body == "":
                yield Blank(self.text, start, self.offset, line_number)
            elif body.startswith("#"):
                yield Comment(self.text, start, self.offset, line_number)
            else:
                yield self._instruction(start, line_number, body, lead)

    def _next_line(self) -> str:
        line = self.lines[self.at]
        self.at += 1
        self.offset = min(self.offset + len(line) + 1, len(self.text))
        if len(line) > MAX_LINE_BYTES // 4 and len(line.encode("utf-8", "surrogatepass")) >= MAX_LINE_BYTES:
            self._problem(self.at, f"line of {MAX_LINE_BYTES + 1} bytes or more")
        return line

    def _problem(self, line: int, message: str) -> None:
        self.problems.append(Problem(line, message))

    def _directive(self, body: str, line_number: int) -> tuple[str, str] | None:
        if not self.directives_open:
            return None
        match = _DIRECTIVE.match(body[1:].lstrip(GO_SPACE)) if body.startswith("#") else None
        name = match[1].lower() if match else ""
        if match is None or name not in _DIRECTIVE_NAMES:
            self.directives_open = False
            return None
        value = match[2]
        if name in self.seen_directives:
            self._problem(line_number, f"only one {name} parser directive can be used")
        self.seen_directives.add(name)
        if name == "escape":
            if value in _CONTINUATION:
                self.escape = value
            else:
                self._problem(line_number, f"invalid escape token {value!r}: it is \\ or `")
        return name, value

    def _instruction(self, start: int, line_number: int, body: str, lead: int) -> Instruction:
        continuation = _CONTINUATION[self.escape]
        joined: list[str] = []
        segments: list[Segment] = []
        length = 0
        is_open = False
        body_start = start + lead
        while True:
            match = continuation.search(body) if body.rstrip(" \t").endswith(self.escape) else None
            part = body[: match.start()] if match else body
            if part or not segments:
                segments.append(Segment(length, body_start, len(part)))
            joined.append(part)
            length += len(part)
            if match is None:
                break
            more = self._continuation_line()
            if more is None:
                is_open = True
                break
            body_start, body = more
        logical = "".join(joined)
        instruction = split_instruction(self.text, start, line_number, logical, tuple(segments), self.escape)
        heredocs = self._heredocs(instruction, line_number) if "<<" in logical else ()
        instruction.finish(self.offset, self.at, heredocs)
        instruction.is_open = is_open
        return instruction

    def _continuation_line(self) -> tuple[int, str] | None:
        while self.at < len(self.lines):
            start = self.offset
            line = self._next_line()
            body, _ = _trimmed(line, first=False)
            stripped = body.lstrip(GO_SPACE)
            if stripped and not stripped.startswith("#"):
                return start, body
        return None

    def _heredocs(self, instruction: Instruction, line_number: int) -> tuple[Heredoc, ...]:
        inner = instruction.trigger or instruction
        if inner.keyword not in HEREDOC_KEYWORDS or inner.json is not None:
            return ()
        found = []
        for start, end, word in shell_words(instruction.joined):
            if heredoc := parse_heredoc_word(word):
                found.append((start, end, *heredoc))
        return tuple(self._heredoc_body(line_number, *one) for one in found)

    def _heredoc_body(
        self, line_number: int, start: int, end: int, name: str, expand: bool, chomp: bool
    ) -> Heredoc:
        body_start, body_line = self.offset, self.at + 1
        while self.at < len(self.lines):
            body_end = self.offset
            candidate = self._next_line().rstrip("\r\n")
            if (candidate.lstrip("\t") if chomp else candidate) == name:
                return Heredoc(self.text, name, start, end, body_start, body_end, body_line, expand, chomp)
        self._problem(line_number, f"unterminated heredoc {name}")
        return Heredoc(self.text, name, start, end, body_start, self.offset, body_line, expand, chomp)


def _trimmed(line: str, *, first: bool, bom: bool = False) -> tuple[str, int]:
    """The line without what BuildKit drops, and how many characters went at its start."""
    skip = 1 if bom and line.startswith("\ufeff") else 0
    line = line.rstrip("\r")
    if not first:
        return line, 0
    body = line[skip:].lstrip(GO_SPACE)
    return body, len(line) - len(body)


def split_instruction(
    text: str, start: int, line: int, joined: str, segments: tuple[Segment, ...], escape: str, shift: int = 0
) -> Instruction:
    """Split a joined line into keyword, flags, arguments; `shift` is where `joined` starts in its parent."""
    instruction = Instruction(text, start, line, joined, segments, *_split(joined, escape), escape, shift)
    # ONBUILD ONBUILD is refused anyway, and a line of thousands must not exhaust the stack.
    if instruction.keyword == "ONBUILD" and instruction.args and not shift:
        instruction.trigger = split_instruction(
            text, start, line, instruction.args, segments, escape, shift + instruction.args_start
        )
    return instruction


@lru_cache(maxsize=4096)
def _split(joined: str, escape: str) -> tuple[str, int, tuple[Flag, ...], int, int]:
    """(keyword, where it starts, flags, where the arguments start, where they end) of a joined line."""
    lead = len(joined) - len(joined.lstrip(GO_SPACE))
    trimmed = joined.strip(GO_SPACE)
    gap = _KEYWORD_END.search(trimmed)
    keyword = trimmed[: gap.start()] if gap else trimmed
    args_at = lead + (gap.end() if gap else len(trimmed))
    flags, args_at = _flags(joined, args_at, lead + len(trimmed), escape)
    end = lead + len(trimmed)
    while args_at < end and joined[args_at] in GO_SPACE:
        args_at += 1
    return keyword, lead, flags, args_at, end


def _flags(joined: str, at: int, end: int, escape: str) -> tuple[tuple[Flag, ...], int]:
    """Read `--name=value` words; source: extractBuilderFlags in split_command.go."""
    flags: list[Flag] = []
    while True:
        while at < end and joined[at] in GO_SPACE:
            at += 1
        if not joined.startswith("--", at) or at + 2 > end:
            return tuple(flags), at
        start, value, quote = at, [], ""
        while at < end and (quote or joined[at] not in GO_SPACE):
            char = joined[at]
            if quote and char == quote:
                quote = ""
            elif not quote and char in "'\"":
                quote = char
            elif char == escape and at + 1 < end:
                at += 1
                value.append(joined[at])
            elif char != escape:
                value.append(char)
            at += 1
        word = "".join(value)
        if word == "--":
            return tuple(flags), at
        name, _, content = word.partition("=")
        flags.append(Flag(name[2:], content if "=" in word else None, start, at))
