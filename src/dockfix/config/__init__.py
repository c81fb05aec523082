"""The configuration that applies to a file: the nearest one upwards, one given by path, or none."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from dockfix.config.errors import ConfigError, RunError
from dockfix.config.keys import KEYS, check_meaning, key_of
from dockfix.config.reading import FACTS_FILE, NONE, Config, is_bare, read_file, read_folder
from dockfix.files.git_command import find_top
from dockfix.learned import NOTHING, Learned
from dockfix.options import OptionError, Options

if TYPE_CHECKING:
    from dockfix.image_facts import ImageFacts

__all__ = [
    "Config",
    "ConfigError",
    "RunError",
    "Settings",
    "facts_folder",
    "find_config",
    "is_bare",
    "name_in",
    "open_settings",
]


_configs: Final[dict[str, Config]] = {}
"""The configurations that apply in the absolute folders that were asked for, and those above them."""


def find_config(folder: str) -> Config:
    """The configuration that applies in `folder` (absolute): its own or the nearest parent's.

    Raises ConfigError.
    """
    passed: list[str] = []
    found = _configs.get(folder)
    while found is None:
        passed.append(folder)
        above = os.path.dirname(folder)
        found = None if folder in bare_folders else read_folder(folder)
        found = found or (NONE if above == folder else _configs.get(above))
        folder = above
    _configs.update(dict.fromkeys(passed, found))
    return found


bare_folders: Final[set[str]] = set()
"""Absolute paths of folders known to be bare, which need no second look."""


def name_in(folder: str, real: str) -> str:
    """The path of a file as the facts in `folder` have it."""
    return os.path.relpath(real, folder).replace(os.sep, "/")


def facts_folder(folder: str) -> str:
    """The folder whose facts apply in `folder` (absolute): the top of the repository, or the current one."""
    return find_top(folder) or os.path.realpath(os.curdir)


@cache
def _find_facts(top: str) -> tuple[Mapping[str, ImageFacts], Mapping[str, Learned]]:
    """What a folder keeps: facts of base images as a model finds them, and what proofs have shown of files.

    Raises ConfigError.
    """
    if not os.path.lexists(os.path.join(top, FACTS_FILE)):
        return {}, {}
    from dockfix.config.facts_file import by_key, read_facts

    kept = read_facts(top)
    return by_key(kept.images), kept.files


def forget_configs() -> None:
    """Read every configuration again from now on, so that a long-running process sees changes."""
    _configs.clear()
    _find_facts.cache_clear()
    bare_folders.clear()


@dataclass(frozen=True)
class Settings:
    """The options of files: those `given` on the command line, then those of configurations.

    `only` is the configuration to use for all files instead of the nearest.
    """

    given: Mapping[str, Any] = field(default_factory=dict)
    only: Config | None = None
    _built: dict[tuple[int, tuple[int, ...], str, Learned], tuple[Config, Options]] = field(
        default_factory=dict
    )

    def config_in(self, folder: str) -> Config:
        """The configuration that applies in `folder` (absolute). Raises ConfigError."""
        return find_config(folder) if self.only is None else self.only

    def options_of(self, real: str, config: Config | None = None) -> Options:
        """The options of the file at `real` (absolute, without links). Raises ConfigError.

        Files with the same configuration and overrides share one value.
        """
        chosen = self.config_in(os.path.dirname(real)) if config is None else config
        matching = [at for at, override in enumerate(chosen.overrides) if override.match(real)]
        top = self._facts_folder(real)
        facts, files = _find_facts(top) if top else ({}, {})
        learned = files.get(name_in(top, real), NOTHING) if files else NOTHING
        key = id(chosen), tuple(matching), top, learned
        known = self._built.get(key)
        if known is None:
            values = dict(chosen.options)
            for at in matching:
                values |= chosen.overrides[at].options
            try:
                options = Options(**{**values, **self.given}, facts=facts, learned=learned)
            except OptionError as error:
                raise ConfigError(f"{chosen.path}: {error}") from None
            known = self._built[key] = chosen, options
        return known[1]

    def has_learned(self, real: str) -> bool:
        """Whether a proof has shown something of the file at `real`. Raises ConfigError."""
        top = self._facts_folder(real)
        return bool(top) and name_in(top, real) in _find_facts(top)[1]

    def _facts_folder(self, real: str) -> str:
        return "" if self.only is NONE else facts_folder(os.path.dirname(real))


def open_settings(given: Mapping[str, Any], file: str | None = None, *, isolated: bool = False) -> Settings:
    """The settings of a run; patterns in `file` are relative to the current folder. Raises ConfigError."""
    _check_given(given)
    if isolated:
        return Settings(given, NONE)
    return Settings(given, None if file is None else read_file(file, os.path.realpath(os.curdir)))


def _check_given(given: Mapping[str, Any]) -> None:
    """Raise ConfigError if a value from the command line cannot be used."""
    try:
        Options(**given)
    except OptionError as error:
        raise ConfigError(f"--{error}") from None
    for name, value in given.items():
        key = key_of(name)
        check_meaning(KEYS[key].flag, key, value)
