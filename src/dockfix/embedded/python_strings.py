"""Dockerfiles in Python string literals: plain, raw, triple-quoted, concatenated, dedented, formatted.

Parsed with libcst; the module is imported only if there is Python to rewrite.
"""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper, ParentNodeProvider

from dockfix.embedded.excerpts import Cell, Excerpt, Piece, line_end, rewrite
from dockfix.embedded.layers import Cells, Holes, NotFollowed, cleandoc, dedent, fill_braces, strip, text_of
from dockfix.embedded.literals import Quoting, literal_cells
from dockfix.embedded.recognition import is_dockerfile, may_hold_dockerfile
from dockfix.evidence.python.modules import cut_statements
from dockfix.results import Result

Literal = cst.SimpleString | cst.FormattedString | cst.ConcatenatedString

_STRIPS = {"strip": (True, True), "lstrip": (True, False), "rstrip": (False, True)}
_DEDENTS = {"dedent": dedent, "cleandoc": cleandoc}
_HARMLESS = frozenset({"encode"})
_COMPARING = ("assert", "expect", "template", "from_string")


def rewrite_module(
    source: bytes | str, fix: Callable[[str], Result], *, unsafe: bool = False
) -> tuple[str, tuple[Result, ...]]:
    """The module with every Dockerfile literal fixed, and the result for each, in source order.

    Bytes are decoded as Python does. Source that libcst cannot parse is returned unchanged, without
    results; byte strings, docstrings and literals that are only compared with are left alone.
    """
    text = source if isinstance(source, str) else decode_source(source)
    if not (may_hold_dockerfile(text) and _some_statement_holds(text)):
        return text, ()
    return rewrite(text, find_literals, fix, unsafe=unsafe)


def _some_statement_holds(source: str) -> bool:
    """Whether a top-level statement by itself contains a Dockerfile, or cannot be parsed by itself.

    This rules out most modules with a line of English that starts with "from", at the cost of parsing one
    statement.
    """
    for statement in cut_statements(source.lstrip("\ufeff")):
        if may_hold_dockerfile(statement.text):
            found = _read_literals(statement.text)
            if found is None or found:
                return True
    return False


def decode_source(source: bytes) -> str:
    """Python source as text, using its byte-order mark or coding line; the mark and line ends are kept.

    Raises SyntaxError or UnicodeDecodeError.
    """
    encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
    return source.decode("utf-8" if encoding == "utf-8-sig" else encoding)


def find_literals(source: str) -> list[Excerpt]:
    """The literals of a module that contain a whole Dockerfile, in source order; none if parsing fails."""
    return _read_literals(source) or []


def _read_literals(source: str) -> list[Excerpt] | None:
    if "\0" in source:  # Python rejects it, libcst does not
        return None
    lead = 1 if source.startswith("\ufeff") else 0
    try:
        encoded = source[lead:].encode()
        module = MetadataWrapper(cst.parse_module(source[lead:]), unsafe_skip_copy=True)
    except (cst.ParserSyntaxError, UnicodeEncodeError, RecursionError):
        return None
    spans = module.resolve(ByteSpanPositionProvider)
    parents = module.resolve(ParentNodeProvider)
    offsets = None if len(encoded) == len(source) - lead else _character_offsets(source[lead:])

    def span(node: cst.CSTNode) -> tuple[int, int]:
        found = spans[node]
        start, end = found.start, found.start + found.length
        if offsets is not None:
            start, end = offsets[start], offsets[end]
        return start + lead, end + lead

    collector = _Literals()
    module.module.visit(collector)
    found = (_excerpt(_Writing(source, span), literal, parents) for literal in collector.found)
    return [excerpt for excerpt in found if excerpt is not None]


def _character_offsets(source: str) -> list[int]:
    """The character offset for each byte offset of the encoded source."""
    offsets: list[int] = []
    for index, char in enumerate(source):
        offsets += [index] * len(char.encode())
    offsets.append(len(source))
    return offsets


