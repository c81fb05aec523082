"""The project's configuration: `[tool.dockfix]` in pyproject.toml, or dockfix.toml, nearest file upwards."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from dockfix.files.reading import read_bytes
from dockfix.options import OptionError, Options
from dockfix.options.declarations import Declaration, declared
from dockfix.options.request import Files

MAX_BYTES: Final = 1024 * 1024


class ConfigError(Exception):
    """A configuration or an option that cannot be used: one line saying where, and how to fix it."""


class RunError(Exception):
    """A run that cannot go on: one line saying why."""


@dataclass(frozen=True, slots=True)
class Config:
    """The values of one configuration file by key; `options` holds the fields of `Options`.

    `include` and `exclude` are .gitignore-style patterns relative to `folder`.
    """

    folder: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


_NONE: Final = Config()

KEYS: Final[Mapping[str, Declaration]] = {
    name: one
    for group in (Options, Files)
    for name, one in declared(group).items()
    if group is Options or one.is_key
}
"""The keys of a configuration: every option of a fix, and the options of a run marked as keys."""


@cache
def find_config(folder: str) -> Config:
    """The configuration that applies in `folder` (absolute): its own, else that of the nearest parent.

    Raises ConfigError.
    """
    if folder not in bare_folders and (own := _read_config(folder)) is not None:
        return own
    above = os.path.dirname(folder)
    if above == folder:
        return _NONE
    for match in re.finditer(re.escape(os.sep), above):  # a path may be deeper than calls can be nested
        find_config(above[: match.start()] or os.sep)
    return find_config(above)


def _read_config(folder: str) -> Config | None:
    """The configuration in the folder itself, if it has one. Raises ConfigError."""
    for name, read in _FILES:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            text = _read_text(path)
            if (table := read(path, text)) is not None:
                return _load(path, text, table)
    return None


def is_bare(folder: str) -> bool:
    """Whether the folder itself holds no file that could be a configuration."""
    return not any(os.path.isfile(os.path.join(folder, name)) for name, _ in _FILES)


def build_options(folder: str, overrides: Mapping[str, Any]) -> Options:
    """The options that apply in `folder` (absolute); the command line wins. Raises ConfigError.

    Folders with the same configuration share one value.
    """
    config = find_config(folder)
    key = id(config), id(overrides)
    known = _built.get(key)
    if known is None:
        known = _built[key] = config, overrides, Options(**{**config.options, **overrides})
    return known[2]


_built: Final[dict[tuple[int, int], tuple[Config, Mapping[str, Any], Options]]] = {}


def check_overrides(overrides: Mapping[str, Any]) -> None:
    """Raise ConfigError if a value from the command line cannot be used."""
    try:
        Options(**overrides)
    except OptionError as error:
        raise ConfigError(f"--{error}") from None
    for key, value in overrides.items():
        _check_meaning(KEYS[key].flag, key, value)


bare_folders: Final[set[str]] = set()
"""Absolute paths of folders known to be bare, which need no second look."""


def forget_configs() -> None:
    """Read every configuration anew from here on: a process that runs for long sees what has changed."""
    find_config.cache_clear()
    bare_folders.clear()
    _built.clear()


def _read_text(path: str) -> str:
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


def _own_table(path: str, text: str) -> Mapping[str, object] | None:
    return _parse(path, text)


def _tool_table(path: str, text: str) -> Mapping[str, object] | None:
    """The file's [tool.dockfix] table; None if there is none, whatever else the file holds."""
    if "dockfix" not in text:
        return None
    tool = _parse(path, text).get("tool", {})
    table = tool.get("dockfix") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise ConfigError(f"{path}: tool.dockfix is not a table: write [tool.dockfix]")
    return table


_FILES: Final = (("dockfix.toml", _own_table), ("pyproject.toml", _tool_table))


def _parse(path: str, text: str) -> Mapping[str, object]:
    import tomllib

    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply") from None
    except ValueError as error:
        line = re.search(r"at line (\d+)", str(error))
        where = f"{path}:{line[1]}" if line else path
        raise ConfigError(f"{where}: invalid TOML: {error}") from None


def _load(path: str, text: str, table: Mapping[str, object]) -> Config:
    values: dict[str, Any] = {}
    for key, value in table.items():
        where = f"{path}:{_line_of(path, text, key)}"
        if key not in KEYS:
            raise ConfigError(f"{where}: unknown key {key!r} ({suggest(key, KEYS)})")
        values[key] = _read(where, key, value)
        _check_meaning(f"{where}: {key}", key, values[key])
    options = {key: value for key, value in values.items() if key in _OPTIONS}
    return Config(os.path.dirname(path), options, values.get("include", ()), values.get("exclude", ()))


_OPTIONS: Final = declared(Options)


def _read(where: str, key: str, value: object) -> Any:
    try:
        found = KEYS[key].form.read(value)
        Options(**{key: found} if key in _OPTIONS else {})
    except OptionError as error:
        raise ConfigError(f"{where}: {error}") from None
    except ValueError as error:
        raise ConfigError(f"{where}: {key} {error}") from None
    return found


def _line_of(path: str, text: str, key: str) -> int:
    """The line that sets `key` in a configuration that parses; 1 if it is written in an unusual way."""
    lines = text.split("\n")
    inside = os.path.basename(path) == "dockfix.toml"
    quoted = rf"[\"']?{re.escape(key)}[\"']?"
    setting = re.compile(rf"\s*(tool\s*\.\s*dockfix\s*\.\s*)?{quoted}\s*[=.]")
    heading = re.compile(rf"\s*\[+\s*(tool\s*\.\s*dockfix\s*\.\s*)?{quoted}\s*[\].]")
    for number, line in enumerate(lines, 1):
        if (inside and setting.match(line)) or heading.match(line):
            return number
        if line.lstrip().startswith("["):
            inside = re.match(r"\s*\[\s*tool\s*\.\s*dockfix\s*\]", line) is not None
    return 1


def suggest(word: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    """What to write instead of an unknown word."""
    from difflib import get_close_matches

    near = get_close_matches(word, known, n=1)
    return f"did you mean {near[0]!r}?" if near else "known: " + ", ".join(known)


def _check_meaning(where: str, key: str, value: Any) -> None:
    """Raise ConfigError if a value of the right form names something that does not exist."""
    if key in _MEANINGS:
        _MEANINGS[key](where, value)


def _check_names(where: str, names: frozenset[str]) -> None:
    if not names:
        return
    from dockfix.transforms import TRANSFORMS

    known = tuple(transform.name for transform in TRANSFORMS)
    for name in sorted(names):
        if name not in known:
            raise ConfigError(f"{where}: unknown transform {name!r} ({suggest(name, known)})")


def _check_images(where: str, images: Mapping[str, Mapping[str, object]]) -> None:
    from dockfix.model.images import find_image

    try:
        find_image("any", images)
    except ValueError as error:
        raise ConfigError(f"{where}: {error} (see the head of dockfix/knowledge/bases.toml)") from None


FAMILIES: Final = (
    "debian",
    "ubuntu",
    "alpine",
    "wolfi",
    "rhel",
    "suse",
    "arch",
    "distroless",
    "scratch",
    "windows",
    "busybox",
)


def _check_family(where: str, family: str) -> None:
    if family not in FAMILIES:
        raise ConfigError(f"{where}: unknown base family {family!r} ({suggest(family, FAMILIES)})")


_MEANINGS: Final[Mapping[str, Callable[[str, Any], None]]] = {
    "select": _check_names,
    "ignore": _check_names,
    "base": _check_family,
    "images": _check_images,
}
