"""Declare each option once, for the command line, the configuration and the help."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Form:
    """The values that an option accepts.

    `schema` is the JSON schema of a TOML value. `check` turns such a value into the option's, or raises
    ValueError; `expected` completes "must be ..." in the error. `parse` turns the command line's string
    (or list of strings, if the option `repeats`) into the equivalent TOML value. `choices` are the
    allowed values, if there are few.
    """

    expected: str
    check: Callable[[Any], Any]
    parse: Callable[[Any], Any] = lambda given: given
    repeats: bool = False
    choices: tuple[str, ...] = ()
    schema: Mapping[str, Any] = field(default_factory=dict)

    def read(self, value: object) -> Any:
        """The option's value for a TOML value. Raises ValueError."""
        try:
            return self.check(value)
        except ValueError:
            raise ValueError(f"must be {self.expected}, not {_describe(value)}") from None


@dataclass(frozen=True, slots=True)
class Declaration:
    """One option: `flags` as on the command line, empty for a configuration key without a flag.

    `metavar` stands for the value in the help; `is_key`: a configuration may contain it. `implied` is the
    value of the flag alone, on the command line: a value then has to follow it after `=`.
    """

    form: Form
    help: str
    flags: tuple[str, ...]
    metavar: str
    is_key: bool
    implied: str = ""

    @property
    def flag(self) -> str:
        """The long flag that turns the option on or takes its value."""
        return self.flags[0].partition("/")[0]


def option(
    default: Any,
    form: Form,
    help: str,
    flags: str = "",
    metavar: str = "",
    *,
    is_key: bool = False,
    implied: str = "",
) -> Any:
    """A dataclass field that is an option; `flags` are separated by spaces, the long one first."""
    shown = metavar or "|".join(form.choices)
    declaration = Declaration(form, help, tuple(flags.split()), shown, is_key, implied)
    if callable(default):
        return field(default_factory=default, metadata={"option": declaration})
    return field(default=default, metadata={"option": declaration})


def declared(group: type) -> dict[str, Declaration]:
    """The options among a dataclass's fields, by field name."""
    return {one.name: one.metadata["option"] for one in fields(group) if "option" in one.metadata}


def _exactly(kind: type) -> Callable[[Any], Any]:
    def check(value: object) -> object:
        if type(value) is not kind:
            raise ValueError
        return value

    return check


def _at_least(least: float, *kinds: type) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if type(value) not in kinds or not value >= least:
            raise ValueError
        return value

    return check


def _strings(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError
    return tuple(value)


def _paths(value: object) -> tuple[str, ...]:
    found = _strings(value)
    if not all(path.startswith("/") and path.isprintable() for path in found):
        raise ValueError
    return found


def _settings(value: object) -> dict[str, str | None]:
    pairs = (item.partition("=") for item in _strings(value))
    return {name: text if equals else None for name, equals, text in pairs}


def _folder(value: object) -> Path:
    from pathlib import Path

    return Path(TEXT.check(value))


def _tables(value: object) -> object:
    if not isinstance(value, dict) or not all(isinstance(table, dict) for table in value.values()):
        raise ValueError
    return value


def _number(text: str) -> object:
    """The number in a text, or the text itself, which every check rejects."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _split(given: list[str]) -> list[str]:
    return [name.strip() for part in given for name in part.split(",") if name.strip()]


def _describe(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    kinds: dict[type, str] = {dict: "a table", list: "a list"}
    return kinds.get(type(value), f"{value!r}")


_LIST: Final = 'a list of strings, like ["one", "two"]'
_ARRAY: Final = {"type": "array", "items": {"type": "string"}}
TEXT: Final = Form("a string", _exactly(str), schema={"type": "string"})
SWITCH: Final = Form("true or false", _exactly(bool), schema={"type": "boolean"})
NUMBER: Final = Form("a whole number", _exactly(int), _number, schema={"type": "integer"})
TEXTS: Final = Form(_LIST, _strings, repeats=True, schema=_ARRAY)
PATHS: Final = Form(
    'a list of absolute paths, like ["/data/"]',
    _paths,
    repeats=True,
    schema={"type": "array", "items": {"type": "string", "pattern": "^/"}},
)
NAMES: Final = Form(
    _LIST,
    lambda value: frozenset(_strings(value)),
    _split,
    repeats=True,
    schema=_ARRAY,
)
SETTINGS: Final = Form(_LIST, _settings, repeats=True)
FOLDER: Final = Form("a string", _folder)
TABLES: Final = Form(
    'a table for each image, like [tool.dockfix.images."acme/python"]', _tables, schema={"type": "object"}
)


def count_from(least: int) -> Form:
    """Whole numbers, `least` or more."""
    return Form(f"a whole number, {least} or more", _at_least(least, int), _number)


def seconds_from(least: float) -> Form:
    """Numbers of seconds, `least` or more."""
    return Form(f"a number of seconds, {least:g} or more", _at_least(least, int, float), _number)


def one_of(choices: type[StrEnum]) -> Form:
    """The members of an enumeration."""
    names = tuple(str(choice) for choice in choices)
    return Form(
        "one of " + ", ".join(f'"{name}"' for name in names),
        choices,
        choices=names,
        schema={"type": "string", "enum": list(names)},
    )
