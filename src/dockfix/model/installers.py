"""Downloaded installers of which it is known where they put their programs: rows of homes.toml.

Their texts are not there to be read; any other downloaded script may leave anything in root's home.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any, Final

from dockfix.knowledge import read_table
from dockfix.model.copies import find_copies
from dockfix.model.lineage import Lineage, Step
from dockfix.model.runs import Invocation
from dockfix.model.scripts import PYTHON
from dockfix.syntax.expansion import expand
from dockfix.syntax.wrappers import SHELLS

_ADDRESS: Final = re.compile(r"https?://[^\s'\"|;&<>()]+")
_FROM_INPUT: Final = frozenset({"-", "-s"})
"""The words after which a shell or Python reads its script from the standard input."""
_Row = tuple[str, str, str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Installer:
    """The only script that a RUN downloads, what it installs and where.

    `place` is written as in homes.toml; its variable leads out of the home with `value`. `text` is the RUN,
    with the address in place of a file that an ADD downloaded.
    """

    text: str
    variable: str
    value: str
    place: str
    programs: tuple[str, ...]

    def is_run_by(self, command: Invocation) -> bool:
        """Whether a command runs it: from its standard input, or from the file that it was saved to."""
        words = [word.text for word in command.command.args]
        name = command.command.program
        if "/" not in name and name not in SHELLS and not PYTHON.fullmatch(name):
            return False
        named = [name] if "/" in name else [word for word in words if not word.startswith("-")]
        if "/" not in name and (_FROM_INPUT.intersection(words) or not named):
            return True
        # The address of a file that an ADD downloaded may end like its path.
        return named[0] not in _ADDRESS.sub("", self.text) or _saves(self.text, named[0])

    def moved(self) -> Installer:
        """The same one, with its variable set."""
        return replace(self, place=expand(self.place, {self.variable: self.value}) or self.place)

    def leaves(self, env: Mapping[str, str], home: str) -> tuple[str, ...]:
        """The paths of the programs that it leaves, for whoever has that home."""
        place = (expand(self.place, env) or self.place).replace("~", home, 1)
        return tuple(f"{place}/{name}" for name in self.programs if place.startswith("/"))


def _saves(text: str, path: str) -> bool:
    """Whether a script writes what it downloads to a path."""
    option = r"(?:-\w*[oO]|--output|--output-document|>)[\s=]*"
    return re.search(rf"{option}[\"']?{re.escape(path)}(?![\w./-])", text) is not None


def may_install(text: str) -> bool:
    """Whether a file may contain one: a quick look."""
    return "install" in text and _ADDRESS.search(text) is not None


def find_installer(lineage: Lineage, step: Step, text: str) -> Installer | None:
    """The installer that a RUN with this text downloads, or runs after an ADD downloaded it."""
    text = with_addresses(lineage, step, text)
    row = _find_row(text) if may_install(text) else None
    return Installer(text, *row) if row is not None else None


def with_addresses(lineage: Lineage, step: Step, text: str) -> str:
    """The text of a RUN, with the address in place of each file that an ADD above it downloaded."""
    for index, address, path in _find_downloads(lineage):
        if index < step.index and path in text:
            text = re.sub(rf"(?<![\w./-]){re.escape(path)}(?![\w./-])", address.replace("\\", ""), text)
    return text


@lru_cache(maxsize=8)
def _find_downloads(lineage: Lineage) -> tuple[tuple[int, str, str], ...]:
    """(index of the step, address, path) of each file that an ADD downloads."""
    copies = (copy for copy in find_copies(lineage) if copy.is_download and len(copy.sources) == 1)
    return tuple((copy.step.index, copy.sources[0], path) for copy in copies for path in copy.landed())


@lru_cache(maxsize=1024)
def _find_row(text: str) -> _Row | None:
    """The row of the installer that a script downloads, if it downloads nothing else."""
    addresses = {*_ADDRESS.findall(text)}
    if len(addresses) != 1:
        return None
    (address,) = addresses
    return next((row for pattern, row in _table() if pattern.fullmatch(address)), None)


@cache
def _table() -> tuple[tuple[re.Pattern[str], _Row], ...]:
    rows = (row for row in read_table("homes")["move"] if "address" in row)
    return tuple((re.compile(row["address"]), _row(row)) for row in rows)


def _row(row: Mapping[str, Any]) -> _Row:
    return row["variable"], row["value"], row["installs"], tuple(row["programs"])
