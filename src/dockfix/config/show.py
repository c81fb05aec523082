"""The settings that apply to a file, key by key, with their origin: for `--show-config`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from dockfix.config import Settings
from dockfix.config.keys import FILES, OPTIONS, field_of
from dockfix.config.reading import Config
from dockfix.terminal import show_path

_DEFAULT: Final = "default"


def show_config(paths: Sequence[str], settings: Settings) -> str:
    """The keys that apply to each path, as TOML with comments. Raises ConfigError."""
    return "\n".join("".join(f"{line}\n" for line in _show(path, settings)) for path in paths)


def _show(path: str, settings: Settings) -> Iterator[str]:
    real = os.path.realpath(path)
    file = os.path.join(real, "Dockerfile") if os.path.isdir(real) else real
    config = settings.config_in(os.path.dirname(file))
    yield f"# {show_path(path)}: {show_path(_relative(config.path)) if config.path else 'no configuration'}"
    options = settings.options_of(file, config)
    yield from _align(
        (key, getattr(options, field_of(key)), _origin(key, file, config, settings)) for key in OPTIONS
    )
    here = settings.config_in(os.path.realpath(os.curdir))
    yield "# What is searched is decided by the configuration of the current folder."
    yield from _align((key, getattr(here, field_of(key)), _place(here, here.lines.get(key))) for key in FILES)


def _origin(key: str, file: str, config: Config, settings: Settings) -> str:
    """What sets the key for a file."""
    if field_of(key) in settings.given:
        return OPTIONS[key].flag
    for override in reversed(config.overrides):
        if field_of(key) in override.options and override.match(file):
            return f"{_place(config, override.lines[key])}, an override"
    return _place(config, config.lines.get(key))


def _place(config: Config, line: int | None) -> str:
    return _DEFAULT if line is None else f"{show_path(_relative(config.path))}:{line}"


def _relative(path: str) -> str:
    """A path relative to the current folder if it is inside, otherwise unchanged."""
    relative = os.path.relpath(path)
    return path if relative.startswith(os.pardir) else relative


def _align(rows: Iterable[tuple[str, Any, str]]) -> Iterator[str]:
    """One line per key; a key without a value is a comment."""
    lines = [
        (f"{key} = {format_value(value)}" if value is not None else f"# {key}", why)
        for key, value, why in rows
    ]
    width = min(max(len(line) for line, _ in lines), 50)
    return (f"{line:<{width}}  # {why}" for line, why in lines)


def format_value(value: Any) -> str:
    """A value in TOML."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{json.dumps(key)} = {format_value(one)}" for key, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, frozenset | set):
        return format_value(sorted(value))
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(format_value, value))}]"
    return json.dumps(value, ensure_ascii=False)
