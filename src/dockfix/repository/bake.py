"""The literal blocks of a bake file in HCL, with the defaults of its variables; functions are left out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

# What is never closed goes on to the end: looked for from each of its beginnings, it would take forever.
_TOKEN = re.compile(
    r'"(?:[^"\\]|\\.)*(?:"|\Z)|<<-?(?P<end>\w+)\n(?:.*?\n[ \t]*(?P=end)\b|.*)|#[^\n]*|//[^\n]*'
    r"|/\*.*?(?:\*/|\Z)|[\w.-]+|[{}\[\]=,:()]",
    re.DOTALL,
)


def read_blocks(text: str, kind: str) -> dict[str, dict[str, Any]]:
    """The blocks `kind "name" { ... }` by name: strings, lists of strings and maps; None for the rest.

    Variables are their defaults, alone or in a string.
    """
    tokens = _tokens(text)
    blocks = _find_blocks(tokens, "variable")
    defaults = {f"${{{name}}}": facts.get("default") for name, facts in blocks.items()}
    known = {name: value for name, value in defaults.items() if isinstance(value, str)}
    return _find_blocks([_filled(token, known) for token in tokens], kind)


def _filled(token: str, known: Mapping[str, str]) -> str:
    """A token with the variables that have a default replaced."""
    if not token.startswith('"'):
        value = known.get(f"${{{token}}}")
        return token if value is None else f'"{value}"'
    for name, value in known.items():
        token = token.replace(name, value)
    return token


def _tokens(text: str) -> list[str]:
    tokens = [match[0] for match in _TOKEN.finditer(text)]
    return [token for token in tokens if not token.startswith(("#", "//", "/*"))]


def _find_blocks(tokens: Sequence[str], kind: str) -> dict[str, dict[str, Any]]:
    return {
        _unquote(tokens[at + 1]): _read_block(tokens, at + 3)[0]
        for at, token in enumerate(tokens[:-2])
        if token == kind and tokens[at + 2] == "{"
    }


def _read_block(tokens: Sequence[str], at: int) -> tuple[dict[str, Any], int]:
    """`key = value` pairs up to the closing brace, and its offset; None for values that are not literals."""
    facts: dict[str, Any] = {}
    while at < len(tokens) and tokens[at] != "}":
        if at + 1 < len(tokens) and tokens[at + 1] in ("=", ":"):
            key = _unquote(tokens[at])
            facts[key], at = _read_value(tokens, at + 2)
        else:
            at += 1
    if at >= len(tokens):
        raise ValueError("an unclosed block")
    return facts, at + 1


def _read_value(tokens: Sequence[str], at: int) -> tuple[Any, int]:
    token = tokens[at] if at < len(tokens) else "}"
    if token == "{":
        return _read_block(tokens, at + 1)
    if token == "[":
        values = []
        at += 1
        while at < len(tokens) and tokens[at] != "]":
            if tokens[at].startswith('"'):
                values.append(_unquote(tokens[at]))
            at += 1
        return values, at + 1
    return (_unquote(token) if token.startswith('"') else None), at + 1


def _unquote(token: str) -> str:
    return token[1:-1].replace('\\"', '"') if token.startswith('"') else token
