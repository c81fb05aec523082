"""Rendering of Go templates with values.

What a template cannot know, such as the cluster, is `UNKNOWN`; a branch that depends on it is rendered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from dockfix.repository.go_templates import MAX_DEPTH, Action, Block, Node, Operand, Pipeline, Text

MAX_STEPS: Final = 50_000
MAX_OUTPUT: Final = 1024 * 1024

_OFFERED: Final = ("mountPath", "containers:")
"""What makes the alternatives of an included template matter."""

Function = Callable[..., Any]


class Unknown:
    """The type of `UNKNOWN`, a value that is known only in the cluster; it renders as a dollar sign."""

    def __str__(self) -> str:
        return "$"


UNKNOWN: Final = Unknown()


class TemplateLimitError(ValueError):
    """A template that takes too many steps, or writes too much."""


def _has_lines(nodes: Sequence[Node]) -> bool:
    """Whether a branch has lines of its own, and is not a part of one."""
    return any(
        "\n" in one.text if isinstance(one, Text) else isinstance(one, Block) and _has_lines(one.body)
        for one in nodes
    )


def is_true(value: Any) -> bool | None:
    """Whether a value counts as true; None if that is unknown."""
    return None if value is UNKNOWN else bool(value)


def write(value: Any) -> str:
    """A scalar as a template writes it; a list or a mapping is not worth reading."""
    if value is None:
        return ""
    if isinstance(value, list | dict):
        return str(UNKNOWN)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


@dataclass
class Renderer:
    """Renders nodes. `functions` get the renderer and their arguments; `defined` are templates by name.

    With `alternatives`, the branch that a condition does not choose is rendered as well, in front of the
    one that it chooses. `pieces` are texts and their lines in the file. Raises `TemplateLimitError`.
    """

    functions: Mapping[str, Function]
    defined: Mapping[str, tuple[Node, ...]]
    alternatives: bool = False
    pieces: list[tuple[str, int]] = field(default_factory=list)
    steps: int = 0
    depth: int = 0
    size: int = 0

    def render(self, nodes: Sequence[Node], dot: Any, names: dict[str, Any]) -> None:
        """Add what nodes write to the pieces; `names` are the variables, with their dollar signs."""
        for node in nodes:
            self.count_step()
            if isinstance(node, Text):
                self.add(node.text, node.line)
            elif isinstance(node, Action):
                self.act(node, dot, names)
            else:
                self.enter(node, dot, names)

    def count_step(self) -> None:
        """Count a node or a command."""
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise TemplateLimitError("a template takes too much")

    def add(self, text: str, line: int) -> None:
        """Write text."""
        self.size += len(text)
        if self.size > MAX_OUTPUT:
            raise TemplateLimitError("a template takes too much")
        self.pieces.append((text, line))

    def add_lines(self, text: str, line: int) -> None:
        """Write text of several lines that one line of the file makes."""
        for one in text.splitlines(keepends=True) or [text]:
            self.add(one, line)

    def act(self, node: Action, dot: Any, names: dict[str, Any]) -> None:
        """Write or assign the value of a pipeline."""
        value = self.value(node.pipeline, dot, names)
        if not node.names:
            self.add_lines(write(value), node.line)
        names.update(dict.fromkeys(node.names, value))

    def enter(self, node: Block, dot: Any, names: dict[str, Any]) -> None:
        """Render a block."""
        if node.kind == "template":
            name, *rest = node.action.pipeline[0]
            inner = self.value((tuple(rest),), dot, names) if rest else None
            self.add_lines(self.include(str(name.value), inner), node.action.line)
        elif node.kind == "range":
            self.repeat(node, dot, names)
        else:
            self.choose(node, dot, names)

    def choose(self, node: Block, dot: Any, names: dict[str, Any]) -> None:
        """Render the branch of an `if` or `with` that its condition chooses.

        If that is unknown, or for `alternatives`, both are rendered, the chosen one last.
        """
        value = self.value(node.action.pipeline, dot, names)
        given = dict.fromkeys(node.action.names, value)
        known = is_true(value)
        chosen, left = (node.other, node.body) if known is False else (node.body, node.other)
        both = known is None or (self.alternatives and _has_lines(left))
        for part in (left, chosen) if both else (chosen,):
            is_inner = node.kind == "with" and part is node.body
            shown = UNKNOWN if is_inner and known is False else value
            self.scoped(part, shown if is_inner else dot, names, given)

    def scoped(
        self, nodes: Sequence[Node], dot: Any, names: dict[str, Any], given: Mapping[str, Any]
    ) -> None:
        """Render nodes with further variables; assignments to outer ones stay."""
        inner = {**names, **given}
        self.render(nodes, dot, inner)
        names.update({name: inner[name] for name in names if name not in given})

    def repeat(self, node: Block, dot: Any, names: dict[str, Any]) -> None:
        """Render a loop; one over an unknown value, or an alternative over none, once."""
        rows = self.value(node.action.pipeline, dot, names)
        pairs: list[tuple[Any, Any]] = []
        if isinstance(rows, Mapping):
            pairs = sorted(rows.items(), key=lambda pair: str(pair[0]))
        elif isinstance(rows, list):
            pairs = list(enumerate(rows))
        elif isinstance(rows, int) and not isinstance(rows, bool):
            pairs = [(index, index) for index in range(min(rows, 100))]
        if rows is UNKNOWN or (not pairs and self.alternatives and _has_lines(node.body)):
            pairs = [(UNKNOWN, UNKNOWN)]
        if not pairs:
            self.scoped(node.other, dot, names, {})
        for key, value in pairs:
            given = dict(zip(reversed(node.action.names), (value, key), strict=False))
            self.scoped(node.body, value, names, given)

    def include(self, name: str, dot: Any) -> str:
        """What a defined template writes; `UNKNOWN` for one that is not there."""
        nodes = self.defined.get(name)
        if nodes is None:
            return write(UNKNOWN)
        exact = self.render_text(nodes, dot)
        if not self.alternatives:
            return exact
        offered = self.render_text(nodes, dot, alternatives=True)
        return offered if any(word in offered for word in _OFFERED) else exact

    def render_text(self, nodes: Sequence[Node], dot: Any, *, alternatives: bool = False) -> str:
        """What nodes write, at one level deeper. Raises `TemplateLimitError`."""
        if self.depth >= MAX_DEPTH:
            raise TemplateLimitError("a template takes too much")
        inner = replace(self, pieces=[], depth=self.depth + 1, alternatives=alternatives)
        inner.render(nodes, dot, {"$": dot})
        self.steps, self.size = inner.steps, inner.size
        return "".join(text for text, _ in inner.pieces)

    def value(self, pipeline: Pipeline, dot: Any, names: Mapping[str, Any]) -> Any:
        """The value of a pipeline, whose commands get the value before them as the last argument."""
        found: list[Any] = []
        for command in pipeline:
            self.count_step()
            found = [self.command(command, dot, names, found)]
        return found[0] if found else None

    def command(self, words: Sequence[Operand], dot: Any, names: Mapping[str, Any], given: list[Any]) -> Any:
        """The value of an operand, or of a function with its arguments."""
        if not words:
            return UNKNOWN
        first, *rest = words
        if not first.name:
            value = self.operand(first, dot, names)
            return value if not rest and not given else UNKNOWN  # the call of a method
        arguments = [*(self.operand(one, dot, names) for one in rest), *given]
        return self.call(first.name, arguments)

    def call(self, name: str, arguments: Sequence[Any]) -> Any:
        """The value of a function; `UNKNOWN` if there is none, or if it fails."""
        function = self.functions.get(name)
        if function is None:
            return UNKNOWN
        try:
            value = function(self, *arguments)
        except TemplateLimitError:
            raise
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, ArithmeticError):
            return UNKNOWN
        if isinstance(value, str | list | dict) and len(value) > MAX_OUTPUT:
            raise TemplateLimitError("a template takes too much")
        return value

    def operand(self, one: Operand, dot: Any, names: Mapping[str, Any]) -> Any:
        """The value of an operand."""
        if one.inner is not None:
            return step(self.value(one.inner, dot, names), one.path)
        if one.root:
            return step(dot if one.root == "." else names.get(one.root, UNKNOWN), one.path)
        return self.command([one], dot, names, []) if one.name else one.value


def step(value: Any, path: Sequence[str]) -> Any:
    """The value at a path of keys: None for a key that is not there."""
    for key in path:
        if value is UNKNOWN:
            return UNKNOWN
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
