"""The options and operands of the commands that create accounts and groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dockfix.knowledge import read_names
from dockfix.syntax.shell import Command
from dockfix.syntax.words import is_number

CREATORS: Final = ("useradd", "adduser")
GROUP_CREATORS: Final = ("groupadd", "addgroup")


def parse_options(command: Command, env: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """(options with their values, operands) of an account command; an option without a value maps to ""."""
    options: dict[str, str] = {}
    operands: list[str] = []
    key = ""
    for word in command.args:
        text = word.expand(env) or word.text
        if key:
            options[key], key = text, ""
        elif text.startswith("-") and len(text) > 1:
            name, equals, value = text.partition("=")
            options[name] = value
            key = name if name in _valued() and not equals else _clustered(name)
        else:
            operands.append(text)
    return options, operands


def _valued() -> frozenset[str]:
    return read_names("commands", "valued", "account")


def _clustered(option: str) -> str:
    """The last option of a cluster (`-ms /bin/sh`, `-mu 1000`) if it takes the next word, else ""."""
    if option.startswith("--") or len(option) < 3:
        return ""
    return "-" + option[-1] if "-" + option[-1] in _valued() else ""


def first_of(options: dict[str, str], *names: str) -> str:
    """The value of the first of these options that has one, else ""."""
    return next((options[name] for name in names if options.get(name)), "")


def to_number(text: str) -> int | None:
    """The number that a text is, None for a name."""
    return int(text) if is_number(text) else None
