"""The owners of files, by CODEOWNERS as GitHub and GitLab read it.

Without a section, the last pattern that matches a file names its owners. GitLab's sections are looked at
one by one, and a file has the owners that each of them gives it; patterns without owners take those of
their section (docs.gitlab.com, "Syntax of CODEOWNERS file", "Advanced CODEOWNERS configuration").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from heapq import merge
from typing import TYPE_CHECKING, Final

from dockfix.files.patterns import parse_patterns
from dockfix.files.reading import read_within
from dockfix.runner.outcome import FileResult

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

OWNER_FILES: Final = ("CODEOWNERS", ".github/CODEOWNERS", ".gitlab/CODEOWNERS", "docs/CODEOWNERS")
NOBODY: Final = "unowned"
MAX_BYTES: Final = 3 * 1024 * 1024
"""GitHub ignores a larger CODEOWNERS file (docs.github.com, "About code owners")."""
_MOST_WILD: Final = 5_000
_PLAIN: Final = re.compile(r"[\w.@+-]+")
"""A part of a pattern that matches only itself."""
_HEADING: Final = re.compile(r"(\^?)\[([^\]]+)\](?:\[\d+\])?(?:\s+(.*))?")


@dataclass
class _Rules:
    """Patterns and their owners in order, found by the plain parts of paths.

    A pattern is compiled when a file has one of its parts that match only themselves. Patterns without such
    a part are tried for every file: no more than `_MOST_WILD` of them are read.
    """

    rows: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    _by_part: dict[str, list[int]] = field(default_factory=dict)
    _wild: list[int] = field(default_factory=list)
    _compiled: dict[str, GitIgnoreSpec] = field(default_factory=dict)

    def add(self, pattern: str, owners: tuple[str, ...]) -> None:
        """Add a rule behind the others."""
        plain = [part for part in pattern.split("/") if _PLAIN.fullmatch(part)]
        at = self._by_part.setdefault(plain[-1], []) if plain else self._wild
        if plain or len(at) < _MOST_WILD:
            at.append(len(self.rows))
            self.rows.append((pattern, owners))

    def find(self, name: str) -> tuple[str, ...] | None:
        """The owners of the last pattern that matches a file, None if none does."""
        near = [self._by_part.get(part, ()) for part in dict.fromkeys(name.split("/"))]
        for index in merge(*map(reversed, (*near, self._wild)), reverse=True):
            pattern, owners = self.rows[index]
            if self._matches(pattern, name):
                return owners
        return None

    def _matches(self, pattern: str, name: str) -> bool:
        spec = self._compiled.get(pattern)
        if spec is None:
            if len(self._compiled) >= 2 * _MOST_WILD:
                return False
            spec = self._compiled[pattern] = parse_patterns([pattern])
        return spec.match_file(name)


@dataclass
class _Section:
    """Rules of which the last one that matches counts; an `exempt` rule takes files out of the section."""

    optional: bool = False
    defaults: tuple[str, ...] = ()
    rules: _Rules = field(default_factory=_Rules)
    exempt: _Rules = field(default_factory=_Rules)

    def owners(self, name: str) -> tuple[str, ...]:
        return () if self.exempt.find(name) is not None else self.rules.find(name) or ()


class Owners:
    """The owners of files according to the CODEOWNERS of the folder `root`."""

    def __init__(self, root: str) -> None:
        self._sections = tuple(_read_sections(_read_lines(root)))

    def of(self, file: FileResult) -> str:
        """The owners as one string, or `NOBODY`; optional sections count if no other has any."""
        for optional in (False, True):
            found = (one.owners(file.name) for one in self._sections if one.optional is optional)
            if names := dict.fromkeys(name for owners in found for name in owners):
                return " ".join(names)
        return NOBODY


def _read_sections(lines: list[str]) -> Iterator[_Section]:
    """The sections, the unnamed one first; those of the same name, whatever its case, are one."""
    sections = {"": _Section()}
    current = sections[""]
    defaults: tuple[str, ...] = ()
    for line in lines:
        text = line.split(" #")[0].strip()
        if not text or text.startswith("#"):
            continue
        heading = _HEADING.fullmatch(text) if text[0] in "[^" else None
        if heading is not None and not _is_pattern(text):
            current = sections.setdefault(heading[2].strip().lower(), _Section(optional=bool(heading[1])))
            defaults = tuple((heading[3] or "").split())
        else:
            _add_rule(current, text, defaults)
    yield from sections.values()


def _is_pattern(text: str) -> bool:
    """Whether a line that begins with a bracket is a pattern over a set of characters, as in [a-c]/."""
    return re.match(r"\^?\[[^\]]+\](?=[^\s\[])", text) is not None


def _add_rule(section: _Section, text: str, defaults: tuple[str, ...]) -> None:
    words = re.split(r"(?<!\\)\s+", text) if "\\" in text else text.split()
    if words[0].startswith("!"):
        section.exempt.add(words[0][1:], ())
    else:
        section.rules.add(words[0], tuple(words[1:]) or defaults)


def _read_lines(root: str) -> list[str]:
    for name in OWNER_FILES:
        with suppress(OSError):
            return read_within(root, name, MAX_BYTES)[:MAX_BYTES].decode("utf-8", "replace").splitlines()
    return []
