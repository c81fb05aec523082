"""Read the configuration of an image, as `docker image inspect` and the registries show it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from dockfix.config.facts_keys import KEYS
from dockfix.image_facts import ImageFacts

# GPG_KEY of the official images is public, and left out like the others: nothing depends on it.
_SECRET: Final = re.compile(
    r"(?:^|_)(?:KEY|TOKEN|SECRET|PASS(?:WORD|WD|PHRASE)?|PWD|CREDENTIALS?|AUTH)(?:$|_)", re.IGNORECASE
)
_CREDENTIALS: Final = re.compile(r"://[^/@\s]+:[^/@\s]+@")


class UnreadableError(ValueError):
    """What an engine or a registry returned cannot be used; the message says why."""


def read_json(text: str) -> Any:
    """The value of a JSON text. Raises UnreadableError."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableError("the answer is not JSON") from None


def read_configuration(table: object, digest: str) -> ImageFacts:
    """The facts in a `config` object of the OCI image specification. Raises UnreadableError."""
    if not isinstance(table, dict):
        raise UnreadableError("the image has no configuration")
    values = {
        "digest": digest,
        "user": table.get("User") or "",
        "workdir": table.get("WorkingDir") or "",
        "env": dict(_variables(table.get("Env") or [])),
        "volumes": sorted(_names(table.get("Volumes"))),
        "ports": sorted(_names(table.get("ExposedPorts"))),
        "entrypoint": _words(table.get("Entrypoint")),
        "command": _words(table.get("Cmd")),
        "shell": _words(table.get("Shell")),
        "onbuild": _words(table.get("OnBuild")),
    }
    return ImageFacts(**{key: check(key, value) for key, value in values.items()})


def check(key: str, value: object) -> Any:
    """A value as dockfix.facts.toml may have it. Raises UnreadableError."""
    try:
        return KEYS[key].form.read(value)
    except ValueError as error:
        raise UnreadableError(f"{key} {error}") from None


def _names(table: object) -> list[str]:
    return [str(name) for name in table] if isinstance(table, Mapping) else []


def _words(value: object) -> object:
    """The words of a command; one that is a single string is a list of one."""
    return [value] if isinstance(value, str) else value or []


def _variables(rows: object) -> Iterator[tuple[str, str]]:
    """(name, value) of the variables, without those that look like secrets."""
    for row in rows if isinstance(rows, list) else ():
        name, equals, value = str(row).partition("=")
        if name and equals and not _SECRET.search(name) and not _CREDENTIALS.search(value):
            yield name, value
