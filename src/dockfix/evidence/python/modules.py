"""Split a Python module into its top-level statements, so that only the relevant ones are parsed.

The module is split on text in which strings and comments are blanked; the statements themselves are
parsed by `ast`. A statement that cannot be parsed by itself is left out.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Final

from dockfix.knowledge import read_names

_QUIET: Final = re.compile(
    r"(?P<long>\"\"\"|''')(?:[^\\]|\\[\s\S])*?(?:(?P=long)|\Z)"
    r"|\"(?:[^\"\\\n]|\\[\s\S])*\"?|'(?:[^'\\\n]|\\[\s\S])*'?|\#[^\n]*"
)
"""Strings and comments; a string that is never closed ends with its line, or with the text."""
_BRACKET: Final = re.compile(r"[()\[\]{}]|\n(?=[^\s#])")
_CONTINUES: Final = re.compile(r"(?:else|elif|except|finally)\b|[)\]}]")
_BINDING: Final = re.compile(
    r"^[ \t]*(?:(?:async[ \t]+)?def[ \t]+(\w+)|class[ \t]+(\w+)"
    r"|(\*?\w+(?:[ \t]*[,=][ \t]*\*?\w+)*)[ \t]*(?::[^=\n]+|[+/|])?=(?!=)"
    r"|for[ \t]+(\w[\w, \t]*?)(?<=[ \t])in\b|with\b[^\n]*?\bas[ \t]+(\w+))",
    re.MULTILINE,
)
_DEFINED: Final = re.compile(r"^(?:(?:async[ \t]+)?def|class)[ \t]+(\w+)", re.MULTILINE)
_IMPORT: Final = re.compile(
    r"\n[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]*(\([^()]*\)|[^\s;#][^\n;#]*)|import[ \t]+([^\n;#]+))"
)
_INNER: Final = re.compile(r"^([ \t]+)(?:async[ \t]+)?def[ \t]+(\w+)[ \t]*\(", re.MULTILINE)
_BRACKETS: Final = re.compile(r"[()\[\]{}]")
_HEAD_END: Final = re.compile(r"[ \t]*(?:->[^\n]*?)?(:)[ \t]*(?=\n)")
_DOCUMENTED: Final = re.compile(r":[ \t]*\n\s*$|\A(?:#[^\n]*\n|\s)*$")
_ENDS: Final = re.compile(r"[ \t]*(?:\n|$)")
_LONG: Final = 30
_SHORT: Final = 8
_AS: Final = re.compile(r"([\w.*]+)(?:\s+as\s+(\w+))?")


@lru_cache(maxsize=512)
def blank_strings(source: str) -> str:
    """The source with strings and comments replaced by spaces; the length and the lines stay the same."""
    return _QUIET.sub(_blank, source)


def _blank(match: re.Match[str]) -> str:
    found = match[0]
    if "\n" not in found:
        return " " * len(found)
    return "\n".join([" " * len(line) for line in found.split("\n")])


@dataclass(frozen=True)
class Statement:
    """One top-level statement of a module; `start` is its offset, `line` its first line (from 1).

    `quiet` is its text with strings and comments blanked.
    """

    text: str
    quiet: str
    start: int
    line: int

    @cached_property
    def names(self) -> frozenset[str]:
        """The global names that it may bind other than by an import."""
        if self._defined:
            return frozenset({self._defined})
        return frozenset(
            name.strip(" \t*") for match in _BINDING.finditer(self.quiet) for name in _names(match)
        )

    @cached_property
    def imported(self) -> frozenset[str]:
        """The global names that it may import, `*` if it may be any."""
        found = _imports(self.quiet) if "import" in self.quiet and not self._defined else ()
        return frozenset(alias for _, alias, _ in found)

    @property
    def _defined(self) -> str:
        """The function or class that it defines, "" if it may bind other global names."""
        found = None if "global" in self.quiet else _DEFINED.search(self.quiet)
        return found[1] if found else ""

    @property
    def is_main(self) -> bool:
        """Whether it runs only if the module is the main program."""
        return re.match(r"if\s+__name__\b", self.quiet) is not None

    def without_idle(self, offsets: Sequence[int]) -> str:
        """The text, with unchanged line numbers, without the bodies of irrelevant inner functions.

        Kept are those that contain one of the sorted `offsets` (of the module), short ones, whose return
        value may be needed, and constructors.
        """
        if self.quiet.count("\n") < _LONG:
            return self.text
        makers = read_names("python", "names", "makers")
        parts: list[str] = []
        at = 0
        for match in _INNER.finditer(self.quiet):
            begin = _body(self.quiet, match.end())
            if match.start() < at or begin < 0:
                continue
            outside = re.compile(rf"\n(?![ \t]{{{len(match[1]) + 1}}})(?=[ \t]*[^\s#])")
            found = outside.search(self.quiet, begin)
            end = found.start() if found else len(self.quiet)
            body = self.quiet[begin:end]
            first = bisect_left(offsets, self.start + begin)
            matters = first < len(offsets) and offsets[first] < self.start + end
            is_asked = body.count("\n") < _SHORT or match[2] in makers
            if matters or is_asked:
                continue
            parts += self.text[at:begin], " ...", "\n" * body.count("\n")
            at = end
        return "".join([*parts, self.text[at:]])


def condense(text: str) -> tuple[str, tuple[int, ...]]:
    """(text without comments, docstrings and blank lines, the original index of each line).

    A long docstring would be a node, a comment a line to count.
    """
    parts: list[str] = []
    at = 0
    for match in _QUIET.finditer(text):
        found = match[0]
        if found.startswith("#"):
            parts.append(text[at : match.start()])
        elif "\n" not in found:
            continue
        elif _DOCUMENTED.search(text, max(0, match.start() - 200), match.start()) and _ENDS.match(
            text, match.end()
        ):
            parts += text[at : match.start()], "...", "\n" * found.count("\n")
        else:
            parts += text[at : match.start()], found.replace("\n", "\0")
        at = match.end()
    lines: list[str] = []
    numbers: list[int] = []
    number = 0
    for line in "".join([*parts, text[at:]]).split("\n"):
        height = line.count("\0") + 1
        if line.strip():
            lines.append(line.replace("\0", "\n"))
            numbers += range(number, number + height)
        number += height
    return "\n".join(lines) + "\n", tuple(numbers)


def _body(quiet: str, at: int) -> int:
    """The end of a function's head, whose parameters start at `at`; -1 if its body is on the same line."""
    depth = 1
    for match in _BRACKETS.finditer(quiet, at):
        depth += 1 if match[0] in "([{" else -1
        if depth == 0:
            found = _HEAD_END.match(quiet, match.end())
            return found.end(1) if found else -1
    return -1


