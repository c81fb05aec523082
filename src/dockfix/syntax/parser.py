"""Parse a Dockerfile into its lossless tree: instructions by BuildKit's rules, every byte preserved.

Source of the rules: moby/buildkit `frontend/dockerfile/parser/{parser,directives,split_command}.go` and
`frontend/dockerfile/shell/lex.go`.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator
from functools import lru_cache
from json import loads
from typing import Final

from dockfix.edits import Edit, apply_edits
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
    LogicalLine,
    Node,
    Problem,
    Segment,
)

MAX_LINE_BYTES: Final = 64 * 1024 - 1
HEREDOC_KEYWORDS: Final = frozenset({"RUN", "COPY", "ADD"})

_EMPTY: Final = "file with no instructions"
_KEYWORD_END = re.compile(r"[\t\v\f\r ]+")
_DIRECTIVE = re.compile(r"([a-zA-Z][a-zA-Z0-9]*)\s*=(.+)", re.ASCII)
_DIRECTIVE_NAMES = frozenset({"syntax", "escape", "check"})
_ESCAPES: Final = frozenset("\\`")


def parse(text: str) -> Dockerfile:
    """The lossless tree of `text`: `str(parse(text)) == text` for any text. Never raises.

    `Dockerfile.problems` lists what BuildKit's parser would reject.
    """
    cutter = _Cutter(text)
    return _tree(cutter, tuple(cutter.nodes()))


def reparse(tree: Dockerfile, edits: Iterable[Edit]) -> Dockerfile:
    """The tree of the edited text, as `parse` would return it; nodes away from the edits are reused.

    Raises ValueError if two edits overlap.
    """
    edits = sorted(edits, key=lambda edit: (edit.start, edit.end))
    text = apply_edits(tree.text, edits)
    first, last = edits[0].start, edits[-1].end
    # The last node may continue in text that is added after it.
    kept = 0
    while kept < len(tree.nodes) and tree.nodes[kept].end <= first and tree.nodes[kept].end < len(tree.text):
        kept += 1
    if not any(isinstance(node, Instruction) for node in tree.nodes[:kept]):
        return parse(text)
    line = tree.nodes[kept].line
    cutter = _Cutter(text, tree.nodes[kept].start, line - 1, tree.escape)
    by = len(text) - len(tree.text)
    followers = {node.start + by: at for at, node in enumerate(tree.nodes[kept:], kept) if node.start >= last}
    nodes = [*tree.nodes[:kept]]
    cutter.problems += (problem for problem in tree.problems if problem.line < line)
    fresh = cutter.nodes()
    while (after := followers.get(cutter.offset)) is None:
        node = next(fresh, None)
        if node is None:
            break
        nodes.append(node)
    else:
        old = tree.nodes[after].line
        lines = cutter.at + 1 - old
        nodes += (node.moved(text, by, lines) for node in tree.nodes[after:])
        cutter.problems += (
            Problem(one.line + lines, one.message) for one in tree.problems if one.line >= old
        )
    return _tree(cutter, tuple(nodes))


def _tree(cutter: _Cutter, nodes: tuple[Node, ...]) -> Dockerfile:
    if not any(isinstance(node, Instruction) for node in nodes):
        cutter.problems.append(Problem(max(cutter.at, 1), _EMPTY))
    return Dockerfile(cutter.text, nodes, cutter.escape, tuple(cutter.problems))


class _Cutter:
    """One pass over the text, whose `nodes` cover it without gaps or overlaps.

    A pass that starts further down needs the offset, the number of lines above, and the escape character.
    """

    def __init__(self, text: str, offset: int = 0, at: int = 0, escape: str = "\\") -> None:
        self.text = text
        self.size = len(text)
        self.lines = text[offset:].split("\n")
        if self.lines[-1] == "":
            self.lines.pop()
        self.above = at
        self.at = at
        self.offset = offset
        self.escape = escape
        self.directives_open = at == 0
        self.seen_directives: set[str] = set()
        self.problems: list[Problem] = []

    def nodes(self) -> Iterator[Node]:
        """Yield directives, comments, blank lines and instructions in order."""
        while self.at - self.above < len(self.lines):
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
        line = self.lines[self.at - self.above]
        self.at += 1
        length = len(line)
        self.offset += length + 1
        self.offset = min(self.offset, self.size)
        if length > MAX_LINE_BYTES // 4 and len(line.encode("utf-8", "surrogatepass")) >= MAX_LINE_BYTES:
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
        value = match[2].strip(string.whitespace) or match[2][-1:]
        if name in self.seen_directives:
            self._problem(line_number, f"only one {name} parser directive can be used")
        self.seen_directives.add(name)
        if name == "escape":
            if value in _ESCAPES:
                self.escape = value
            else:
                self._problem(line_number, f"invalid escape token {value!r}: it is \\ or `")
        return name, value

    def _instruction(self, start: int, line_number: int, body: str, lead: int) -> Instruction:
        if self.escape not in body and "<<" not in body:
            plain = (Segment(0, lead, len(body)),)
            instruction = split_instruction(self.text, start, line_number, body, plain, self.escape)
            instruction.finish(self.offset, self.at, ())
            return instruction
        joined: list[str] = []
        segments: list[Segment] = []
        length = 0
        is_open = False
        body_start = start + lead
        while True:
            ended = body.rstrip(" \t")
            goes_on = ended.endswith(self.escape) and not ended.endswith(self.escape * 2)
            part = ended[:-1] if goes_on else body
            if part or not segments:
                segments.append(Segment(length, body_start - start, len(part)))
            joined.append(part)
            length += len(part)
            if not goes_on:
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
        while self.at - self.above < len(self.lines):
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
        while self.at - self.above < len(self.lines):
            body_end = self.offset
            candidate = self._next_line().rstrip("\r\n")
            if (candidate.lstrip("\t") if chomp else candidate) == name:
                return Heredoc(self.text, name, start, end, body_start, body_end, body_line, expand, chomp)
        self._problem(line_number, f"unterminated heredoc {name}")
        return Heredoc(self.text, name, start, end, body_start, self.offset, body_line, expand, chomp)


def _trimmed(line: str, *, first: bool, bom: bool = False) -> tuple[str, int]:
    """(line without the parts that BuildKit drops, number of leading characters removed)."""
    skip = 1 if bom and line.startswith("\ufeff") else 0
    line = line.rstrip("\r")
    if not first:
        return line, 0
    body = line[skip:].lstrip(GO_SPACE)
    return body, len(line) - len(body)


def split_instruction(
    text: str, start: int, line: int, joined: str, segments: tuple[Segment, ...], escape: str, shift: int = 0
) -> Instruction:
    """The instruction of a joined line; `shift` is the offset of `joined` in its parent."""
    logical = read_line(joined, escape)
    instruction = Instruction(text, start, line, logical, segments, shift)
    # ONBUILD ONBUILD is rejected anyway, and thousands of them must not exhaust the stack.
    if logical.keyword == "ONBUILD" and logical.args and not shift:
        instruction.trigger = split_instruction(
            text, start, line, logical.args, segments, escape, shift + logical.args_start
        )
    return instruction


@lru_cache(maxsize=4096)
def read_line(joined: str, escape: str) -> LogicalLine:
    """Split a joined line into its parts."""
    lead = len(joined) - len(joined.lstrip(GO_SPACE))
    trimmed = joined.strip(GO_SPACE)
    gap = _KEYWORD_END.search(trimmed)
    name = trimmed[: gap.start()] if gap else trimmed
    start = lead + (gap.end() if gap else len(trimmed))
    end = lead + len(trimmed)
    flags, start = _flags(joined, start, end, escape)
    while start < end and joined[start] in GO_SPACE:
        start += 1
    args = joined[start:end]
    json = exec_form(args) if args.startswith("[") else None
    return LogicalLine(joined, escape, name, lead, flags, start, end, name.upper(), args, json)


def exec_form(args: str) -> tuple[str, ...] | None:
    """The strings of a JSON array, None for any other text."""
    try:
        value = loads(args)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    return None


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
