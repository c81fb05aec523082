"""Command lines in scripts, Makefiles, workflows and READMEs that call a program. Nothing is executed."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

UNKNOWN: Final = "$_"
"""Placeholder for an expression or a command's output in a word."""

_CONTINUED: Final = re.compile(r"\\\r?\n")
# Expressions with spaces that form one word, or part of one.
_EXPRESSION: Final = re.compile(r"\$\{\{(?:[^{}\n]|\{(?!\{)|\}(?!\}))*\}\}")
_SUBSTITUTION: Final = re.compile(r"\$\([^()\n]*\)|`[^`\n]*`")
_ASSIGNMENT: Final = re.compile(
    r"^[ \t]*(?:export[ \t]+|readonly[ \t]+)?([A-Za-z_]\w*)[ \t]*[:?]?=[ \t]*"
    r"([\"']?)([^\s\"'$`;]+)\2[ \t]*(?:;|$)",
    re.MULTILINE,
)
_VARIABLE: Final = re.compile(r"\$(?:\((\w+)\)|\{(\w+)\}|(\w+))")
_LONGEST: Final = 4096
"""A command is read up to so many characters."""
_MOST_MOVES: Final = 500
_MOVE: Final = re.compile(
    r"(?:^|(?P<open>\()|[;&|])[ \t\v@]*(?P<name>cd|pushd|popd)\b[ \t]*"
    r"(?P<place>\"[^\"\n]*\"|'[^'\n]*'|[^\s;&|()]*)",
    re.MULTILINE,
)
_OPERATORS: Final = ";&|()<>"
_MOST_CALLS: Final = 50
"""The maximum number of calls of a program per line, because each is read to the end of the line."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a program: its line from 1, its arguments, and the folder that `cd` entered."""

    line: int
    words: list[str]
    folder: str


def read_lines(text: str, program: re.Pattern[str], *, is_one_shell: bool = True) -> Iterator[Call]:
    """Each match of a pattern for a program in a script.

    Variables that the script itself sets to a plain word are replaced; other expressions and command
    outputs become `$_`. Unless one shell runs all lines, `cd` holds for its own line.
    """
    # Replacements never change the number of lines, so that line numbers stay right.
    joined = _CONTINUED.sub("\v ", text).replace("${{ github.workspace }}", ".")
    filled = _SUBSTITUTION.sub(UNKNOWN, fill_variables(_EXPRESSION.sub(UNKNOWN, joined)))
    moves = _find_moves(filled, is_one_shell=is_one_shell) if program.search(filled) else ()
    line, counted, calls = 1, 0, Counter[int]()
    for match in program.finditer(filled):
        line += filled.count("\n", counted, match.start()) + filled.count("\v", counted, match.start())
        counted = match.start()
        end = filled.find("\n", match.end())
        end = end if end >= 0 else len(filled)
        calls[end] += 1
        if calls[end] > _MOST_CALLS:
            continue
        words = _split(filled[match.end() : min(end, match.end() + _LONGEST)].replace("\v", " "))
        if words is not None:
            yield Call(line, words, _folder_at(moves, match.start()))


@dataclass(frozen=True, slots=True)
class _Move:
    """A `cd` at an offset, and the end of its scope."""

    start: int
    end: int
    to: str


def _find_moves(text: str, *, is_one_shell: bool) -> list[_Move]:
    found = []
    for match in islice(_MOVE.finditer(text), _MOST_MOVES):
        end = text.find("\n", match.end())
        is_short = match["open"] == "(" or not is_one_shell
        to = "-" if match["name"] == "popd" else match["place"].strip("\"'")
        found.append(_Move(match.start(), end if is_short and end >= 0 else len(text), to))
    return found


def _folder_at(moves: Sequence[_Move], at: int) -> str:
    """The folder after the moves.

    A path that starts with a command's output starts at the script's folder.
    """
    folders = [""]
    for move in moves:
        if move.start >= at:
            break
        if at > move.end:
            continue
        if move.to == "-":
            folders = folders[:-1] or [""]
        elif move.to.startswith(UNKNOWN):
            folders.append(move.to.removeprefix(UNKNOWN).lstrip("/"))
        else:
            folders.append(posixpath.join(folders[-1], move.to))
    return folders[-1]


def fill_variables(text: str, values: Mapping[str, str | None] | None = None) -> str:
    """A script with variables replaced: by these values, or as far as it sets them once to a plain word."""
    values = find_assignments(text) if values is None else values

    def fill(match: re.Match[str]) -> str:
        return values.get(match[1] or match[2] or match[3]) or match[0]

    return _VARIABLE.sub(fill, text)


def find_assignments(text: str) -> dict[str, str | None]:
    """The variables that a script sets to a plain word; None for several different words."""
    values: dict[str, str | None] = {}
    for name, _, value in _ASSIGNMENT.findall(text):
        values[name] = None if values.get(name, value) != value else value
    return values


def _split(rest: str) -> list[str] | None:
    """The words of a command up to the operator that ends it; None for an unclosed quote."""
    lexer = shlex.shlex(rest, posix=True, punctuation_chars=_OPERATORS)
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    try:
        for word in lexer:
            if word and not word.strip(_OPERATORS):
                break
            words.append(word)
    except ValueError:
        return None
    return words
