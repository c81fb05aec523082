"""HCL as bake reads it: blocks from tree-sitter's grammar, and the values of their expressions.

A value that depends on the build's environment is `UNKNOWN`, alone or as a part of a string. The syntax
follows "HCL Native Syntax Specification" (hashicorp/hcl, hclsyntax/spec.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from dockfix.repository.arguments import UNKNOWN
from dockfix.repository.hcl_functions import FUNCTIONS, OPERATORS, text_of

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

MAX_TEXT: Final = 64 * 1024
_MAX_ITEMS: Final = 1024
_MAX_CALLS: Final = 32
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_ESCAPED: Final = {"n": "\n", "r": "\r", "t": "\t"}
_DOUBLED: Final = re.compile(r"([$%])\1\{")
_INDENT: Final = re.compile(r"^[ \t]*(?=[^ \t\n])", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A block: its kind, its labels, its attributes as expressions, and its nested blocks."""

    kind: str
    labels: tuple[str, ...]
    attributes: Mapping[str, Node]
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class Function:
    """A function that a file defines; `rest` is the name of its variadic parameter."""

    parameters: tuple[str, ...]
    rest: str
    result: Node


def read_blocks(text: str) -> list[Block]:
    """The blocks of a file, in order. Text that is not HCL is skipped."""
    root = _parser().parse(text.encode("utf-8", "replace")).root_node
    return [block for body in _of(root, "body") for block in _blocks(body)]


def find_error(text: str) -> int:
    """The first line that is not HCL, 0 if all of it is."""
    root = _parser().parse(text.encode("utf-8", "replace")).root_node
    if not root.has_error:
        return 0
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.is_error or node.is_missing:
            return int(node.start_point[0]) + 1
        waiting += [child for child in reversed(node.children) if child.has_error or child.is_missing]
    return 1


