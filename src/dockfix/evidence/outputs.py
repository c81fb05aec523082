"""Names of options, arguments and settings that hold a place to write: `output_dir`, `--junitxml`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from dockfix.knowledge import read_table

_IN_CODE: Final = re.compile(
    r"(?:[\w-]dir|[_-](?:directory|folder|path|file|filename)|dirpath|outtmpl)"
    r"(?:=|['\"]: ?)(?=[frb]{0,2}['\"]/|[\w/])"
)
"""The end of the name of an argument (no spaces around its sign), a key, or an option in a string."""


@lru_cache(maxsize=4096)
def is_output(name: str) -> bool:
    """Whether what an option, argument or setting holds is written or may be."""
    return is_directory(name) or _files().fullmatch(_plain(name)) is not None


@lru_cache(maxsize=4096)
def is_directory(name: str) -> bool:
    """Whether it holds a directory."""
    return _directories().fullmatch(_plain(name)) is not None


def find_arguments(text: str) -> Iterator[int]:
    """The offsets of arguments, keys and options in Python code that may hold a place to write."""
    return (match.start() for match in _IN_CODE.finditer(text))


def _plain(name: str) -> str:
    return name.lstrip("-").rpartition(".")[2].lower().replace("-", "_")


@lru_cache(maxsize=1)
def _directories() -> re.Pattern[str]:
    return re.compile("|".join(read_table("python")["outputs"]["directories"]))


@lru_cache(maxsize=1)
def _files() -> re.Pattern[str]:
    return re.compile("|".join(read_table("python")["outputs"]["files"]))
