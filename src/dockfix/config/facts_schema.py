"""The JSON schema of dockfix.facts.toml, and the reference table of its keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dockfix.config.facts_keys import FILE_KEYS, KEYS, MAX_IMAGES, VERSION


def make_facts_schema() -> dict[str, Any]:
    """The schema, of draft 7; a registry's facts have no keys about files."""
    image = {
        "type": "object",
        "required": ["digest", "source"],
        "additionalProperties": False,
        "properties": {name: {"description": key.help, **key.form.schema} for name, key in KEYS.items()},
        "if": {"properties": {"source": {"const": "registry"}}},
        "then": {"properties": {name: False for name, key in KEYS.items() if key.is_content}},
    }
    file = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: {"description": key.help, **key.form.schema} for name, key in FILE_KEYS.items()},
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "dockfix.facts.toml",
        "description": "What the base images of a repository contain, and what proofs have shown of it.",
        "type": "object",
        "required": ["version"],
        "additionalProperties": False,
        "properties": {
            "version": {"const": VERSION},
            "images": {"type": "object", "maxProperties": MAX_IMAGES, "additionalProperties": image},
            "files": {"type": "object", "maxProperties": MAX_IMAGES, "additionalProperties": file},
        },
    }


def make_facts_table() -> Iterator[str]:
    """The lines of the tables of both kinds of keys, in Markdown."""
    for at, keys in enumerate((KEYS, FILE_KEYS)):
        yield from ("", "Under `files`:", "") if at else ()
        yield "| key | value | what it is |"
        yield "|---|---|---|"
        for name, key in keys.items():
            yield f"| `{name}` | {key.form.expected} | {key.help} |".replace("|(", "\\|(")