def read_template(text: str) -> Node | None:
    """Parse a string of HCL's JSON syntax as a template; None if it is invalid."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    root = _parser().parse(f'x = "{quoted}"\n'.encode("utf-8", "replace")).root_node
    found = next((one for one in _walk(root) if one.type == "expression"), None)
    return None if root.has_error else found


@cache
def _parser() -> Parser:
    # Imported on first use, to keep start-up fast.
    import tree_sitter_hcl
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_hcl.language()))


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.named_children:
        yield from _walk(child)


def _of(node: Node, *types: str) -> list[Node]:
    return [child for child in node.named_children if child.type in types]


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def _blocks(body: Node) -> Iterator[Block]:
    for node in _of(body, "block"):
        kind, *labels = _of(node, "identifier", "string_lit")
        inner = _of(node, "body")
        attributes = {
            _text(one.named_children[0]): one.named_children[-1]
            for part in inner
            for one in _of(part, "attribute")
        }
        names = tuple(_text(one).strip('"') for one in labels)
        yield Block(_text(kind), names, attributes, tuple(b for part in inner for b in _blocks(part)))


@dataclass(frozen=True)
class Scope:
    """Resolves names in expressions: `names` returns a variable's value, `functions` are the file's own."""

    names: Callable[[str], Any]
    functions: Mapping[str, Function] = field(default_factory=dict)
    depth: int = 0

    def with_names(self, values: Mapping[str, Any]) -> Scope:
        """A scope nested in this one, with further variables."""
        outer = self.names
        return replace(self, names=lambda name: values[name] if name in values else outer(name))

    def value(self, node: Node) -> Any:
        """The value of an expression: string, number, bool, None, list, dict or `UNKNOWN`."""
        read = _NODES.get(node.type)
        if read is None or node.has_error:  # the parts of what is not HCL may be missing
            return UNKNOWN
        return _bounded(read(self, node))

    def all_of(self, node: Node) -> list[Any]:
        """The values of the child expressions of a node."""
        return [self.value(one) for one in node.named_children if one.type in _NODES]


def _bounded(value: Any) -> Any:
    return UNKNOWN if isinstance(value, str | list | dict) and len(value) > MAX_TEXT else value


def _expression(scope: Scope, node: Node) -> Any:
    """An operand followed by indexes, attributes and splats."""
    parts = [one for one in node.named_children if one.type != "comment"]
    value = scope.value(parts[0]) if parts else UNKNOWN
    for step in parts[1:]:
        value = _step(scope, value, step)
    return value


def _step(scope: Scope, value: Any, step: Node) -> Any:
    if step.type == "get_attr":
        return _entry(value, _text(step.named_children[-1]))
    if step.type == "index":
        keys = [one for part in step.named_children for one in part.named_children]
        return _entry(value, scope.value(keys[0])) if len(keys) == 1 else UNKNOWN
    return UNKNOWN


def _entry(value: Any, key: Any) -> Any:
    try:
        return (
            value[key] if isinstance(value, dict) else value[int(key)] if isinstance(value, list) else UNKNOWN
        )
    except (KeyError, IndexError, ValueError, TypeError):
        return UNKNOWN


def _number(_: Scope, node: Node) -> Any:
    text = _text(node)
    return int(text) if text.isdigit() else float(text)


def _variable(scope: Scope, node: Node) -> Any:
    return scope.names(_text(node))


def _quoted(scope: Scope, node: Node) -> Any:
    """A quoted string; a single interpolation keeps the type of its value."""
    parts = list(_template(scope, node, quoted=True))
    return parts[0] if len(parts) == 1 else _join(parts)


def _heredoc(scope: Scope, node: Node) -> Any:
    text = _join(_template(scope, node, quoted=False))
    if text != UNKNOWN and _text(node).startswith("<<-"):
        margin = min((len(one) for one in _INDENT.findall(text)), default=0)
        text = re.sub(rf"(?m)^[ \t]{{1,{margin}}}", "", text) if margin else text
    return text


def _join(parts: Any) -> str:
    texts = [text_of(part) for part in parts]
    return "".join(UNKNOWN if text is None else text for text in texts)


def _template(scope: Scope, node: Node, *, quoted: bool) -> Iterator[Any]:
    """The parts of a template; the grammar has no nodes for whitespace between them."""
    source, start = node.text or b"", node.start_byte
    inner = [one for one in node.named_children if not one.type.endswith(("_start", "_end", "_identifier"))]
    marks = [one for one in node.named_children if one.type.endswith(("_start", "_identifier"))]
    at = marks[-1 if quoted else 1].end_byte if marks else start
    end = node.named_children[-1].start_byte if node.named_children else start
    for one in inner:
        gap = source[at - start : one.start_byte - start].decode("utf-8", "replace")
        if one.type == "template_literal":
            yield _literal(gap + _text(one), quoted=quoted)
        else:
            if gap:
                yield gap
            yield scope.value(one)
        at = one.end_byte
    if at < end:
        yield source[at - start : end - start].decode("utf-8", "replace")
    elif not inner:
        yield ""


def _literal(text: str, *, quoted: bool) -> str:
    plain = _ESCAPE.sub(_unescape, text) if quoted else text
    return _DOUBLED.sub(r"\1{", plain)


def _unescape(match: re.Match[str]) -> str:
    if code := match[1] or match[2]:
        return chr(int(code, 16)) if int(code, 16) < 0x110000 else UNKNOWN
    return _ESCAPED.get(match[3], match[3])


def _conditional(scope: Scope, node: Node) -> Any:
    test, yes, no = _of(node, "expression")
    known = scope.value(test)
    if isinstance(known, bool):
        return scope.value(yes if known else no)
    found = scope.value(yes)
    return found if found == scope.value(no) else UNKNOWN


def _directive(scope: Scope, node: Node) -> Any:
    """The result of `%{ if }` if the condition is known."""
    branch = node.named_children[0] if node.named_children else node
    test = next((one for one in _walk(branch) if one.type == "expression"), None)
    known = None if test is None or branch.type != "template_if" else scope.value(test)
    if not isinstance(known, bool):
        return UNKNOWN
    rows = branch.named_children
    other = next((at for at, one in enumerate(rows) if one.type == "template_else_intro"), len(rows))
    chosen = rows[:other] if known else rows[other:]
    parts = (_literal(_text(one), quoted=True) if one.type == "template_literal" else scope.value(one)
             for one in chosen if one.type in ("template_literal", "template_interpolation"))  # fmt: skip
    return _join(parts)


def _binary(scope: Scope, node: Node) -> Any:
    left, right = scope.all_of(node)
    sign = next((_text(one) for one in node.children if not one.is_named), "")
    return OPERATORS[sign](left, right) if sign in OPERATORS else UNKNOWN


def _unary(scope: Scope, node: Node) -> Any:
    value = scope.all_of(node)[0]
    if _text(node).startswith("!"):
        return not value if isinstance(value, bool) else UNKNOWN
    return -value if isinstance(value, int | float) else UNKNOWN


def _object(scope: Scope, node: Node) -> Any:
    made = {}
    for element in _of(node, "object_elem"):
        key, value = _of(element, "expression")
        bare = key.named_children[0]
        name = (
            _text(bare) if bare.type == "variable_expr" and key.named_child_count == 1 else scope.value(key)
        )
        made[text_of(name) or UNKNOWN] = scope.value(value)
    return made


def _for(scope: Scope, node: Node) -> Any:
    intro = _of(node, "for_intro")[0]
    names = [_text(one) for one in _of(intro, "identifier")]
    rows = scope.value(_of(intro, "expression")[0])
    if not isinstance(rows, list | dict) or len(rows) > _MAX_ITEMS:
        return UNKNOWN
    pairs = rows.items() if isinstance(rows, dict) else enumerate(rows)
    kept = []
    for pair in pairs:
        inner = scope.with_names(dict(zip(names[::-1], pair[::-1], strict=False)))
        tests = [inner.value(_of(one, "expression")[0]) for one in _of(node, "for_cond")]
        if all(isinstance(test, bool) for test in tests) is False:
            return UNKNOWN
        if all(tests):
            kept.append([inner.value(one) for one in _of(node, "expression")])
    if node.type == "for_tuple_expr":
        return [one[0] for one in kept]
    return {text_of(key) or UNKNOWN: value for key, value in kept}


def _call(scope: Scope, node: Node) -> Any:
    name = _text(node.named_children[0])
    values = [value for one in _of(node, "function_arguments") for value in scope.all_of(one)]
    own = scope.functions.get(name)
    if own is None:
        return FUNCTIONS[name](*values) if name in FUNCTIONS else UNKNOWN
    if scope.depth > _MAX_CALLS:
        return UNKNOWN
    given = dict(zip(own.parameters, values, strict=False))
    if own.rest:
        given[own.rest] = values[len(own.parameters) :]
    return replace(scope.with_names(given), depth=scope.depth + 1).value(own.result)


def _only(scope: Scope, node: Node) -> Any:
    inner = scope.all_of(node)
    return inner[0] if len(inner) == 1 else UNKNOWN


_NODES: Final[Mapping[str, Callable[[Scope, Any], Any]]] = {
    "expression": _expression,
    "literal_value": _only,
    "collection_value": _only,
    "template_expr": _only,
    "operation": _only,
    "for_expr": _only,
    "template_interpolation": _only,
    "string_lit": _quoted,
    "quoted_template": _quoted,
    "heredoc_template": _heredoc,
    "template_directive": _directive,
    "numeric_lit": _number,
    "bool_lit": lambda _, node: _text(node) == "true",
    "null_lit": lambda _, node: None,
    "variable_expr": _variable,
    "conditional": _conditional,
    "binary_operation": _binary,
    "unary_operation": _unary,
    "tuple": lambda scope, node: scope.all_of(node),
    "object": _object,
    "for_tuple_expr": _for,
    "for_object_expr": _for,
    "function_call": _call,
}
