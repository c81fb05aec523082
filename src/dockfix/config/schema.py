"""The JSON schema of a configuration, and the reference table of its keys, from the declarations.

The schema follows SchemaStore's rules (draft 7, `$id` in its catalogue).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, Final

from dockfix.config.keys import FAMILIES, FILES, OPTIONS, OVERRIDES, PATHS, field_of, names_of
from dockfix.config.reading import NONE
from dockfix.config.show import format_value
from dockfix.model.images import NOT_FACTS, Account, Image
from dockfix.options import Options
from dockfix.options.declarations import TEXTS, Declaration

ADDRESS: Final = "https://json.schemastore.org/dockfix.json"
_OVERRIDES_HELP: Final = "Other options for the files that match; of several that match, the last one wins"
_PATHS_HELP: Final = "Files that the override is for, as in .gitignore, relative to the configuration"
_FACTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "str": {"type": "string"},
    "bool": {"type": "boolean"},
    "tuple[int, ...]": {"type": "array", "items": {"type": "integer"}},
    "tuple[str, ...]": {"type": "array", "items": {"type": "string"}},
    "Mapping[str, str]": {"type": "object", "additionalProperties": {"type": "string"}},
    "int | None": {"type": "integer", "minimum": 0},
}
"""The schema of a fact about an image, by the type that the model gives it."""


def make_schema() -> dict[str, Any]:
    """The schema of dockfix.toml, and of [tool.dockfix]."""
    options = {key: _property(key, one, getattr(Options(), field_of(key))) for key, one in OPTIONS.items()}
    override = {PATHS: {"description": _PATHS_HELP, **TEXTS.schema, "minItems": 1}, **options}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": ADDRESS,
        "title": "dockfix",
        "description": "How dockfix moves Python Dockerfiles off root.",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **options,
            **{key: _property(key, one, _default_of(key)) for key, one in FILES.items()},
            OVERRIDES: {
                "description": _OVERRIDES_HELP,
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": [PATHS],
                    "properties": {key: _without_default(one) for key, one in override.items()},
                },
            },
        },
    }


def _without_default(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an override's value: if it is missing, the file's value applies."""
    return {name: value for name, value in schema.items() if name != "default"}


def _default_of(key: str) -> Any:
    return getattr(NONE, field_of(key))


def _property(key: str, one: Declaration, default: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {"description": describe(one), **one.form.schema}
    if key == "images":
        schema["additionalProperties"] = _image()
    elif names := list(names_of(key)):
        known = {"type": "string", "enum": names}
        schema.update({"items": known} if schema["type"] == "array" else known)
    if default is not None:
        schema["default"] = sorted(default) if isinstance(default, frozenset) else _plain(default)
    return schema


def describe(one: Declaration) -> str:
    """What the option does, without its default, which has a column of its own."""
    return re.sub(r" \(default: .*\)$", "", one.help)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _image() -> dict[str, Any]:
    """The facts about one image."""
    account = {one.name: _FACTS[str(one.type)] for one in fields(Account)}
    accounts = {"type": "array", "items": {"type": "object", "required": ["name"], "properties": account}}
    facts: dict[str, Any] = {
        one.name: accounts if one.name == "accounts" else _FACTS[str(one.type)]
        for one in fields(Image)
        if one.name not in NOT_FACTS
    }
    facts["family"] = {"type": "string", "enum": list(FAMILIES)}
    text = {"type": "string"}
    more = {"like": text, "versions": {**text, "enum": ["python"]}, "source": text}
    return {"type": "object", "additionalProperties": False, "properties": {**facts, **more}}


def make_table() -> Iterator[str]:
    """The lines of the reference table of all keys, in Markdown."""
    yield "| key | value | default | what it does | on the command line |"
    yield "|---|---|---|---|---|"
    for key, one in OPTIONS.items():
        yield _row(key, one, getattr(Options(), field_of(key)))
    for key, one in FILES.items():
        yield _row(key, one, _default_of(key))
    yield f"| `{OVERRIDES}` | a list of tables | `[]` | {_OVERRIDES_HELP} | |"


def _row(key: str, one: Declaration, default: Any) -> str:
    shown = "" if default is None else f"`{format_value(default)}`"
    flags = f"`{' '.join(one.flags)}{' ' + one.metavar if one.metavar else ''}`" if one.flags else ""
    cells = (f"`{key}`", one.form.expected, shown, describe(one), flags)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
