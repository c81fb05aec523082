"""Names of options, arguments and settings that hold a place to write: `output_dir`, `--junitxml`."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from dockfix.knowledge import read_table

_SIGN: Final = re.compile(r"(?:=|['\"][ \t]*:\s*)(?=[frb]{0,2}['\"]/|[a-zA-Z_/])(?!(?:True|False|None)\b)")
"""Between a name and its value: of an argument (no spaces around it), a key, or an option in a string."""
_NAMING: Final = f"{string.ascii_letters}{string.digits}_-"
_LONGEST_NAME: Final = 80


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
    for match in _SIGN.finditer(text):
        before = text[max(0, match.start() - _LONGEST_NAME) : match.start()]
        if is_output(before[len(before.rstrip(_NAMING)) :]):
            yield match.start()


def _plain(name: str) -> str:
    return name.lstrip("-").rpartition(".")[2].lower().replace("-", "_")


@lru_cache(maxsize=1)
def _directories() -> re.Pattern[str]:
    return re.compile("|".join(read_table("python")["outputs"]["directories"]))


@lru_cache(maxsize=1)
def _files() -> re.Pattern[str]:
    return re.compile("|".join(read_table("python")["outputs"]["files"]))
