"""Remember refused changes: as a comment in the file, or in the configuration."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Final

from dockfix.config import ConfigError, find_config
from dockfix.diff import compare_lines
from dockfix.files.reading import read_bytes
from dockfix.results import Changed
from dockfix.runner.outcome import FileResult
from dockfix.syntax.parser import parse
from dockfix.syntax.tree import Directive

COMMENT: Final = "# dockfix: ignore"
_MAX_BYTES: Final = 1024 * 1024


def with_comment(file: FileResult) -> FileResult:
    """The file with a comment that makes dockfix ignore it, after any parser directives."""
    text = file.before.decode("utf-8")
    tree = parse(text)
    above = [node for node in tree.nodes if isinstance(node, Directive)]
    at = sum(len(str(node)) for node in above)
    start = 1 if not above and text.startswith("\ufeff") else at
    new = f"{text[:start]}{COMMENT}{tree.eol}{text[start:]}"
    edits = tuple(compare_lines(text, new))
    return replace(file, result=Changed(new, ()), applies=True, edits=edits)


@dataclass(frozen=True, slots=True)
class Configuration:
    """The configuration that applies to a folder; `exists` tells whether its file exists."""

    path: str
    exists: bool

    @property
    def folder(self) -> str:
        """Its folder without links, to which its patterns are relative."""
        return os.path.realpath(os.path.dirname(self.path))

    @property
    def real(self) -> str:
        """The file to write. A broken link is not followed: its target may be anywhere."""
        beside = os.path.join(self.folder, os.path.basename(self.path))
        return os.path.realpath(self.path) if self.exists else beside


def find_configuration(folder: str) -> Configuration:
    """The file for the settings of a folder (absolute): the nearest existing one, or a new one."""
    config = find_config(folder)
    for name in ("dockfix.toml", "pyproject.toml") if config.folder else ():
        path = os.path.join(config.folder, name)
        if os.path.isfile(path) and (name == "dockfix.toml" or "dockfix" in _read(path)):
            return Configuration(path, exists=True)
    return Configuration(os.path.join(folder, "dockfix.toml"), exists=False)


def with_value(configuration: Configuration, key: str, value: str) -> FileResult:
    """The configuration with a value added to one of its lists; comments and order are kept.

    Raises ConfigError if the key is not a list.
    """
    import tomlkit
    from tomlkit.items import Array

    before = _read(configuration.path) if configuration.exists else ""
    document = tomlkit.parse(before)
    table = document
    if os.path.basename(configuration.path) == "pyproject.toml":
        table = document["tool"]["dockfix"]
    values = table.get(key)
    if values is None:
        values = tomlkit.array()
        table[key] = values
    if not isinstance(values, Array):
        raise ConfigError(f"{configuration.path}: {key} is not a list")
    if value not in values:
        values.append(value)
    text = tomlkit.dumps(document)
    edits = tuple(compare_lines(before, text))
    return FileResult(
        configuration.path, Changed(text, ()), before.encode("utf-8"), applies=True, edits=edits,
        real=configuration.real,
    )  # fmt: skip


def pattern_of(path: str, configuration: Configuration) -> str:
    """The pattern with which a configuration excludes the file at a path (absolute)."""
    inside = os.path.relpath(path, configuration.folder)
    return "/" + "".join(f"\\{char}" if char in "*?[]!# \\" else char for char in inside.replace(os.sep, "/"))


def _read(path: str) -> str:
    return read_bytes(os.path.realpath(path), _MAX_BYTES).decode("utf-8")
