"""The application's configuration files, in any format: the logs and pid files that they name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from dockfix.evidence.claims import Claim, Kind
from dockfix.evidence.image_files import Layout

_SUFFIXES: Final = (".cfg", ".conf", ".env", ".ini", ".json", ".properties", ".toml", ".xml", ".yaml", ".yml")
_PATH: Final = re.compile(r"(?<![\w./$}~-])(?:/[\w@+-][\w.@+-]*)+")
_DATABASE: Final = re.compile(r"sqlite[+a-z]{0,20}:///(/[\w./@+-]+)")
_WRITTEN: Final = (".log", ".pid")
_COMMENT: Final = ("#", ";", "//")


def is_configuration(name: str) -> bool:
    """Whether the suffix is that of a configuration file."""
    return name.endswith(_SUFFIXES)


def find_named_outputs(layout: Layout, paths: Iterable[str]) -> Iterator[Claim]:
    """The outputs named in configuration files, which are given by their paths in the image.

    Only absolute paths count: those with a telling suffix (`/var/log/app.log`, `/run/app.pid`), and those of
    SQLite.
    """
    for path in dict.fromkeys(paths):
        text = layout.read(path)
        if text is None:
            continue
        file = layout.source_of(path) or path
        for number, line in enumerate(text.splitlines(), 1):
            if not line.lstrip().startswith(_COMMENT):
                yield from _outputs_of(line, file, number)


def _outputs_of(line: str, file: str, number: int) -> Iterator[Claim]:
    found = [match[0] for match in _PATH.finditer(line) if match[0].endswith(_WRITTEN)]
    found += _DATABASE.findall(line)
    yield from (Claim(Kind.WRITE, one, file, number, True) for one in found)
