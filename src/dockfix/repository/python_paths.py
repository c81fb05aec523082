"""The paths and texts that expressions in Python code mean, without running it."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from dockfix.repository.arguments import UNKNOWN

_MAX_DEPTH: Final = 20
_SAME: Final = frozenset(
    {"str", "fspath", "os.fspath", "abspath", "realpath", "normpath"}
    | {f"os.path.{name}" for name in ("abspath", "realpath", "normpath")}
)
"""Functions that return the path they are given."""
_KEEPS: Final = frozenset({"resolve", "absolute", "as_posix", "expanduser", "__str__"})
"""Methods of a path that leave its place as it is."""
_JOINS: Final = frozenset({"Path", "PurePath", "pathlib.Path", "join", "os.path.join", "path.join"})
_PARENTS: Final = frozenset({"dirname", "os.path.dirname", "path.dirname"})
_HERE: Final = frozenset({"os.getcwd", "getcwd", "Path.cwd", "pathlib.Path.cwd"})


class Place(NamedTuple):
    """A path relative to the repository if it `is_own`, derived from `__file__`; else a text."""

    text: str
    is_own: bool = False


def name_of(node: ast.expr) -> str:
    """The dotted name of a function, of which only the last parts matter; "" for none."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
    return ".".join(reversed(parts))


@dataclass(frozen=True, slots=True)
class Paths:
    """Evaluates expressions of the module at `path`; `values` are of the variables that it sets once."""

    path: str
    values: Mapping[str, ast.expr]

    @classmethod
    def of(cls, path: str, tree: ast.Module) -> Paths:
        """The variables of a module and its functions that are set once, under one name."""
        found: dict[str, list[ast.expr | None]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    found.setdefault(name_of(target), []).append(node.value)
            elif isinstance(node, ast.arg):
                found.setdefault(node.arg, []).append(None)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.setdefault(f"{node.id} ", []).append(None)
        once = {name: rows[0] for name, rows in found.items() if len(rows) == 1}
        stored = {name: len(found.get(f"{name} ", ())) for name in once}
        return cls(
            path, {name: one for name, one in once.items() if one is not None and name and stored[name] < 2}
        )

    def follow(self, node: ast.expr) -> ast.expr:
        """An expression, or the one that the variable it names is set to."""
        for _ in range(_MAX_DEPTH):
            known = self.values.get(name_of(node)) if isinstance(node, ast.Name | ast.Attribute) else None
            if known is None:
                break
            node = known
        return node

    def text(self, node: ast.expr) -> str | None:
        """The text of an expression, None if that is unknown; `UNKNOWN` stands for unknown parts."""
        found = self.evaluate(node)
        return None if found is None else found.text

    def evaluate(self, node: ast.expr, depth: int = 0) -> Place | None:
        """The path or text that an expression means, None if it is unknown."""
        if depth > _MAX_DEPTH:
            return None
        match node:
            case ast.Constant(value=str() | int() as value) if not isinstance(value, bool):
                return Place(str(value))
            case ast.JoinedStr(values=parts):
                return self._joined(parts, depth)
            case ast.BinOp(op=ast.Div() | ast.Add() as op, left=left, right=right):
                return self._all([left, right], depth, _join if isinstance(op, ast.Div) else _add)
            case ast.Call():
                return self._call(node, depth)
            case ast.Attribute(attr="parent") | ast.Subscript(value=ast.Attribute(attr="parents")):
                return self._parent(node, depth)
            case ast.Name(id="__file__"):
                return Place(self.path, is_own=True)
            case ast.Name() | ast.Attribute():
                known = self.values.get(name_of(node))
                return None if known is None else self.evaluate(known, depth + 1)
            case _:
                return None

    def _parent(self, node: ast.Attribute | ast.Subscript, depth: int) -> Place | None:
        """The place of `x.parent` or `x.parents[1]`."""
        if isinstance(node, ast.Attribute):
            return self._above(node.value, 1, depth)
        assert isinstance(node.value, ast.Attribute)
        count = node.slice.value if isinstance(node.slice, ast.Constant) else None
        return self._above(node.value.value, count + 1, depth) if isinstance(count, int) else None

    def _call(self, node: ast.Call, depth: int) -> Place | None:
        name = name_of(node.func)
        if name in _HERE:
            return Place("")
        if name in _SAME and len(node.args) == 1:
            return self.evaluate(node.args[0], depth + 1)
        if name in _PARENTS and len(node.args) == 1:
            return self._above(node.args[0], 1, depth)
        if name in _JOINS:
            return self._all(node.args, depth, _join)
        if isinstance(node.func, ast.Attribute):
            if node.func.attr in _KEEPS:
                return self.evaluate(node.func.value, depth + 1)
            if node.func.attr == "joinpath":
                return self._all([node.func.value, *node.args], depth, _join)
        return None

    def _above(self, node: ast.expr, count: int, depth: int) -> Place | None:
        """The folder so many levels above a path."""
        found = self.evaluate(node, depth + 1)
        if found is None:
            return None
        text = found.text
        for _ in range(min(count, _MAX_DEPTH)):
            text = posixpath.dirname(text) or "." if text not in ("", ".") else ".."
        return Place(text, found.is_own)

    def _joined(self, parts: Sequence[ast.expr], depth: int) -> Place:
        """An f-string, whose unknown parts are `UNKNOWN`."""
        places = [
            self.evaluate(one.value if isinstance(one, ast.FormattedValue) else one, depth + 1)
            for one in parts
        ]
        is_own = bool(places) and places[0] is not None and places[0].is_own
        return Place("".join(UNKNOWN if one is None else one.text for one in places), is_own)

    def _all(
        self, nodes: Sequence[ast.expr], depth: int, combine: Callable[[Place, Place], Place]
    ) -> Place | None:
        """The combination of several expressions, None if one of them is unknown."""
        found: Place | None = None
        for node in nodes:
            place = self.evaluate(node, depth + 1)
            if place is None:
                return None
            found = place if found is None else combine(found, place)
        return Place("") if found is None and not nodes else found


def _join(first: Place, second: Place) -> Place:
    if second.is_own:
        return second
    return Place(posixpath.normpath(posixpath.join(first.text, second.text)), first.is_own)


def _add(first: Place, second: Place) -> Place:
    return Place(first.text + second.text, first.is_own or second.is_own)