class _Literals(cst.CSTVisitor):
    """Collects whole literals: a concatenation once, not its parts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Literal] = []

    def visit_ConcatenatedString(self, node: cst.ConcatenatedString) -> bool:  # noqa: N802
        self.found.append(node)
        return False

    def visit_FormattedString(self, node: cst.FormattedString) -> bool:  # noqa: N802
        self.found.append(node)
        return False

    def visit_SimpleString(self, node: cst.SimpleString) -> None:  # noqa: N802
        self.found.append(node)


@dataclass(slots=True)
class _Writing:
    """Extracts the cells of literals from a source."""

    source: str
    span: Callable[[cst.CSTNode], tuple[int, int]]
    holes: Holes = field(default_factory=Holes)

    def read(self, literal: Literal) -> tuple[Cells, tuple[Piece, ...]] | None:
        """The literal's cells and pieces, None for byte strings."""
        cells: list[Cell] = []
        pieces: list[Piece] = []
        eol = line_end(self.source)
        ends: list[tuple[int, int]] = []
        parts = list(_parts(literal))
        for index, part in enumerate(parts):
            if isinstance(part, cst.SimpleString):
                quoting = Quoting(part.prefix, part.quote, eol)
            else:
                quoting = Quoting(part.prefix, part.end, eol)
            if "b" in quoting.prefix.lower():
                return None
            start, end = self.span(part)
            ends.append((start, end))
            alone = quoting.alone if len(parts) > 1 and len(quoting.quote) == 1 else None
            gap = self._gap(ends)
            pieces.append(Piece(quoting.escape, start, end, alone, gap))
            cells += self._part_cells(part, quoting, start, end, index)
        return tuple(cells), tuple(pieces)

    def _gap(self, ends: list[tuple[int, int]]) -> str:
        if len(ends) < 2:
            return ""
        gap = self.source[ends[-2][1] : ends[-1][0]]
        if "#" not in gap:
            return gap
        last = gap.rfind("\n")
        return line_end(self.source) + gap[last + 1 :]

    def _part_cells(
        self, part: cst.SimpleString | cst.FormattedString, quoting: Quoting, start: int, end: int, index: int
    ) -> Iterator[Cell]:
        if isinstance(part, cst.SimpleString):
            start += len(quoting.prefix) + len(quoting.quote)
            yield from literal_cells(self.source, start, end - len(quoting.quote), index, raw=quoting.raw)
            return
        for piece in part.parts:
            first, last = self.span(piece)
            if isinstance(piece, cst.FormattedStringText):
                cells = literal_cells(self.source, first, last, index, raw=quoting.raw)
                yield from _single_braces(cells)
            else:
                yield self.holes.over([Cell("", first, last, index)])


def _parts(literal: cst.BaseExpression) -> Iterator[cst.SimpleString | cst.FormattedString]:
    if isinstance(literal, cst.ConcatenatedString):
        yield from _parts(literal.left)
        yield from _parts(literal.right)
    elif isinstance(literal, cst.SimpleString | cst.FormattedString):
        yield literal


def _single_braces(cells: Iterator[Cell]) -> Iterator[Cell]:
    """The cells of an f-string with `{{` as one `{`; an escaped brace stays."""
    for cell in cells:
        if cell.char in "{}" and cell.end - cell.start == 1:
            second = next(cells)
            yield Cell(cell.char, cell.start, second.end, cell.piece)
        else:
            yield cell


Parents = Mapping[cst.CSTNode, cst.CSTNode]


