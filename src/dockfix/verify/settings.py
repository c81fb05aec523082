"""The environment of both containers, whose values must not appear in any message or report."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, Final, TypeVar

from dockfix.options.request import VerifyOptions
from dockfix.verify.engine import EngineError

HIDDEN: Final = "***"
_MOST: Final = 2**16
LEAST: Final = 4
"""The minimum length of a secret; shorter values occur in any text by chance."""

_Report = TypeVar("_Report")


@dataclass(frozen=True, slots=True)
class Settings:
    """`NAME=VALUE`, or `NAME` for this process's own value: the texts of files, and single settings."""

    files: tuple[str, ...] = ()
    env: tuple[str, ...] = ()

    @property
    def known(self) -> Mapping[str, str]:
        """The values by name, parsed as engines do."""
        lines = (line.lstrip() for text in self.files for line in text.splitlines())
        found: dict[str, str] = {}
        for one in (*(line for line in lines if line and not line.startswith("#")), *self.env):
            name, equals, value = one.partition("=")
            own = value if equals else os.environ.get(name)
            if own is not None:
                found[name] = own
        return found

    def lay_down(self, folder: str) -> tuple[str, ...]:
        """Flags for an engine's `create` and `run`; copies of the files are written to the folder.

        An engine reads the files for each run, and the originals may be pipes.
        """
        flags: list[str] = []
        for number, text in enumerate(self.files):
            place = Path(folder, f"settings-{number}")
            place.touch(0o600)
            place.write_text(text, encoding="utf-8", errors="surrogateescape")
            flags += ["--env-file", str(place)]
        return (*flags, *(word for one in self.env for word in ("--env", one)))


def read_settings(options: VerifyOptions) -> Settings:
    """The settings of both containers. Raises EngineError if they cannot be read."""
    for one in options.env:
        if not one.partition("=")[0]:
            raise EngineError(f"env: {one!r} has no name: write NAME=VALUE")
    return Settings(tuple(map(_read, options.env_files)), options.env)


def _read(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise EngineError(f"env-file: {file}: {error.strerror}") from None


def read_secrets(options: VerifyOptions) -> tuple[str, ...]:
    """The values that builds get from this environment or from files, and no report may show."""
    handed = [os.environ.get(name, "") for name, value in options.build_args.items() if value is None]
    return (*handed, *map(_read_secret, options.secrets))


def _read_secret(spec: str) -> str:
    """The value of a `--secret` as engines find it: a file, else a variable. Empty if there is none."""
    fields = dict(part.partition("=")[::2] for part in spec.split(","))
    place = fields.get("src") or fields.get("source")
    name = fields.get("env") or fields.get("id", "")
    if place is None:
        return os.environ.get(name, "")
    try:
        with open(place, encoding="utf-8", errors="surrogateescape") as file:
            return file.read(_MOST)
    except OSError:
        return ""  # the engine reports it


def conceal(report: _Report, values: Iterable[str]) -> _Report:
    """A report of dataclasses and tuples with the values hidden."""
    parts = (part.strip().strip("\"'") for value in values for part in value.splitlines())
    secrets = sorted({part for part in parts if len(part) >= LEAST}, key=len, reverse=True)
    if not secrets:
        return report
    concealed: _Report = _without(report, re.compile("|".join(map(re.escape, secrets))))
    return concealed


def _without(value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return pattern.sub(HIDDEN, value)
    if isinstance(value, tuple):
        return tuple(_without(one, pattern) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value, **{one.name: _without(getattr(value, one.name), pattern) for one in fields(value)}
        )
    return value
