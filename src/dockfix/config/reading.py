"""Read a configuration from [tool.dockfix] in pyproject.toml or from dockfix.toml."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from dockfix.config.errors import ConfigError
from dockfix.config.keys import (
    FILES,
    KEYS,
    OPTIONS,
    OVERRIDES,
    PATHS,
    check_meaning,
    field_of,
    unknown_key,
)
from dockfix.files.descriptors import is_within
from dockfix.files.reading import read_bytes
from dockfix.options import OptionError, Options
from dockfix.options.declarations import TEXTS
from dockfix.options.request import Inspect

if TYPE_CHECKING:
    from dockfix.files.patterns import Patterns

MAX_BYTES: Final = 1024 * 1024
SMALL: Final = 16 * 1024
"""Up to this length a text is parsed in this process."""
PYPROJECT: Final = "pyproject.toml"
OWN_FILE: Final = "dockfix.toml"
FACTS_FILE: Final = "dockfix.facts.toml"


@dataclass(frozen=True)
class Override:
    """Options for the files below `folder` that match `paths`, .gitignore-style patterns.

    `lines` are those of its keys in the configuration.
    """

    folder: str
    paths: tuple[str, ...]
    options: Mapping[str, Any]
    lines: Mapping[str, int]

    def match(self, real: str) -> bool:
        """Whether it applies to the file at an absolute path without links."""
        return self._patterns.match(real)

    @cached_property
    def _patterns(self) -> Patterns:
        from dockfix.files.patterns import Patterns

        return Patterns(self.folder, self.paths)


@dataclass(frozen=True, slots=True)
class Config:
    """The configuration file at `path`.

    `options` contains the fields of `Options`, `lines` the lines of keys.

    `include` and `exclude` are .gitignore-style patterns relative to `folder`.
    """

    folder: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    force_exclude: bool = False
    inspect: Inspect | None = None
    overrides: tuple[Override, ...] = ()
    path: str = ""
    lines: Mapping[str, int] = field(default_factory=dict)


NONE: Final = Config()


def read_folder(folder: str) -> Config | None:
    """The configuration in the folder itself, if it has one. Raises ConfigError."""
    for name in (OWN_FILE, PYPROJECT):
        path = os.path.join(folder, name)
        if os.path.islink(path):
            refuse_outside(path, folder)
        if os.path.isfile(path) and (found := _read(path, folder)) is not None:
            return found
    return None


def refuse_outside(path: str, folder: str) -> None:
    """Raise ConfigError if a link leads out of the repository to what may be a configuration."""
    from dockfix.files.git_command import find_top

    root = find_top(folder) or folder
    if is_within(os.path.realpath(path), os.path.realpath(root)) or not os.path.isfile(path):
        return
    if os.path.basename(path) != PYPROJECT or "dockfix" in read_text(path):
        raise ConfigError(f"{path}: a symbolic link that leads out of {root}: name its target with --config")


def read_file(path: str, folder: str) -> Config:
    """The configuration in a file of any name, with patterns relative to `folder`. Raises ConfigError."""
    found = _read(path, folder)
    if found is None:
        raise ConfigError(f"{path}: has no table [tool.dockfix]")
    return found


def is_bare(folder: str) -> bool:
    """Whether the folder itself contains no possible configuration file."""
    return not any(os.path.isfile(os.path.join(folder, name)) for name in (OWN_FILE, PYPROJECT))


def _read(path: str, folder: str) -> Config | None:
    """The configuration in a file; None for a pyproject.toml without a table for dockfix."""
    text = read_text(path)
    table = _tool_table(path, text) if os.path.basename(path) == PYPROJECT else parse_toml(path, text)
    return None if table is None else _File(path, text, folder).load(table)


def read_text(path: str) -> str:
    """The text of a configuration. Raises ConfigError."""
    try:
        data = read_bytes(os.path.realpath(path), MAX_BYTES)
        if len(data) > MAX_BYTES:
            raise ConfigError(f"{path}: larger than {MAX_BYTES >> 20} MiB")
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8: byte 0x{error.object[error.start]:02x}") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None


def _tool_table(path: str, text: str) -> Mapping[str, object] | None:
    """The file's [tool.dockfix] table; None if there is none."""
    if "dockfix" not in text:
        return None
    tool = parse_toml(path, text).get("tool", {})
    table = tool.get("dockfix") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise ConfigError(f"{path}: tool.dockfix is not a table: write [tool.dockfix]")
    return table


def parse_toml(path: str, text: str) -> Mapping[str, object]:
    """The table in the text of the file at `path`, within limits of time. Raises ConfigError."""
    try:
        found = _load(text) if len(text) <= SMALL else _load_confined(path, text)
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply") from None
    if isinstance(found, str):
        line = re.search(r"at line (\d+)", found)
        where = f"{path}:{line[1]}" if line else path
        raise ConfigError(f"{where}: invalid TOML: {found}")
    return found


