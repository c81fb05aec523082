"""The parts of a call: the called name, and the arguments."""

from __future__ import annotations

import libcst as cst


def called_name(call: cst.Call) -> str:
    """The last component of the called name, "" if it has none."""
    func = call.func
    if isinstance(func, cst.Attribute):
        return func.attr.value
    return func.value if isinstance(func, cst.Name) else ""


def argument_of(call: cst.Call, index: int, keyword: str = "") -> cst.BaseExpression | None:
    """The positional or keyword argument of a call, None if it is missing or unpacked."""
    for place, one in enumerate(call.args):
        if one.star:
            return None if one.star == "*" else _keyword(call, keyword)
        if one.keyword is None and place == index:
            return one.value
    return _keyword(call, keyword)


def _keyword(call: cst.Call, keyword: str) -> cst.BaseExpression | None:
    named = (one.value for one in call.args if one.keyword is not None and one.keyword.value == keyword)
    return next(named, None) if keyword else None
