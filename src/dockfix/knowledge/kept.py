"""TOML tables kept as JSON beside Python's bytecode: reading TOML takes thirty times as long."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any


def load(source: Path) -> dict[str, Any]:
    """The table in a TOML file, from what is kept of it where that is of the same time and size.

    Raises OSError where there is no such file, as in an archive of modules.
    """
    status = source.stat()
    stamp = [status.st_mtime_ns, status.st_size]
    kept = Path(cache_from_source(str(source))).with_suffix(".json")
    found = _read(kept)
    if found is not None and found.get("stamp") == stamp:
        table: dict[str, Any] = found["table"]
        return table
    table = tomllib.loads(source.read_text(encoding="utf-8"))
    if not sys.dont_write_bytecode:
        with suppress(OSError):
            _write(kept, {"stamp": stamp, "table": table})
    return table


def _read(kept: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(kept.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _write(kept: Path, content: dict[str, Any]) -> None:
    """Write it whole or not at all: other processes may read it meanwhile."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    new = kept.with_suffix(f".{os.getpid()}")
    new.write_text(json.dumps(content), encoding="utf-8")
    new.replace(kept)