def _load_confined(path: str, text: str) -> Mapping[str, object] | str:
    """`_load` with a time limit: the parser's time grows with the square of a key's number of parts."""
    from dockfix.confined import Loss, finding_of, work

    found = work(_load, text)
    if isinstance(found, Loss):
        raise ConfigError(f"{path}: {finding_of(found).message}")
    return found


def _load(text: str) -> Mapping[str, object] | str:
    """The table of a TOML text, or what is wrong with it."""
    import tomllib

    try:
        return tomllib.loads(text)
    except ValueError as error:
        return str(error)


@dataclass(frozen=True)
class _File:
    """A configuration's text, with the line of each key."""

    path: str
    text: str
    folder: str

    def load(self, table: Mapping[str, object]) -> Config:
        """The values of the whole table. Raises ConfigError."""
        values: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key, value in table.items():
            lines[key] = self._line_of(key)
            where = f"{self.path}:{lines[key]}"
            if key == OVERRIDES:
                values[key] = self._load_overrides(where, value)
            elif key in KEYS:
                values[key] = _read_value(where, key, value)
            else:
                raise unknown_key(where, key, (*KEYS, OVERRIDES))
        return Config(
            self.folder,
            {field_of(key): value for key, value in values.items() if key in OPTIONS},
            **{field_of(key): values[key] for key in FILES if key in values},
            overrides=values.get(OVERRIDES, ()),
            path=self.path,
            lines=lines,
        )

    def _load_overrides(self, where: str, value: object) -> tuple[Override, ...]:
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise ConfigError(
                f"{where}: {OVERRIDES} must be a list of tables, like [[{self._prefix}{OVERRIDES}]]"
            )
        return tuple(self._load_override(number, table) for number, table in enumerate(value))

    def _load_override(self, number: int, table: Mapping[str, object]) -> Override:
        values: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key, value in table.items():
            lines[key] = self._line_in_override(number, key)
            where = f"{self.path}:{lines[key]}"
            if key == PATHS:
                values[key] = _read_paths(where, value)
            elif key in OPTIONS:
                values[key] = _read_value(where, key, value)
            else:
                raise unknown_key(where, key, (PATHS, *OPTIONS))
        if PATHS not in values:
            where = f"{self.path}:{self._line_in_override(number, PATHS)}"
            raise ConfigError(f"{where}: an override needs {PATHS}, a list of patterns as in .gitignore")
        paths = values.pop(PATHS)
        return Override(self.folder, paths, {field_of(key): value for key, value in values.items()}, lines)

    @property
    def _prefix(self) -> str:
        return "tool.dockfix." if os.path.basename(self.path) == PYPROJECT else ""

    def _line_of(self, key: str) -> int:
        """The line that sets `key` in a configuration that parses; 1 if it is written in an unusual way."""
        inside = not self._prefix
        quoted = rf"[\"']?{re.escape(key)}[\"']?"
        setting = re.compile(rf"\s*(tool\s*\.\s*dockfix\s*\.\s*)?{quoted}\s*[=.]")
        heading = re.compile(rf"\s*\[+\s*(tool\s*\.\s*dockfix\s*\.\s*)?{quoted}\s*[\].]")
        for number, line in enumerate(self._rows, 1):
            if (inside and setting.match(line)) or heading.match(line):
                return number
            if line.lstrip().startswith("["):
                inside = re.match(r"\s*\[\s*tool\s*\.\s*dockfix\s*\]", line) is not None
        return 1

    def _line_in_override(self, index: int, key: str) -> int:
        """The line of a key in the override with that index, or the line of its heading."""
        setting = re.compile(
            rf"\s*(\[\s*(tool\s*\.\s*dockfix\s*\.\s*)?overrides\s*\.\s*)?[\"']?{re.escape(key)}\b"
        )
        if index >= len(self._heads):
            return self._override_line
        start, *more = self._heads[index : index + 2]
        inside = enumerate(self._rows[start : more[0] - 1 if more else None], start + 1)
        return next((number for number, line in inside if setting.match(line)), start)

    @cached_property
    def _rows(self) -> list[str]:
        return self.text.split("\n")

    @cached_property
    def _heads(self) -> list[int]:
        """The lines of the headings of overrides."""
        head = re.compile(r"\s*\[\[\s*(tool\s*\.\s*dockfix\s*\.\s*)?overrides\s*\]\]")
        return [number for number, line in enumerate(self._rows, 1) if head.match(line)]

    @cached_property
    def _override_line(self) -> int:
        return self._line_of(OVERRIDES)


def _read_value(where: str, key: str, value: object) -> Any:
    try:
        found = KEYS[key].form.read(value)
        Options(**{field_of(key): found} if key in OPTIONS else {})
    except OptionError as error:
        raise ConfigError(f"{where}: {error}") from None
    except ValueError as error:
        raise ConfigError(f"{where}: {key} {error}") from None
    check_meaning(f"{where}: {key}", key, found)
    return found


def _read_paths(where: str, value: object) -> tuple[str, ...]:
    try:
        return tuple(TEXTS.read(value))
    except ValueError as error:
        raise ConfigError(f"{where}: {PATHS} {error}") from None
