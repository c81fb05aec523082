"""The settings that an original and its rewrite are both run with, which nothing that is told may show."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, Final, TypeVar

from dockfix.request import VerifyOptions
from dockfix.verify.engine import EngineError

HIDDEN: Final = "***"
LEAST: Final = 4
"""Shorter values stand in any text by chance, and are no secrets."""

_Told = TypeVar("_Told")


@dataclass(frozen=True, slots=True)
class Settings:
    """`NAME=VALUE`, or `NAME` for this environment's own: the texts of files, and one by one."""

    files: tuple[str, ...] = ()
    env: tuple[str, ...] = ()

    @property
    def known(self) -> Mapping[str, str]:
        """Names and values, as engines read them."""
        lines = (line.lstrip() for text in self.files for line in text.splitlines())
        found: dict[str, str] = {}
        for one in (*(line for line in lines if line and not line.startswith("#")), *self.env):
            name, equals, value = one.partition("=")
            own = value if equals else os.environ.get(name)
            if own is not None:
                found[name] = own
        return found

    def lay_down(self, folder: str) -> tuple[str, ...]:
        """Flags of an engine's `create` and `run`; what came from files is put into the folder.

        An engine reads its files for each run, and these may have been pipes.
        """
        flags: list[str] = []
        for number, text in enumerate(self.files):
            place = Path(folder, f"settings-{number}")
            place.touch(0o600)
            place.write_text(text, encoding="utf-8", errors="surrogateescape")
            flags += ["--env-file", str(place)]
        return (*flags, *(word for one in self.env for word in ("--env", one)))


def read_settings(options: VerifyOptions) -> Settings:
    """The settings of both runs; EngineError where they cannot be read."""
    for one in options.env:
        if not one.partition("=")[0]:
            raise EngineError(f"env: {one!r} has no name: write NAME=VALUE")
    return Settings(tuple(map(_read, options.env_files)), options.env)


def _read(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise EngineError(f"env-file: {file}: {error.strerror}") from None


def conceal(told: _Told, values: Iterable[str]) -> _Told:
    """What is told, in dataclasses and tuples, without the values."""
    parts = (part.strip().strip("\"'") for value in values for part in value.splitlines())
    secrets = sorted({part for part in parts if len(part) >= LEAST}, key=len, reverse=True)
    if not secrets:
        return told
    concealed: _Told = _without(told, re.compile("|".join(map(re.escape, secrets))))
    return concealed


def _without(told: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(told, Enum):
        return told
    if isinstance(told, str):
        return pattern.sub(HIDDEN, told)
    if isinstance(told, tuple):
        return tuple(_without(one, pattern) for one in told)
    if is_dataclass(told) and not isinstance(told, type):
        return replace(told, **{one.name: _without(getattr(told, one.name), pattern) for one in fields(told)})
    return told
