"""The parts of a call: the called name, and the arguments."""

from __future__ import annotations

import ast


def name_of(node: ast.AST) -> str:
    """The last component of a dotted name, "" for other expressions."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def called_name(call: ast.Call) -> str:
    """The last component of the called name, "" if it has none."""
    return name_of(call.func)


def argument_of(call: ast.Call, index: int, keyword: str = "") -> ast.expr | None:
    """The positional or keyword argument of a call, None if it is missing or unpacked."""
    for place, one in enumerate(call.args):
        if isinstance(one, ast.Starred):
            return None
        if place == index:
            return one
    named = (one.value for one in call.keywords if one.arg == keyword)
    return next(named, None) if keyword else None


def positional(call: ast.Call) -> list[ast.expr]:
    """The positional arguments of a call that are not unpacked."""
    return [one for one in call.args if not isinstance(one, ast.Starred)]


def arguments(call: ast.Call) -> list[ast.expr]:
    """What is passed to a call, by position or keyword, unpacked or not."""
    given = [one.value if isinstance(one, ast.Starred) else one for one in call.args]
    return [*given, *(one.value for one in call.keywords)]


def text_of(node: ast.AST | None) -> str | None:
    """The text of a literal string, None for any other expression."""
    match node:
        case ast.Constant(value=str() as text):
            return text
    return None
