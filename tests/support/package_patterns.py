"""Every regular expression that a package compiles, found in its code, and how each of them is used."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from types import ModuleType
from typing import Any, Final

USES: Final = frozenset({"search", "match", "fullmatch", "findall", "finditer", "sub", "subn", "split"})
ANCHORED: Final = frozenset({"match", "fullmatch"})
"""Uses that try one place of a text only; the others try every place."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A regular expression, its flags, the methods that are called of it, and where it stands.

    A method is one of `ANCHORED`, or "search" for all others and where no call of it was found.
    """

    pattern: str | bytes
    flags: int
    uses: frozenset[str]
    place: str


def find_expressions(package: ModuleType) -> dict[tuple[str | bytes, int], Expression]:
    """What modules keep (alone, in tables, or in functions that cache one), and what calls of `re` name."""
    modules = [
        importlib.import_module(found.name)
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    ]
    found: dict[tuple[str | bytes, int], Expression] = {}
    for module in modules:
        for one in (*_kept(module, modules), *_called(module)):
            before = found.setdefault((one.pattern, one.flags), one)
            found[one.pattern, one.flags] = replace(before, uses=before.uses | one.uses)
    return found


def _methods(called: Iterable[str]) -> frozenset[str]:
    return frozenset(use if use in ANCHORED else "search" for use in called) or frozenset({"search"})


def unknown_calls(package: ModuleType) -> Iterator[str]:
    """Calls of `re` whose pattern is neither evaluated here nor kept by the module."""
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        module = importlib.import_module(found.name)
        cached = {name for name, value in vars(module).items() if _is_table(value)}
        for call, function in _calls(_tree(module)):
            if _pattern(call, module) is None and function not in cached:
                yield f"{module.__name__}:{call.lineno}: {ast.unparse(call)}"


def _kept(module: ModuleType, modules: list[ModuleType]) -> Iterator[Expression]:
    for name, value in vars(module).items():
        for one in _within(value() if _is_table(value) else value):
            if isinstance(value, re.Pattern):
                used = {use for user in modules if vars(user).get(name) is value for use in _uses(user)[name]}
            else:
                used = {
                    use for other, how in _uses(module).items() if other not in vars(module) for use in how
                }
                used &= USES
            place = f"{module.__name__}.{name}"
            yield Expression(one.pattern, one.flags & ~re.DEBUG, _methods(used), place)


def _is_table(value: object) -> bool:
    """Whether it is a function that takes nothing and keeps what it once gave."""
    return hasattr(value, "cache_info") and not inspect.signature(value).parameters  # type: ignore[arg-type]


def _within(value: object) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, tuple | list | frozenset | set):
        for one in value:
            yield from _within(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _within(one)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _within(getattr(value, field.name, None))


@cache
def _uses(module: ModuleType) -> dict[str, set[str]]:
    """By name: the methods of patterns that the module calls of it, and "other" for all else."""
    found: dict[str, set[str]] = defaultdict(set)
    tree = _tree(module)
    methods = {id(node.value): node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        name = str(getattr(node, "id", getattr(node, "attr", "")))
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            used = methods.get(id(node), "")
            found[name].add(used if used in USES else "other")
    return found


def _called(module: ModuleType) -> Iterator[Expression]:
    for call, _ in _calls(_tree(module)):
        pattern = _pattern(call, module)
        if pattern is not None:
            function = call.func.attr  # type: ignore[attr-defined]
            flags = re.compile(pattern, _flags(call, module)).flags
            place = f"{module.__name__}:{call.lineno}"
            if function != "compile":
                yield Expression(pattern, flags, _methods({function}), place)
            elif not _is_kept(call, module):
                yield Expression(pattern, flags, _methods(_uses(module)[_name(call, module)]), place)


def _is_kept(call: ast.Call, module: ModuleType) -> bool:
    """Whether the module itself names it: `_kept` finds it there."""
    return any(
        isinstance(node, ast.Assign | ast.AnnAssign) and node.value is call for node in _tree(module).body
    )


def _name(call: ast.Call, module: ModuleType) -> str:
    """The name that a function gives it."""
    for node in ast.walk(_tree(module)):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is call:
                return name
    return ""


def _calls(tree: ast.AST, function: str = "") -> Iterator[tuple[ast.Call, str]]:
    """Calls of `re`, each with the name of the function that it stands in."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="re"), attr=used)) if (
                used in USES or used == "compile"
            ):
                yield node, function
        yield from _calls(node, node.name if isinstance(node, ast.FunctionDef) else function)


def _flags(call: ast.Call, module: ModuleType) -> int:
    for node in (*call.args[1:], *(keyword.value for keyword in call.keywords)):
        value = _evaluate(node, module)
        if isinstance(value, re.RegexFlag):
            return value
    return 0


def _pattern(call: ast.Call, module: ModuleType) -> str | bytes | None:
    """The pattern of a call; what only the function knows stands for a name in it."""
    value = _evaluate(call.args[0], module)
    match call.args[0]:
        case ast.Call(
            func=ast.Attribute(value=ast.Constant(value=str(between)), attr="join"),
            args=[ast.Call(func=ast.Name(id="map"), args=[ast.Attribute(attr="escape"), _])],
        ):
            return f"name{between}other"
    if value is None and isinstance(call.args[0], ast.JoinedStr):
        return "".join(_piece(part, module) for part in call.args[0].values)
    return value if isinstance(value, str | bytes) else None


def _piece(part: ast.expr, module: ModuleType) -> str:
    value = _evaluate(part.value if isinstance(part, ast.FormattedValue) else part, module)
    return "7" if value is None and _is_count(part) else "name" if value is None else str(value)


def _is_count(part: ast.expr) -> bool:
    return any(isinstance(node, ast.Call) and ast.unparse(node.func) == "len" for node in ast.walk(part))


def _evaluate(node: ast.expr, module: ModuleType) -> object:
    if isinstance(node, ast.FormattedValue):
        node = node.value
    names = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
    bound = {
        name.id
        for name in ast.walk(node)
        if isinstance(name, ast.Name) and not isinstance(name.ctx, ast.Load)
    }
    builtin = {"str", "map", "sorted"}
    if not names - bound - builtin <= vars(module).keys():
        return None
    return eval(compile(ast.Expression(node), module.__name__, "eval"), vars(module))


@cache
def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))
