"""The JSON schema of dockfix.facts.toml, and the reference table of its keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dockfix.config.facts_keys import KEYS, MAX_IMAGES, VERSION


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
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "dockfix.facts.toml",
        "description": "What the base images of a repository contain, as dockfix --inspect recorded it.",
        "type": "object",
        "required": ["version"],
        "additionalProperties": False,
        "properties": {
            "version": {"const": VERSION},
            "images": {"type": "object", "maxProperties": MAX_IMAGES, "additionalProperties": image},
        },
    }


def make_facts_table() -> Iterator[str]:
    """The lines of the table, in Markdown."""
    yield "| key | value | what it is |"
    yield "|---|---|---|"
    for name, key in KEYS.items():
        yield f"| `{name}` | {key.form.expected} | {key.help} |".replace("|(", "\\|(")
