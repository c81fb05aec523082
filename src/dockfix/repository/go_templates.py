"""Go templates, as Helm's charts use them, parsed into nodes.

See "text/template" in the documentation of Go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

MAX_DEPTH: Final = 32

_TOKEN: Final = re.compile(
    r"(?P<text>\"(?:[^\"\\]|\\.)*\"|`[^`]*`|'(?:[^'\\]|\\.)*')|(?P<number>[-+]?\d[\d._a-zA-Z]*)"
    r"|(?P<sign>:=|[=|(),])|(?P<place>\$\w*(?:\.\w+)*|\.(?:\w+(?:\.\w+)*)?)|(?P<word>\w+)"
)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_CONTROLS: Final = {"n": "\n", "t": "\t", "r": "\r"}


@dataclass(frozen=True, slots=True)
class Operand:
    """A literal, a function by its `name`, a place (`root` "." or "$name"), or a pipeline; then a `path`."""

    value: Any = None
    name: str = ""
    root: str = ""
    inner: Pipeline | None = None
    path: tuple[str, ...] = ()


Pipeline = tuple[tuple[Operand, ...], ...]


@dataclass(frozen=True, slots=True)
class Text:
    """Text as it stands, from a line on."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Action:
    """A pipeline whose value is written or, if it has names, assigned; `declares` makes new variables."""

    pipeline: Pipeline
    line: int
    names: tuple[str, ...] = ()
    declares: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """`if`, `with`, `range` or `template` (whose name is the first operand), with what stands in it."""

    kind: str
    action: Action
    body: tuple[Node, ...] = ()
    other: tuple[Node, ...] = ()


Node = Text | Action | Block


@dataclass(frozen=True, slots=True)
class Template:
    """The nodes of a file, and the templates that it defines by name."""

    nodes: tuple[Node, ...]
    defined: Mapping[str, tuple[Node, ...]]


def parse_template(text: str) -> Template:
    """Parse a file. Raises ValueError if it is not a template."""
    reader = _Parser(list(_split(text)))
    nodes = reader.nodes()
    if reader.at < len(reader.parts):
        raise ValueError("an end without a beginning")
    return Template(tuple(nodes), reader.defined)


def _split(text: str) -> Iterator[tuple[bool, str, int]]:
    """(whether it is an action, its text, its line), with the whitespace trimmed that actions ask for."""
    at, trims, line = 0, False, 1
    while True:
        start = text.find("{{", at)
        plain = text[at : start if start >= 0 else len(text)]
        skipped = len(plain) - len(plain.lstrip()) if trims else 0
        is_trimmed = start >= 0 and text[start + 2 : start + 4].rstrip() == "-"
        shown = plain[skipped:].rstrip() if is_trimmed else plain[skipped:]
        if shown:
            yield False, shown, line + plain.count("\n", 0, skipped)
        line += plain.count("\n")
        if start < 0:
            return
        end = _end_of_action(text, start + 2)
        inner = text[start + 2 : end]
        trims = inner.endswith("-") and inner[-2:-1].isspace()
        shown = inner.removeprefix("-" if is_trimmed else "").removesuffix("-" if trims else "")
        yield True, shown.strip(), line
        line += inner.count("\n")
        at = end + 2


_COMMENT: Final = re.compile(r"-?\s*/\*")
_NAMED: Final = frozenset({"define", "block", "template"})


def _end_of_action(text: str, at: int) -> int:
    """The offset of the braces that end an action. Raises ValueError if there are none."""
    if _COMMENT.match(text, at):
        at = text.find("*/", at)
        at = len(text) if at < 0 else at
    while at < len(text):
        if text.startswith("}}", at):
            return at
        at = _end_of_string(text, at) + 1 if text[at] in '"`' else at + 1
    raise ValueError("an action without an end")


def _end_of_string(text: str, at: int) -> int:
    quote = text[at]
    at += 1
    while at < len(text) and text[at] != quote:
        at += 2 if quote == '"' and text[at] == "\\" else 1
    return at


