"""Facts about base images, commands and processes, in TOML tables that are read on first use."""

from __future__ import annotations

import sys
import tomllib
from contextlib import suppress
from functools import cache
from pathlib import Path
from pkgutil import get_data
from typing import Any

from dockfix.knowledge.kept import load


@cache
def read_table(name: str) -> dict[str, Any]:
    """The content of `<name>.toml` next to this module, cached."""
    return read_toml(__name__, name)


@cache
def read_names(name: str, *keys: str) -> frozenset[str]:
    """The names in a list of `<name>.toml`, given by its keys."""
    found: Any = read_table(name)
    for key in keys:
        found = found[key]
    return frozenset(found)


def read_toml(package: str, name: str) -> dict[str, Any]:
    """The content of `<name>.toml` in one of our packages."""
    with suppress(OSError):
        return load(Path(str(sys.modules[package].__file__)).with_name(f"{name}.toml"))
    data = get_data(package, f"{name}.toml")
    assert data is not None  # every loader that can load this package can
    return tomllib.loads(data.decode("utf-8"))
