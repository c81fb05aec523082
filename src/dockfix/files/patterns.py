"""Patterns in the manner of .gitignore, and folders that nobody maintains here."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

GIT: Final = ".git"
NEVER: Final = frozenset({GIT, ".hg", ".svn", ".bzr"})
VENDORED: Final = frozenset(
    {
        ".nox",
        ".tox",
        ".venv",
        "__pycache__",
        "bower_components",
        "node_modules",
        "site-packages",
        "third-party",
        "third_party",
        "vendor",
        "venv",
        "virtualenv",
    }
)
IGNORE_FILES: Final = (".gitignore", ".ignore")


def parse_patterns(lines: Iterable[str]) -> GitIgnoreSpec:
    """The patterns of some lines; one that means nothing is passed over."""
    from pathspec import GitIgnoreSpec

    good = []
    for line in lines:
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError:
            continue
        good.append(line)
    return GitIgnoreSpec.from_lines(good)


@dataclass(frozen=True)
class Patterns:
    """Patterns of a command line or configuration, relative to `folder` (absolute and real)."""

    folder: str
    lines: tuple[str, ...] = ()

    def match(self, path: str) -> bool:
        """Whether the absolute `path` of a file is meant."""
        if not self.lines:
            return False
        relative = os.path.relpath(path, self.folder).replace(os.sep, "/")
        return not relative.startswith("../") and self._spec.match_file(relative)

    @cached_property
    def _spec(self) -> GitIgnoreSpec:
        return parse_patterns(self.lines)


Glance = tuple[tuple[str, ...], bool]
"""Which images a manifest names, and whether it builds some."""


@dataclass(frozen=True)
class Selection:
    """Which files of a folder to take beside, and less, what their names and git say.

    With `embedded` also those of other kinds that hold Dockerfiles. The search leaves in
    `repositories`, where it is a list, (folder, its manifests that tell of users, by name).
    """

    include: tuple[Patterns, ...] = ()
    exclude: tuple[Patterns, ...] = ()
    everything: bool = False
    embedded: bool = False
    repositories: list[tuple[str, dict[str, Glance]]] | None = None

    def includes(self, path: str) -> bool:
        """Whether the absolute `path` was asked for."""
        return any(patterns.match(path) for patterns in self.include)

    def excludes(self, path: str) -> bool:
        """Whether the absolute `path` was refused."""
        return any(patterns.match(path) for patterns in self.exclude)

    @property
    def has_include(self) -> bool:
        """Whether any file can be asked for by a pattern."""
        return any(patterns.lines for patterns in self.include)


def is_vendored(parts: Sequence[str]) -> bool:
    """Whether a file below these folders was copied there from elsewhere."""
    return not VENDORED.isdisjoint(parts)
