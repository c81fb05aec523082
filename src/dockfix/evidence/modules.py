"""A Python module cut into its top-level statements, so that only those that matter are parsed.

The cut is made on text whose strings and comments are blanked; the statements themselves are
parsed by libcst. Where a statement can't be parsed by itself, it is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Final

_QUIET: Final = re.compile(
    r"(?P<long>\"\"\"|''')(?:[^\\]|\\[\s\S])*?(?P=long)"
    r"|\"(?:[^\"\\\n]|\\[\s\S])*\"|'(?:[^'\\\n]|\\[\s\S])*'|\#[^\n]*"
)
_BRACKET: Final = re.compile(r"[()\[\]{}]|\n(?=[^\s#])")
_CONTINUES: Final = re.compile(r"(?:else|elif|except|finally)\b|[)\]}]")
_BINDING: Final = re.compile(
    r"^[ \t]*(?:(?:async[ \t]+)?def[ \t]+(\w+)|class[ \t]+(\w+)"
    r"|(\w+(?:[ \t]*,[ \t]*\w+)*)[ \t]*(?::[^=\n]+)?=(?!=)"
    r"|for[ \t]+([\w, \t]+?)[ \t]+in\b|with\b[^\n]*?\bas[ \t]+(\w+))",
    re.MULTILINE,
)
_IMPORT: Final = re.compile(
    r"^[ \t]*(?:from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]*(\([^)]*\)|[^\n;#]+)|import[ \t]+([^\n;#]+))",
    re.MULTILINE,
)
_AS: Final = re.compile(r"([\w.*]+)(?:\s+as\s+(\w+))?")


@lru_cache(maxsize=512)
def blank_strings(source: str) -> str:
    """The source with the insides of strings and comments blanked; same length, same lines."""
    return _QUIET.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), source)


@dataclass(frozen=True, slots=True)
class Statement:
    """One top-level statement of a module; `start` is its offset, `line` its first line (from 1)."""

    text: str
    start: int
    line: int
    names: frozenset[str]
    is_main: bool


@dataclass(eq=False)
class Module:
    """A module of the application: dotted name, place in the image, file in the build context."""

    name: str
    path: str
    file: str
    source: str
    is_package: bool = False

    def __post_init__(self) -> None:
        self.source = self.source.replace("\r\n", "\n").lstrip("\ufeff")

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The top-level statements in order."""
        return cut_statements(self.source)

    @cached_property
    def imports(self) -> Mapping[str, str]:
        """What each imported name stands for, as a dotted name."""
        return {alias: target for alias, target in self.imported if alias != "*"}

    @cached_property
    def imported(self) -> tuple[tuple[str, str], ...]:
        """(alias, dotted name) of every import, `*` as the alias of a star import."""
        return tuple(self._imported())

    def _imported(self) -> Iterator[tuple[str, str]]:
        for origin, alias, name in read_imports(self.source):
            place = self.absolute(origin)
            if origin:
                yield ("*", place) if name == "*" else (alias, f"{place}.{name}" if place else name)
            else:
                yield alias, name

    def absolute(self, name: str) -> str:
        """The dotted name behind a relative one."""
        level = len(name) - len(name.lstrip("."))
        if not level:
            return name
        package = self.name.split(".") if self.name else []
        drop = level - 1 if self.is_package else level
        kept = package[: len(package) - drop] if drop else package
        rest = name[level:]
        return ".".join([*kept, rest] if rest else kept)


@lru_cache(maxsize=512)
def cut_statements(source: str) -> tuple[Statement, ...]:
    """The top-level statements of a module's source."""
    return tuple(_statements(source, blank_strings(source)))


def _statements(source: str, quiet_source: str) -> Iterator[Statement]:
    line = 1
    for start, end in pairwise([0, *_cuts(quiet_source), len(source)]):
        text, quiet = source[start:end], quiet_source[start:end]
        if quiet.strip():
            names = {name.strip() for match in _BINDING.finditer(quiet) for name in _names(match)}
            is_main = re.match(r"if\s+__name__\b", quiet) is not None
            yield Statement(text, start, line, frozenset(names), is_main)
        line += text.count("\n")


def _cuts(quiet: str) -> Iterator[int]:
    depth = 0
    decorated = quiet.startswith("@")
    for match in _BRACKET.finditer(quiet):
        char = match[0]
        if char in "([{":
            depth += 1
        elif char in ")]}":
            depth = max(depth - 1, 0)
        elif depth == 0:
            at = match.end()
            joined = quiet[match.start() - 1 : match.start()] == "\\" or _CONTINUES.match(quiet, at)
            if not joined and not decorated:
                yield at
            decorated = quiet.startswith("@", at)


@lru_cache(maxsize=512)
def read_imports(source: str) -> tuple[tuple[str, str, str], ...]:
    """(module that it is imported from or "", alias, name) of every import."""
    return tuple(_imports(blank_strings(source)))


def _imports(quiet: str) -> Iterator[tuple[str, str, str]]:
    for match in _IMPORT.finditer(quiet):
        origin, names, plain = match.groups()
        if plain is None:
            for name, alias in _AS.findall(re.sub(r"[()\\]", " ", names)):
                yield origin, alias or name, name
            continue
        for name, alias in _AS.findall(plain):
            yield "", alias or name.partition(".")[0], name if alias else name.partition(".")[0]
            if not alias and "." in name:
                yield "", "", name


def _names(match: re.Match[str]) -> Iterator[str]:
    for group in match.groups():
        if group:
            yield from group.split(",")