def _excerpt(writing: _Writing, literal: Literal, parents: Parents) -> Excerpt | None:
    """The Dockerfile that a literal and the surrounding expression produce, None if there is none."""
    start, end = writing.span(literal)
    if not may_hold_dockerfile(writing.source[start:end]):
        return None
    try:
        reading = writing.read(literal)
    except NotFollowed:  # Python rejects it
        return None
    if reading is None:
        return None
    shape = _Shape(*reading)
    try:
        shape.climb(literal, parents, writing.holes)
        if not shape.margin:
            shape.keep_indentation()
    except NotFollowed as why:
        shape.obstacle = str(why)
    if shape.ignored or not is_dockerfile(text_of(shape.cells)):
        return None
    if not _evaluates(writing, literal, reading[0]):
        return None
    return Excerpt(shape.cells, shape.pieces, shape.margin, shape.escape, shape.obstacle)


def _evaluates(writing: _Writing, literal: Literal, cells: Cells) -> bool:
    """Whether Python evaluates the literal to the same text; one with expressions is trusted."""
    if any(isinstance(part, cst.FormattedString) for part in _parts(literal)):
        return True
    start, end = writing.span(literal)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value: object = ast.literal_eval(f"({writing.source[start:end]}\n)")
        except (SyntaxError, ValueError):
            return False
    return value == text_of(cells)


@dataclass(slots=True)
class _Shape:
    """What the surrounding expressions do to a literal, from the inside out."""

    cells: Cells
    pieces: tuple[Piece, ...]
    margin: str = ""
    escape: Callable[[str], str] = str
    obstacle: str = ""
    ignored: bool = False

    def climb(self, node: cst.CSTNode, parents: Parents, holes: Holes) -> None:
        """Follow the methods and functions that a literal passes through. Raises NotFollowed."""
        while True:
            parent = parents[node]
            above = parents.get(parent)
            if isinstance(parent, cst.Attribute) and isinstance(above, cst.Call) and above.func is parent:
                if not self._method(parent.attr.value, above, holes):
                    return
                node = above
            elif isinstance(parent, cst.Arg) and isinstance(above, cst.Call):
                if not self._function(above):
                    return
                node = above
            else:
                self._stop(parent)
                return

    def _method(self, name: str, call: cst.Call, holes: Holes) -> bool:
        if name in _STRIPS:
            left, right = _STRIPS[name]
            self.cells = strip(self.cells, _characters(call), left=left, right=right)
        elif name in ("format", "format_map"):
            self.cells = fill_braces(self.cells, holes)
            self.escape = _double_braces
        elif name not in _HARMLESS:
            raise NotFollowed(f".{name}() changes it")
        return name not in _HARMLESS

    def _function(self, call: cst.Call) -> bool:
        func = call.func
        name = func.attr.value if isinstance(func, cst.Attribute) else getattr(func, "value", "")
        if name in _DEDENTS and len(call.args) == 1:
            self.cells, self.margin = _DEDENTS[name](self.cells)
            return True
        self.ignored = isinstance(name, str) and name.lower().startswith(_COMPARING)
        return False

    def _stop(self, parent: cst.CSTNode) -> None:
        if isinstance(parent, cst.BinaryOperation):
            sign = "%" if isinstance(parent.operator, cst.Modulo) else "+"
            raise NotFollowed(f"the operator {sign} changes it")
        self.ignored = isinstance(parent, cst.Expr | cst.Comparison | cst.ComparisonTarget | cst.Assert)

    def keep_indentation(self) -> None:
        """Remove a uniform indentation from the text to fix; it stays in the file."""
        cells, margin = dedent(self.cells)
        if margin:
            self.cells, self.margin = cells, margin


def _double_braces(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _characters(call: cst.Call) -> str | None:
    """The characters that a strip call removes, None for whitespace; raises NotFollowed if not constant."""
    if not call.args:
        return None
    argument = call.args[0].value
    with suppress(SyntaxError, ValueError):  # escapes that libcst parses and Python rejects
        value = argument.evaluated_value if isinstance(argument, cst.SimpleString) else None
        if len(call.args) == 1 and isinstance(value, str):
            return value
    raise NotFollowed("the characters to strip are not a constant")
