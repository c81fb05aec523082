"""The functions of Helm's templates, as far as a chart by itself determines their results.

See "Template Function List" in the documentation of Helm. A function that is not here is unknown; so is a
result that the cluster determines.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from dockfix.repository.go_templates import MAX_DEPTH, parse_template
from dockfix.repository.template_rendering import (
    UNKNOWN,
    Function,
    Renderer,
    TemplateLimitError,
    is_true,
    step,
    write,
)
from dockfix.repository.yaml_nodes import read_typed

_KINDS: Final = {bool: "bool", str: "string", int: "int", float: "float64", list: "slice", dict: "map"}
_WIDEST: Final = 2**20
_MOST_ITEMS: Final = 20_000


def _to_yaml(_: Renderer, value: Any) -> str:
    import yaml

    if value is UNKNOWN:
        return write(value)
    return (
        yaml.safe_dump(_plain(value), sort_keys=True, width=_WIDEST, default_flow_style=False)
        .rstrip("\n")
        .removesuffix("\n...")
    )


def _plain(value: Any) -> Any:
    """A copy of a value without what is unknown. Raises `TemplateLimitError` for too large a value."""
    left = _MOST_ITEMS

    def copy(one: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise TemplateLimitError("a value takes too much")
        if isinstance(one, Mapping):
            return {str(key): copy(inner) for key, inner in one.items()}
        if isinstance(one, list):
            return [copy(inner) for inner in one]
        return write(one) if one is UNKNOWN else one

    return copy(value)


def _from_yaml(_: Renderer, text: str) -> Any:
    return read_typed(text)


def _indent(_: Renderer, width: int, text: Any) -> str:
    return "\n".join(" " * min(width, 100) + line for line in write(text).split("\n"))


def _nindent(renderer: Renderer, width: int, text: Any) -> str:
    return "\n" + _indent(renderer, width, text)


def _tpl(renderer: Renderer, text: Any, dot: Any) -> Any:
    if not isinstance(text, str) or "{{" not in text:
        return text
    inner = parse_template(text)
    return renderer.render_text(inner.nodes, dot)


def _printf(_: Renderer, form: str, *values: Any) -> str:
    parts, rest = form.split("%"), list(values)
    made = [parts[0]]
    for part in parts[1:]:
        verb = part[:1]
        made.append(("%" if not verb else _verb(verb, rest.pop(0) if rest else UNKNOWN)) + part[1:])
    return "".join(made)


def _verb(verb: str, value: Any) -> str:
    return json.dumps(write(value)) if verb == "q" else write(value)


def _default(_: Renderer, other: Any, value: Any = None) -> Any:
    known = is_true(value)
    return UNKNOWN if known is None else value if known else other


def _and(_: Renderer, *values: Any) -> Any:
    return _chain(values, ends=False)


def _or(_: Renderer, *values: Any) -> Any:
    return _chain(values, ends=True)


def _chain(values: tuple[Any, ...], *, ends: bool) -> Any:
    """The first value whose truth `ends` the chain, or the last; unknown if one before it is."""
    is_open = False
    for value in values:
        known = is_true(value)
        if known is ends:
            return value
        is_open = is_open or known is None
    return UNKNOWN if is_open else values[-1]


def _not(_: Renderer, value: Any) -> Any:
    known = is_true(value)
    return UNKNOWN if known is None else not known


def _eq(_: Renderer, first: Any, *others: Any) -> Any:
    if first is UNKNOWN or UNKNOWN in others:
        return UNKNOWN
    return any(first == one and isinstance(first, bool) is isinstance(one, bool) for one in others)


def _known(apply: Function) -> Function:
    """A function whose result is unknown if one of its arguments is."""

    def call(_: Renderer, *values: Any) -> Any:
        return UNKNOWN if UNKNOWN in values else apply(*values)

    return call


def _text(change: Function) -> Function:
    return _known(lambda *values: change(*map(write, values)))


def _number(change: Function) -> Function:
    return _known(lambda *values: change(*(int(float(write(one) or 0)) for one in values)))


def _ternary(_: Renderer, yes: Any, no: Any, test: Any) -> Any:
    known = is_true(test)
    return UNKNOWN if known is None else yes if known else no


def _dict(_: Renderer, *pairs: Any) -> dict[str, Any]:
    return {write(key): value for key, value in zip(pairs[::2], pairs[1::2], strict=False)}


def merge(*rows: Any, depth: int = 0) -> dict[str, Any]:
    """Maps merged at every level, the last winning."""
    made: dict[str, Any] = {}
    for row in rows:
        for key, value in (row or {}).items():
            before = made.get(key)
            is_nested = isinstance(before, Mapping) and isinstance(value, Mapping) and depth < MAX_DEPTH
            made[key] = merge(before, value, depth=depth + 1) if is_nested else value
    return made


def _get(_: Renderer, rows: Any, key: Any) -> Any:
    return step(rows, (write(key),))


def _index(_: Renderer, value: Any, *keys: Any) -> Any:
    for key in keys:
        if value is UNKNOWN or key is UNKNOWN:
            return UNKNOWN
        value = value[key] if isinstance(value, list) else step(value, (write(key),))
    return value


def _has_key(_: Renderer, rows: Any, key: Any) -> Any:
    return UNKNOWN if rows is UNKNOWN else isinstance(rows, Mapping) and key in rows


def _append(_: Renderer, rows: Any, one: Any) -> Any:
    return UNKNOWN if rows is UNKNOWN else [*(rows or ()), one]


def _item(at: int) -> Function:
    return _known(lambda rows: rows[at] if rows else None)


def _join(_: Renderer, sign: Any, rows: Any) -> Any:
    return UNKNOWN if rows is UNKNOWN else write(sign).join(map(write, rows or ()))


def _kind(value: Any) -> str:
    return "invalid" if value is None else _KINDS.get(type(value), "")


def _coalesce(_: Renderer, *values: Any) -> Any:
    return next((one for one in values if is_true(one) is not False), None)


def _set(_: Renderer, rows: Any, key: Any, value: Any) -> Any:
    if isinstance(rows, dict):
        rows[write(key)] = value
    return rows


def _trunc(width: str, text: str) -> str:
    return text[: int(width)] if int(width) >= 0 else text[int(width) :]


FUNCTIONS: Final[Mapping[str, Function]] = {
    "include": lambda renderer, name, dot=None: renderer.include(name, dot),
    "tpl": _tpl,
    "toYaml": _to_yaml,
    "toJson": lambda _, value: json.dumps(_plain(value)),
    "fromYaml": _from_yaml,
    "fromJson": _from_yaml,
    "indent": _indent,
    "nindent": _nindent,
    "quote": lambda _, *values: " ".join(json.dumps(write(one), ensure_ascii=False) for one in values),
    "squote": lambda _, *values: " ".join(f"'{write(one)}'" for one in values),
    "printf": _printf,
    "print": lambda _, *values: "".join(map(write, values)),
    "default": _default,
    "required": lambda _, message, value=None: value,
    "fail": lambda *_: "",
    "empty": _not,
    "coalesce": _coalesce,
    "ternary": _ternary,
    "and": _and,
    "or": _or,
    "not": _not,
    "eq": _eq,
    "ne": lambda renderer, first, second: _not(renderer, _eq(renderer, first, second)),
    "lt": _known(lambda first, second: first < second),
    "le": _known(lambda first, second: first <= second),
    "gt": _known(lambda first, second: first > second),
    "ge": _known(lambda first, second: first >= second),
    "lower": _text(str.lower),
    "upper": _text(str.upper),
    "title": _text(str.title),
    "trim": _text(str.strip),
    "nospace": _text(lambda text: "".join(text.split())),
    "trimSuffix": _text(lambda end, text: text.removesuffix(end)),
    "trimPrefix": _text(lambda start, text: text.removeprefix(start)),
    "trimAll": _text(lambda signs, text: text.strip(signs)),
    "trunc": _text(_trunc),
    "replace": _text(lambda old, new, text: text.replace(old, new)),
    "contains": _text(lambda part, text: part in text),
    "hasPrefix": _text(lambda start, text: text.startswith(start)),
    "hasSuffix": _text(lambda end, text: text.endswith(end)),
    "splitList": _text(lambda sign, text: text.split(sign)),
    "toString": _text(str),
    "int": _number(int),
    "int64": _number(int),
    "add": _number(lambda *values: sum(values)),
    "add1": _number(lambda value: value + 1),
    "sub": _number(lambda first, second: first - second),
    "mul": _number(lambda first, second: first * second),
    "div": _number(lambda first, second: first // second),
    "mod": _number(lambda first, second: first % second),
    "max": _number(max),
    "min": _number(min),
    "until": _number(lambda count: list(range(min(count, 100)))),
    "list": lambda _, *values: list(values),
    "tuple": lambda _, *values: list(values),
    "dict": _dict,
    "merge": _known(lambda *rows: merge(*reversed(rows))),
    "mergeOverwrite": _known(merge),
    "deepCopy": lambda _, value: value,
    "get": _get,
    "set": _set,
    "index": _index,
    "hasKey": _has_key,
    "has": _known(lambda value, rows: value in (rows or ())),
    "keys": _known(lambda rows: sorted(rows or ())),
    "concat": _known(lambda *rows: [one for row in rows for one in row or ()]),
    "append": _append,
    "first": _item(0),
    "last": _item(-1),
    "uniq": _known(lambda rows: [one for at, one in enumerate(rows) if one not in rows[:at]]),
    "compact": _known(lambda rows: [one for one in rows if one]),
    "join": _join,
    "len": _known(lambda value: len(value or ())),
    "kindOf": _known(_kind),
    "typeOf": _known(_kind),
    "kindIs": _known(lambda kind, value: _kind(value) == kind),
    "typeIs": _known(lambda kind, value: _kind(value) == kind),
}
