"""The targets of a bake file (HCL or JSON), including what each one inherits."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from dockfix.repository.arguments import UNKNOWN
from dockfix.repository.hcl import Block, Function, Scope, read_blocks, read_template
from dockfix.repository.hcl_functions import text_of
from dockfix.syntax.words import is_number

_MOST_ROWS: Final = 1024
"""The maximum number of combinations of a matrix that are read."""
_MAX_DEPTH: Final = 16
_MAPS: Final = ("args", "contexts", "labels")

Facts = Mapping[str, Any]
"""The attributes of a target by name: strings, lists and maps; `UNKNOWN` without a value."""


def read_targets(texts: Iterable[str], given: Mapping[str, str] = MappingProxyType({})) -> dict[str, Facts]:
    """The targets of bake files that are read together; later files override earlier ones.

    The variables `given` by the environment override the defaults. Raises ValueError for invalid JSON.
    """
    files = [_read_file(text) for text in texts]
    variables = [block for blocks in files for block in blocks if block.kind == "variable"]
    scope = _Variables(variables, given).scope(
        {
            block.labels[0]: function
            for blocks in files
            for block in blocks
            if block.kind == "function" and block.labels and (function := _function(block))
        }
    )
    targets: dict[str, dict[str, Any]] = {}
    for blocks in files:
        for block in blocks:
            if block.kind == "target" and block.labels:
                for name, facts in _expand(block, scope):
                    _put(targets.setdefault(name, {}), facts)
    done: dict[str, Facts] = {}
    return {name: _inherit(name, targets, done, 0) for name in targets}


def _read_file(text: str) -> list[Block]:
    return list(_json_blocks(json.loads(text))) if text.lstrip().startswith("{") else read_blocks(text)


def _json_blocks(content: Mapping[str, Any]) -> Iterator[Block]:
    """The blocks of a JSON file; their attributes are values, whose strings are templates."""
    for kind in ("variable", "target"):
        named = content.get(kind)
        for name, attributes in named.items() if isinstance(named, Mapping) else ():
            rows = attributes if isinstance(attributes, list) else [attributes]
            for row in rows:
                if isinstance(row, Mapping):
                    yield Block(kind, (name,), dict(row))


def _function(block: Block) -> Function | None:
    def names(key: str) -> tuple[str, ...]:
        node = block.attributes.get(key)
        return () if node is None else tuple(_walk_names(node))

    result = block.attributes.get("result")
    rest = "".join(names("variadic_params")[:1])
    return None if result is None else Function(names("params"), rest, result)


def _walk_names(node: Any) -> Iterator[str]:
    """The identifiers in an expression."""
    if node.type == "identifier":
        yield node.text.decode()
    for child in node.named_children:
        yield from _walk_names(child)


@dataclass
class _Variables:
    """The defaults of variables, evaluated on demand."""

    blocks: Sequence[Block]
    given: Mapping[str, str]
    known: dict[str, Any] = field(default_factory=dict)

    def scope(self, functions: Mapping[str, Function]) -> Scope:
        defaults = {block.labels[0]: block.attributes.get("default") for block in self.blocks if block.labels}

        def find(name: str) -> Any:
            if name not in self.known:
                self.known[name] = UNKNOWN  # a variable that refers to itself stays unknown
                written = defaults.get(name)
                default = UNKNOWN if written is None else _evaluate(scope, written)
                is_given = name in self.given and name in defaults
                self.known[name] = _as_given(self.given[name], default) if is_given else default
            return self.known[name]

        scope = Scope(find, functions)
        return scope


def _as_given(text: str, default: Any) -> Any:
    """A variable of the environment in the type of the default."""
    if isinstance(default, bool):
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), UNKNOWN)
    if isinstance(default, int | float):
        return int(text) if is_number(text) else UNKNOWN
    return text if isinstance(default, str) else UNKNOWN


def _evaluate(scope: Scope, written: Any) -> Any:
    """The value of an expression, or of a JSON value, whose strings are templates."""
    if isinstance(written, list):
        return [_evaluate(scope, one) for one in written]
    if isinstance(written, Mapping):
        return {text_of(key) or UNKNOWN: _evaluate(scope, one) for key, one in written.items()}
    if isinstance(written, str):
        if "${" not in written and "%{" not in written:
            return written
        node = read_template(written)
        return UNKNOWN if node is None else scope.value(node)
    return written if written is None or isinstance(written, bool | int | float) else scope.value(written)


def _expand(block: Block, scope: Scope) -> Iterator[tuple[str, dict[str, Any]]]:
    """The targets that a block defines, one for each combination of its matrix."""
    written = {key: one for key, one in block.attributes.items() if key not in ("matrix", "name")}
    matrix = block.attributes.get("matrix")
    if matrix is None:
        yield block.labels[0], {key: _evaluate(scope, one) for key, one in written.items()}
        return
    for values in _combinations(_evaluate(scope, matrix)):
        inner = scope.with_names(values)
        name = _evaluate(inner, block.attributes.get("name"))
        yield text_of(name) or block.labels[0], {key: _evaluate(inner, one) for key, one in written.items()}


def _combinations(matrix: Any) -> Iterator[dict[str, Any]]:
    """The combinations of a matrix; an unknown axis counts as one unknown value."""
    axes = matrix if isinstance(matrix, Mapping) else {}
    rows = [one if isinstance(one, list) else [UNKNOWN] for one in axes.values()]
    for values in itertools.islice(itertools.product(*rows), _MOST_ROWS):
        yield dict(zip(axes, values, strict=True))


def _put(facts: dict[str, Any], more: Facts) -> None:
    """Override attributes; maps are merged, and null keeps the old value."""
    for key, value in more.items():
        before = facts.get(key)
        if key in _MAPS and isinstance(value, Mapping) and isinstance(before, Mapping):
            facts[key] = {**before, **value}
        elif value is not None:
            facts[key] = value


def _inherit(name: str, targets: Mapping[str, Facts], done: dict[str, Facts], depth: int) -> Facts:
    """The attributes of a target over those that it inherits.

    A target with an unknown name has an unknown stage.
    """
    if name in done:
        return done[name]
    own = targets.get(name, {"target": UNKNOWN} if UNKNOWN in name else {})
    facts: dict[str, Any] = {}
    parents = own.get("inherits") if depth < _MAX_DEPTH else None
    for parent in parents if isinstance(parents, list) else [parents] if parents else ():
        _put(facts, _inherit(str(parent), targets, done, depth + 1))
    _put(facts, own)
    done[name] = facts
    return facts