@dataclass(eq=False)
class Module:
    """A module of the application: its dotted name, path in the image and file in the build context."""

    name: str
    path: str
    file: str
    source: str
    is_package: bool = False

    def __post_init__(self) -> None:
        self.source = self.source.replace("\r\n", "\n").lstrip("\ufeff")

    @property
    def package(self) -> str:
        """The dotted name of its package: its own, or the one around it."""
        return self.name if self.is_package else self.name.rpartition(".")[0]

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The top-level statements in order."""
        return cut_statements(self.source)

    def statements_at(self, offsets: Iterable[int]) -> Iterator[Statement]:
        """The statements that contain one of the sorted offsets."""
        behind = 0
        for offset in offsets if self.statements else ():
            if offset >= behind:
                index = bisect_right(self.statements, offset, key=lambda one: one.start) - 1
                statement = self.statements[max(index, 0)]
                behind = statement.start + len(statement.text)
                if offset < behind:
                    yield statement

    @cached_property
    def has_options(self) -> bool:
        """Whether it may define options of a command line."""
        return any(word in self.source for word in ("add_argument", "option(", "set_defaults"))

    @cached_property
    def bound(self) -> frozenset[str]:
        """The global names that its statements may bind other than by an import."""
        return frozenset().union(*(one.names for one in self.statements))

    @cached_property
    def imports(self) -> Mapping[str, str]:
        """The dotted name that each imported name refers to."""
        return {alias: target for alias, target in self.imported if alias != "*"}

    @cached_property
    def imported(self) -> tuple[tuple[str, str], ...]:
        """(alias, dotted name) of every import; the alias of a star import is `*`."""
        return tuple(self._imported())

    def _imported(self) -> Iterator[tuple[str, str]]:
        for origin, alias, name in read_imports(self.source):
            place = self.absolute(origin)
            if origin:
                yield ("*", place) if name == "*" else (alias, f"{place}.{name}" if place else name)
            else:
                yield alias, name

    def absolute(self, name: str) -> str:
        """The absolute form of a relative dotted name."""
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
            yield Statement(text, quiet, start, line)
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
    """(module imported from or "", alias, name) of every import."""
    return tuple(_imports(blank_strings(source)))


def _imports(quiet: str) -> Iterator[tuple[str, str, str]]:
    for match in _IMPORT.finditer("\n" + quiet):
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
            yield from re.split("[,=]", group)
