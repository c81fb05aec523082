"""YAML as nodes with positions, parsed by libyaml if PyYAML has it; nothing in it is executed.

Scalars keep their text, since YAML 1.1 and 1.2 disagree on what is a number or a boolean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from dockfix.context import Setting

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_DEPTH: Final = 128
_MOST_ERRORS: Final = 16
_ERRORS: Final[dict[str, int]] = {}
"""The line from which each of the last texts is not YAML, or 0: why one could not be read is asked later."""
_NOTHING: Final = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True)
class Tagged:
    """A value with a tag that has a meaning of its own, such as `!reset` in a compose file."""

    tag: str
    value: Any


def read_documents(text: str) -> list[Node]:
    """The root node of every document, none if the text is not YAML (for example a template)."""
    try:
        return _compose(text)
    except RecursionError:
        return []


def find_error(text: str) -> int:
    """The line from which a text is not YAML, 0 if it is YAML. Raises RecursionError."""
    if text not in _ERRORS:
        _compose(text)
    return _ERRORS[text]


def _compose(text: str) -> list[Node]:
    line, roots = 0, []
    try:
        roots = [root for root in yaml.compose_all(text, _LOADER) if root is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = 1 if mark is None else int(mark.line) + 1
    except ValueError:
        line = 1
    while len(_ERRORS) >= _MOST_ERRORS:
        del _ERRORS[next(iter(_ERRORS))]
    _ERRORS[text] = line
    return roots


def read_values(text: str, tags: Set[str] = frozenset()) -> list[Any]:
    """Every document as dicts, lists, strings and None; none if the text is not YAML.

    A value with one of the `tags` becomes `Tagged`.
    """
    return _read(text, _Reading(_text, tags))


def read_typed(text: str) -> Any:
    """The first document of YAML with its types, None if there is none."""
    return next(iter(_read(text, _Reading(_typed))), None)


def _read(text: str, reading: _Reading) -> list[Any]:
    try:
        return [reading.value(root) for root in read_documents(text)]
    except RecursionError:  # mappings that are merged too deep
        return []


@dataclass(frozen=True, slots=True)
class _Reading:
    """Converts nodes to values: scalars by `scalar`, and a node with several aliases once."""

    scalar: Callable[[ScalarNode], Any]
    tags: Set[str] = frozenset()
    known: dict[int, Any] = field(default_factory=dict)

    def value(self, node: Node, depth: int = 0) -> Any:
        """A node's value; None below the maximum depth."""
        if isinstance(node, ScalarNode):
            return self.tagged(node, self.scalar(node))
        if id(node) in self.known or depth > _MAX_DEPTH:
            return self.known.get(id(node))
        if isinstance(node, SequenceNode):
            listed: list[Any] = []
            self.known[id(node)] = self.tagged(node, listed)
            listed += [self.value(item, depth + 1) for item in node.value]
        else:
            mapped: dict[str, Any] = {}
            self.known[id(node)] = self.tagged(node, mapped)
            mapped.update((key, self.value(value, depth + 1)) for key, value in pairs(node))
        return self.known[id(node)]

    def tagged(self, node: Node, value: Any) -> Any:
        """A value with its tag, if that is one of the `tags`."""
        return Tagged(node.tag, value) if node.tag in self.tags else value


def _text(node: ScalarNode) -> str | None:
    return None if is_nothing(node) else str(node.value)


def _typed(node: ScalarNode) -> Any:
    text = str(node.value)
    if is_nothing(node):
        return None
    if node.tag == "tag:yaml.org,2002:bool":
        return text.lower() in ("true", "yes", "on")
    if node.tag == "tag:yaml.org,2002:int" and text.lstrip("-+").isdecimal() and len(text) < 20:
        return int(text)
    return text


def change_texts(value: Any, change: Callable[[str], Any]) -> Any:
    """A value with each of its strings changed, except for keys; shared (aliased) nodes are changed once."""
    done: dict[int, Any] = {}

    def visit(one: Any) -> Any:
        if isinstance(one, str):
            return change(one)
        if isinstance(one, Tagged):
            return Tagged(one.tag, visit(one.value))
        if not isinstance(one, dict | list):
            return one
        if id(one) not in done:
            made: Any = {} if isinstance(one, dict) else []
            done[id(one)] = made
            if isinstance(one, dict):
                made.update((key, visit(inner)) for key, inner in one.items())
            else:
                made.extend(map(visit, one))
        return done[id(one)]

    return visit(value)


def is_nothing(node: ScalarNode) -> bool:
    """Whether a scalar is null."""
    return not node.style and node.value in _NOTHING


def pairs(node: Node | None) -> Iterator[tuple[str, Node]]:
    """The pairs of a mapping, merged ones (`<<`) first; none for another node."""
    return _pairs(node, set())


def _pairs(node: Node | None, merged: set[int]) -> Iterator[tuple[str, Node]]:
    """The same, with each mapping only once: aliases may repeat it, or make it merge itself."""
    if not isinstance(node, MappingNode) or id(node) in merged:
        return
    merged.add(id(node))
    own: list[tuple[str, Node]] = []
    for key, value in node.value:
        if str(key.value) == "<<":
            for one in value.value if isinstance(value, SequenceNode) else [value]:
                yield from _pairs(one, merged)
        else:
            own.append((str(key.value), value))
    yield from own


def get(node: Node | None, *path: str) -> Node | None:
    """The node at a path of keys below a mapping, None if there is none."""
    for key in path:
        node = dict(pairs(node)).get(key)
    return node


def items(node: Node | None) -> list[Node]:
    """The items of a sequence, none for another node."""
    return list(node.value) if isinstance(node, SequenceNode) else []


def text_of(node: Node | None) -> str:
    """The text of a scalar, "" for another node."""
    return str(node.value) if isinstance(node, ScalarNode) else ""


def line_of(node: Node) -> int:
    """The line that a node starts on, from 1."""
    return int(node.start_mark.line) + 1


def setting_of(node: Node, value: str | None = None, offset: int = 0) -> Setting:
    """A scalar as a setting, or the part `value` of it that starts at `offset`."""
    quoted = 1 if isinstance(node, ScalarNode) and node.style in ("'", '"') else 0
    text = text_of(node)
    start = int(node.start_mark.index) + quoted + offset
    chosen = text if value is None else value
    return Setting(chosen, line_of(node), start, start + len(chosen))


def is_true(node: Node | None) -> bool:
    """Whether a scalar is true."""
    return text_of(node).lower() in ("true", "yes", "on")


def walk(root: Node) -> Iterator[Node]:
    """Every node, once even if several aliases refer to it."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            below = items(node) or [value for _, value in pairs(node)]
            waiting += reversed(below)