@dataclass
class _Parser:
    """Builds nodes from the `parts` of a file, from `at` on. Raises ValueError for an unknown shape."""

    parts: list[tuple[bool, str, int]]
    at: int = 0
    depth: int = 0
    defined: dict[str, tuple[Node, ...]] = field(default_factory=dict)

    def nodes(self) -> list[Node]:
        """The nodes up to the `else` or `end` that belongs to an outer block."""
        found: list[Node] = []
        while self.at < len(self.parts):
            is_action, text, line = self.parts[self.at]
            word, _, rest = text.partition(" ") if is_action else ("", "", "")
            if word in ("else", "end"):
                break
            self.at += 1
            if not is_action:
                found.append(Text(text, line))
            elif word in ("if", "with", "range", "block", "define", "template"):
                found += self.block(word, rest.strip(), line)
            elif text and not text.startswith("/*") and word not in ("break", "continue"):
                found.append(_parse_action(text, line))
        return found

    def block(self, kind: str, text: str, line: int) -> list[Node]:
        """The node of a block, none for a definition."""
        action = _parse_action(text, line)
        if kind in _NAMED and not (action.pipeline and action.pipeline[0]):
            raise ValueError("a template without a name")
        if kind == "template":
            return [Block(kind, action)]
        if self.depth > MAX_DEPTH:
            raise ValueError("blocks too deep")
        self.depth += 1
        body, other = tuple(self.nodes()), self.other(kind)
        self.depth -= 1
        if kind not in ("define", "block"):
            return [Block(kind, action, body, other)]
        name = action.pipeline[0][0].value
        self.defined[str(name)] = body
        return [Block("template", action)] if kind == "block" else []

    def other(self, kind: str) -> tuple[Node, ...]:
        """What stands behind `else`, up to and with the `end`. Raises ValueError if that is missing."""
        if self.at >= len(self.parts):
            raise ValueError("a block without an end")
        _, text, line = self.parts[self.at]
        self.at += 1
        rest = text.removeprefix("else").strip()
        if text == "end":
            return ()
        if not rest:
            found = tuple(self.nodes())
            if self.at >= len(self.parts):
                raise ValueError("an else without an end")
            self.at += 1
            return found
        inner, _, condition = rest.partition(" ")
        return tuple(self.block(inner, condition, line))


def _parse_action(text: str, line: int) -> Action:
    tokens = _read_tokens(text)
    at = next((index for index, (kind, word, _) in enumerate(tokens) if word in (":=", "=")), -1)
    names = tuple(word for kind, word, _ in tokens[: max(at, 0)] if kind == "place")
    reader = _Pipes(tokens[at + 1 :])
    pipeline = reader.pipeline(0)
    if reader.at < len(reader.tokens):
        raise ValueError("a pipeline without an end")
    return Action(pipeline, line, names, at >= 0 and tokens[at][1] == ":=")


def _read_tokens(text: str) -> list[tuple[str, str, int]]:
    """(kind, text, offset) of each token. Raises ValueError for any other text."""
    found, at = [], 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise ValueError("an unknown token")
        found.append((match.lastgroup, match[0], at))
        at = match.end()
    return found


@dataclass
class _Pipes:
    """Reads pipelines from tokens, from `at` on."""

    tokens: Sequence[tuple[str, str, int]]
    at: int = 0

    def pipeline(self, depth: int) -> Pipeline:
        """The commands up to the closing parenthesis or the end."""
        if depth > MAX_DEPTH:
            raise ValueError("parentheses too deep")
        commands: list[tuple[Operand, ...]] = []
        command: list[Operand] = []
        while self.at < len(self.tokens) and self.tokens[self.at][1] != ")":
            kind, text, _ = self.tokens[self.at]
            self.at += 1
            if text == "|":
                commands.append(tuple(command))
                command = []
            elif text != ",":
                command.append(self.operand(kind, text, depth))
        return (*commands, tuple(command))

    def operand(self, kind: str, text: str, depth: int) -> Operand:
        """An operand, whose first token was read."""
        if kind == "text":
            plain = text[1:-1]
            return Operand(plain if text[0] == "`" else _ESCAPED.sub(_unescape, plain))
        if kind == "number":
            return Operand(_number(text))
        if kind == "place":
            root, *path = text.split(".") if text[0] == "$" else (".", *text[1:].split("."))
            return Operand(root=root, path=tuple(filter(None, path)))
        if kind == "word":
            literals = {"true": True, "false": False, "nil": None}
            return Operand(literals[text]) if text in literals else Operand(name=text)
        if text != "(":
            raise ValueError("an operand is missing")
        inner = self.pipeline(depth + 1)
        if self.at >= len(self.tokens):
            raise ValueError("a parenthesis without an end")
        end = self.tokens[self.at][2] + 1
        self.at += 1
        _, text, start = self.tokens[self.at] if self.at < len(self.tokens) else ("", "", -1)
        if start != end or not text.startswith("."):
            return Operand(inner=inner)
        self.at += 1
        return Operand(inner=inner, path=tuple(text[1:].split(".")))


def _unescape(match: re.Match[str]) -> str:
    return _CONTROLS.get(match[1], match[1])


def _number(text: str) -> int | float:
    plain = text.replace("_", "")
    return int(plain, 0) if re.fullmatch(r"[-+]?(?:0x[0-9a-fA-F]+|[1-9]\d{0,30}|0)", plain) else float(plain)
