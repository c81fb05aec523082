"""YAML as nodes that know where they stand, read with ruamel.yaml; nothing is constructed, nothing run."""

from __future__ import annotations

from collections.abc import Iterator

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode


def read_documents(text: str) -> list[Node]:
    """The root of every document; none where it is no YAML (a template, say)."""
    try:
        return [root for root in YAML(typ="rt", pure=True).compose_all(text) if root is not None]
    except (YAMLError, ValueError):
        return []


def pairs(node: Node | None) -> Iterator[tuple[str, Node]]:
    """The pairs of a mapping, merged ones (`<<`) first; nothing for another node."""
    if not isinstance(node, MappingNode):
        return
    for key, value in node.value:
        if str(key.value) == "<<":
            merged = value.value if isinstance(value, SequenceNode) else [value]
            for one in merged:
                yield from pairs(one)
    yield from ((str(key.value), value) for key, value in node.value if str(key.value) != "<<")


def get(node: Node | None, *path: str) -> Node | None:
    """The node below a mapping that a path of keys leads to, None where there is none."""
    for key in path:
        node = dict(pairs(node)).get(key)
    return node


def items(node: Node | None) -> list[Node]:
    """The items of a sequence; none for another node."""
    return list(node.value) if isinstance(node, SequenceNode) else []


def text_of(node: Node | None) -> str:
    """The text of a scalar, "" for another node."""
    return str(node.value) if isinstance(node, ScalarNode) else ""


def line_of(node: Node) -> int:
    """The line that a node starts on, from 1."""
    return int(node.start_mark.line) + 1


def is_true(node: Node | None) -> bool:
    """Whether a scalar says yes."""
    return text_of(node).lower() in ("true", "yes", "on")


def walk(node: Node, key: str = "") -> Iterator[tuple[str, Node]]:
    """Every node with the key that it stands under, "" in a sequence."""
    yield key, node
    if isinstance(node, SequenceNode):
        for item in node.value:
            yield from walk(item)
    for name, value in pairs(node):
        yield from walk(value, name)
