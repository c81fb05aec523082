"""Patterns as in .gitignore, and folders with vendored content."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

GIT: Final = ".git"
NEVER: Final = frozenset({GIT, ".hg", ".svn", ".bzr"})
VENDORED: Final = frozenset(
    {
        ".ipynb_checkpoints",
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
MOST_STARS: Final = 3
"""The maximum number of stars in one name, because matching takes exponential time in it."""

LONGEST: Final = 4096
"""The maximum length of a pattern: no path is longer (PATH_MAX), and compiling takes quadratic time."""

IGNORE_FILES: Final = (".gitignore", ".ignore")


def parse_patterns(lines: Iterable[str]) -> GitIgnoreSpec:
    """The patterns in lines; invalid ones, and those that would be slow to match, are skipped."""
    from pathspec import GitIgnoreSpec

    good = []
    for line in lines:
        if len(line) > LONGEST or any(part.count("*") > MOST_STARS for part in line.split("/")):
            continue
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError:
            continue
        good.append(line)
    return GitIgnoreSpec.from_lines(good)


@dataclass(frozen=True)
class Patterns:
    """Patterns of a command line or configuration, relative to `folder` (absolute, without links)."""

    folder: str
    lines: tuple[str, ...] = ()

    def match(self, path: str) -> bool:
        """Whether the absolute `path` of a file matches."""
        if not self.lines:
            return False
        relative = os.path.relpath(path, self.folder).replace(os.sep, "/")
        return not relative.startswith("../") and self._spec.match_file(relative)

    @cached_property
    def _spec(self) -> GitIgnoreSpec:
        return parse_patterns(self.lines)


Glance = tuple[tuple[str, ...], bool]
"""(images that a manifest names, whether it builds images or runs those that other files name)."""


@dataclass(frozen=True)
class Selection:
    """Which files of a folder to include or exclude, in addition to names and git's rules.

    With `embedded`, files of other kinds that contain Dockerfiles are included too. If `repositories` is
    a list, the search appends (folder, its relevant manifests by name) to it. With `drops_named`,
    excluded files are left out even if the user names them. `searches` gets the digest of each stored
    search, and an empty one for each that is not stored.
    """

    include: tuple[Patterns, ...] = ()
    exclude: tuple[Patterns, ...] = ()
    everything: bool = False
    embedded: bool = False
    repositories: list[tuple[str, dict[str, Glance]]] | None = None
    drops_named: bool = False
    searches: list[bytes] = field(default_factory=list)

    def includes(self, path: str) -> bool:
        """Whether the absolute `path` is included by a pattern."""
        return any(patterns.match(path) for patterns in self.include)

    def excludes(self, path: str) -> bool:
        """Whether the absolute `path` is excluded by a pattern."""
        return any(patterns.match(path) for patterns in self.exclude)

    @property
    def has_include(self) -> bool:
        """Whether there is any include pattern."""
        return any(patterns.lines for patterns in self.include)


def is_vendored(parts: Sequence[str]) -> bool:
    """Whether one of these folders is for vendored content."""
    return not VENDORED.isdisjoint(parts)
