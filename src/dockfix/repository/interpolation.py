"""Variables in compose files (`$NAME`, `${NAME:-default}` and other forms), and the `.env` that sets them.

Follows "Interpolation" of the compose specification (compose-spec/compose-spec, 12-interpolation.md).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from dockfix.repository.arguments import UNKNOWN
from dockfix.repository.yaml_nodes import change_texts

_NAME: Final = re.compile(r"[A-Za-z_]\w*")
_OPERATOR: Final = re.compile(r":?[-?+]")
_MAX_NESTING: Final = 16


def interpolate(text: str, values: Mapping[str, str], depth: int = 0) -> str:
    """The text with its variables replaced by their values, their defaults, or `UNKNOWN`."""
    parts: list[str] = []
    at = 0
    while (sign := text.find("$", at)) >= 0:
        parts.append(text[at:sign])
        value, at = _variable(text, sign + 1, values, depth)
        parts.append(value)
    return "".join((*parts, text[at:]))


def _variable(text: str, at: int, values: Mapping[str, str], depth: int) -> tuple[str, int]:
    """(value of the variable after a dollar sign, offset after it)."""
    if text.startswith("$", at):
        return "$", at + 1
    braced = text.startswith("{", at)
    name = _NAME.match(text, at + braced)
    if name is None:
        return UNKNOWN, at
    if not braced:
        return values.get(name[0], UNKNOWN), name.end()
    end = _closing(text, name.end())
    return _substitute(name[0], text[name.end() : end], values, depth), end + 1


def _closing(text: str, at: int) -> int:
    """The offset of the closing brace; braces of nested variables are skipped."""
    depth = 1
    while at < len(text):
        if text[at] == "}":
            depth -= 1
            if depth == 0:
                return at
        elif text.startswith("${", at):
            depth += 1
            at += 1
        at += 1
    return len(text)


def _substitute(name: str, rest: str, values: Mapping[str, str], depth: int) -> str:
    """The value of `${NAME...}`, given what follows the name.

    After a colon, an empty value counts as unset.
    """
    value = values.get(name)
    sign = _OPERATOR.match(rest)
    if sign is None or depth > _MAX_NESTING:
        return UNKNOWN if value is None else value
    word = rest[sign.end() :]
    is_set = value is not None and (value != "" or not sign[0].startswith(":"))
    if sign[0].endswith("+"):
        return interpolate(word, values, depth + 1) if is_set else "" if value is not None else UNKNOWN
    if is_set and value is not None:
        return value
    return interpolate(word, values, depth + 1) if sign[0].endswith("-") else UNKNOWN


def fill(value: Any, values: Mapping[str, str]) -> Any:
    """A YAML value with the variables in its strings replaced; keys are not changed."""
    return change_texts(value, lambda text: interpolate(text, values) if "$" in text else text)


def read_environment(text: str) -> dict[str, str]:
    """The variables of a `.env` file; values may refer to variables above them."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, written = line.strip().removeprefix("export ").partition("=")
        if equals and _NAME.fullmatch(name.strip()):
            values[name.strip()] = _value(written.strip(), values)
    return values


def _value(written: str, values: Mapping[str, str]) -> str:
    quote = written[:1]
    if quote in ("'", '"') and (end := written.find(quote, 1)) > 0:
        return written[1:end] if quote == "'" else interpolate(written[1:end], values)
    return interpolate(written.partition(" #")[0].strip(), values)
