"""Structured data in texts: JSON, TOML, Python's literals, URLs."""

from __future__ import annotations

import ast
import base64
import json
import shlex
import tomllib
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from dockfix.evidence.python.constants import HOLE, Reference, Table, Value
from dockfix.knowledge import read_table


def is_parser(function: str) -> bool:
    """Whether a function parses texts."""
    return function in read_table("python")["parsers"]


def parse_text(function: str, text: str, *, certain: bool) -> Value | None:
    """What a function that parses texts returns, None for a text it refuses."""
    if HOLE in text:
        return None
    parse = _PARSERS[read_table("python")["parsers"][function]]
    try:
        return _value(parse(text), certain=certain)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None


def table_of(value: Value) -> Table | None:
    """The dictionary that a value is; code that uses a text as one got it parsed, by whatever library."""
    content: object = value.content
    if isinstance(content, str) and content.lstrip().startswith("{"):
        parsed = parse_text("json.loads", content, certain=False)
        content = parsed.content if parsed is not None else None
    return content if isinstance(content, Table) else None


def _value(data: object, *, certain: bool) -> Value | None:
    """The data as a value; None for what no value can be."""
    if data is None or isinstance(data, bool):
        return Value(Reference(str(data)), certain)
    if isinstance(data, str | int):
        return Value(data, certain)
    if isinstance(data, bytes):
        return Value(data.decode(), certain)
    if isinstance(data, list | tuple):
        return Value(tuple(_values(one, certain=certain) for one in data), certain)
    if isinstance(data, Mapping):
        return Value(Table({str(key): _values(one, certain=certain) for key, one in data.items()}), certain)
    return None


def _values(data: object, *, certain: bool) -> tuple[Value, ...]:
    found = _value(data, certain=certain)
    return () if found is None else (found,)


def _read_literal(text: str) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about escapes in the repository's texts
        return ast.literal_eval(text)


def _split_url(text: str) -> Mapping[str, Any]:
    found = urlsplit(text)
    return {**found._asdict(), "hostname": found.hostname or ""}


_PARSERS: Final[Mapping[str, Callable[[str], object]]] = {
    "json": json.loads,
    "toml": tomllib.loads,
    "literal": _read_literal,
    "words": shlex.split,
    "url": _split_url,
    "base64": base64.b64decode,
}
