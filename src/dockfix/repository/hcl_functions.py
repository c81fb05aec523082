"""The functions and operators of bake files that depend only on their arguments.

Named as in "Bake standard library functions" of Docker's documentation; any other yields `UNKNOWN`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from dockfix.repository.arguments import UNKNOWN

_MOST: Final = 1 << 53


def text_of(value: Any) -> str | None:
    """A value as a string; None if it is null or not convertible."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, str | int | float) else None


def _is_open(value: Any) -> bool:
    """Whether a value is unknown, wholly or in part."""
    if isinstance(value, list | dict):
        return any(map(_is_open, value.values() if isinstance(value, dict) else value))
    return isinstance(value, str) and UNKNOWN in value


def _of_known(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function to return `UNKNOWN` for unknown or unsuitable arguments."""

    def apply(*values: Any) -> Any:
        if any(map(_is_open, values)):
            return UNKNOWN
        try:
            return function(*values)
        except (TypeError, ValueError, IndexError, KeyError, AttributeError, ArithmeticError):
            return UNKNOWN

    return apply


def _of_numbers(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """Wrap a function of two numbers; Python's operators would also accept strings."""

    def apply(left: Any, right: Any) -> Any:
        if not all(isinstance(one, int | float) and abs(one) < _MOST for one in (left, right)):
            raise TypeError
        return function(left, right)

    return _of_known(apply)


def _and(left: Any, right: Any) -> Any:
    if left is False or right is False:
        return False
    return left and right if isinstance(left, bool) and isinstance(right, bool) else UNKNOWN


def _or(left: Any, right: Any) -> Any:
    if left is True or right is True:
        return True
    return left or right if isinstance(left, bool) and isinstance(right, bool) else UNKNOWN


def _concat(*lists: Any) -> Any:
    return [one for row in lists for one in row] if all(isinstance(row, list) for row in lists) else UNKNOWN


def _merge(*maps: Any) -> Any:
    if not all(isinstance(one, dict) for one in maps):
        return UNKNOWN
    return {key: value for one in maps for key, value in one.items()}


def _coalesce(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _format(form: str, *values: Any) -> Any:
    parts = form.replace("%%", "\0").split("%")
    if len(parts) != len(values) + 1 or any(part[:1] not in ("s", "d", "v") for part in parts[1:]):
        return UNKNOWN
    filled = [f"{text_of(value)}{part[1:]}" for value, part in zip(values, parts[1:], strict=True)]
    return (parts[0] + "".join(filled)).replace("\0", "%")


def _join(between: str, *lists: list[Any]) -> str:
    return between.join(str(text_of(one)) for row in lists for one in row)


def _substr(text: str, start: int, length: int) -> str:
    first = start if start >= 0 else len(text) + start
    return text[first:] if length < 0 else text[first : first + length]


def _sanitize(text: str) -> str:
    return "".join(one if one.isascii() and (one.isalnum() or one in "_-") else "_" for one in text)


_STRICT: Final[Mapping[str, Callable[..., Any]]] = {
    "chomp": lambda text: text.rstrip("\r\n"),
    "compact": lambda rows: [one for one in rows if one != ""],
    "contains": lambda rows, one: one in rows,
    "distinct": lambda rows: list(dict.fromkeys(rows)),
    "element": lambda rows, at: rows[at % len(rows)],
    "equal": operator.eq,
    "format": _format,
    "index": lambda rows, key: rows[key],
    "join": _join,
    "keys": lambda rows: sorted(rows.keys()),
    "length": len,
    "lower": str.lower,
    "not": operator.not_,
    "notequal": operator.ne,
    "replace": lambda text, old, new: text.replace(old, new),
    "reverse": lambda rows: rows[::-1],
    "sanitize": _sanitize,
    "sort": sorted,
    "split": lambda between, text: text.split(between),
    "strlen": len,
    "substr": _substr,
    "title": str.title,
    "trim": str.strip,
    "trimprefix": str.removeprefix,
    "trimspace": str.strip,
    "trimsuffix": str.removesuffix,
    "upper": str.upper,
    "values": lambda rows: [rows[key] for key in sorted(rows)],
}

FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    **{name: _of_known(function) for name, function in _STRICT.items()},
    "add": _of_numbers(operator.add),
    "subtract": _of_numbers(operator.sub),
    "multiply": _of_numbers(operator.mul),
    "and": _and,
    "or": _or,
    "concat": _concat,
    "merge": _merge,
    "coalesce": _coalesce,
    "flatten": lambda rows: _concat(*rows) if isinstance(rows, list) else UNKNOWN,
    "lookup": lambda rows, key, other=UNKNOWN: (
        rows.get(key, other) if isinstance(rows, dict) and not _is_open(key) else UNKNOWN
    ),
}

OPERATORS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "==": _of_known(operator.eq),
    "!=": _of_known(operator.ne),
    "<": _of_numbers(operator.lt),
    "<=": _of_numbers(operator.le),
    ">": _of_numbers(operator.gt),
    ">=": _of_numbers(operator.ge),
    "+": _of_numbers(operator.add),
    "-": _of_numbers(operator.sub),
    "*": _of_numbers(operator.mul),
    "/": _of_numbers(operator.truediv),
    "%": _of_numbers(operator.mod),
    "&&": _and,
    "||": _or,
}
