"""Command lines in scripts, Makefiles, workflows and READMEs that call a program. Nothing is executed."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator
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
_OPERATORS: Final = ";&|()<>"
_MOST_CALLS: Final = 50
"""The maximum number of calls of a program per line, because each is read to the end of the line."""


def read_lines(text: str, program: re.Pattern[str]) -> Iterator[tuple[int, list[str]]]:
    """(line from 1, following words) of each match of a pattern for a program in a script.

    Variables that the script itself sets to a plain word are replaced; other expressions and command
    outputs become `$_`.
    """
    # Replacements never change the number of lines, so that line numbers stay right.
    joined = _CONTINUED.sub("\v ", text).replace("${{ github.workspace }}", ".")
    filled = _SUBSTITUTION.sub(UNKNOWN, fill_variables(_EXPRESSION.sub(UNKNOWN, joined)))
    line, counted, calls = 1, 0, Counter[int]()
    for match in program.finditer(filled):
        line += filled.count("\n", counted, match.start()) + filled.count("\v", counted, match.start())
        counted = match.start()
        end = filled.find("\n", match.end())
        end = end if end >= 0 else len(filled)
        calls[end] += 1
        if calls[end] > _MOST_CALLS:
            continue
        words = _split(filled[match.end() : end].replace("\v", " "))
        if words is not None:
            yield line, words


def fill_variables(text: str) -> str:
    """A script with its variables replaced, as far as it sets them once to a plain word."""
    values: dict[str, str | None] = {}
    for name, _, value in _ASSIGNMENT.findall(text):
        values[name] = None if values.get(name, value) != value else value

    def fill(match: re.Match[str]) -> str:
        return values.get(match[1] or match[2] or match[3]) or match[0]

    return _VARIABLE.sub(fill, text)


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
