"""Heredoc words as BuildKit finds them in a joined RUN, COPY or ADD line.

Source of the rules: moby/buildkit `frontend/dockerfile/parser/parser.go` (heredocsFromLine) and
`frontend/dockerfile/shell/lex.go`.
"""

from __future__ import annotations

import re

from dockfix.syntax.tree import GO_SPACE

_HEREDOC_WORD = re.compile(r"^(\d*)<<(-?)[ \t\n\v\f\r]*([^<]*)$", re.ASCII)
_HEREDOC_START = re.compile(r"<<[ \t\n\v\f\r]*")
_SUBSTITUTION = re.compile(r"\$\{(\d+|[@*#?\-$!]|\w*)")
_MODIFIER = re.compile(r":?[+\-?]|[#%]|//?")


def shell_words(line: str) -> list[tuple[int, int, str]]:
    """Words as BuildKit's heredoc scan sees them, with quotes and escapes; none if the scan fails."""
    try:
        return _split(line)
    except RecursionError:
        return []


def _split(line: str) -> list[tuple[int, int, str]]:
    words: list[tuple[int, int, str]] = []
    at, start, end = 0, -1, len(line)
    while at < end:
        char = line[at]
        if char in GO_SPACE:
            if start >= 0:
                words.append((start, at, line[start:at]))
                start = -1
            at += 1
            continue
        if start < 0:
            start = at
        step = _word_part(line, at)
        if step is None:
            return []
        at = step
    if start >= 0:
        words.append((start, end, line[start:]))
    return words


def _word_part(line: str, at: int) -> int | None:
    """The offset after the quoted, escaped, substituted or plain piece at `at`; None if it never ends."""
    char = line[at]
    if char == "\\":
        return min(at + 2, len(line))
    if char == "'":
        close = line.find("'", at + 1)
        return close + 1 if close >= 0 else None
    if char == '"':
        return _double_quoted(line, at)
    if char == "$" and line.startswith("${", at):
        return _braced(line, at)
    if char == "<" and line.startswith("<<", at):
        # `<< EOF` and `<<- EOF` are one word: lex.go, processPossibleHeredoc.
        match = _HEREDOC_START.match(line, at)
        assert match is not None
        return match.end()
    return at + 1


def _double_quoted(line: str, at: int) -> int | None:
    at += 1
    while at < len(line):
        char = line[at]
        if char == '"':
            return at + 1
        if char == "\\" and at + 1 < len(line) and line[at + 1] in '"$\\':
            at += 2
        elif line.startswith("${", at):
            after = _braced(line, at)
            if after is None:
                return None
            at = after
        else:
            at += 1
    return None


def _braced(line: str, at: int) -> int | None:
    """The offset after `${...}`; None if BuildKit rejects the substitution."""
    match = _SUBSTITUTION.match(line, at)
    if match is None or line[at + 2 : at + 3] in ("", "{", "}", ":"):
        return None
    at = match.end()
    if line[at : at + 1] == "}":
        return at + 1
    modifier = _MODIFIER.match(line, at)
    if modifier is None:
        return None
    at = modifier.end()
    while at < len(line):
        if line[at] == "}":
            return at + 1
        step = _word_part(line, at)
        if step is None:
            return None
        at = step
    return None


def parse_heredoc_word(word: str) -> tuple[str, bool, bool] | None:
    """(terminator, expands variables, drops leading tabs) of `<<EOF`; None for any other word."""
    match = _HEREDOC_WORD.match(word)
    if match is None or not match[3]:
        return None
    rest = match[3]
    parts = shell_words(rest)
    if len(parts) != 1:
        return None
    name = _dequoted(rest)
    if not name:
        return None
    return name, not re.search(r"['\"]", rest), match[2] == "-"


def _dequoted(word: str) -> str:
    out: list[str] = []
    at, quote = 0, ""
    while at < len(word):
        char = word[at]
        if quote:
            if char == quote:
                quote = ""
            elif char == "\\" and quote == '"' and word[at + 1 : at + 2] in ('"', "$", "\\"):
                at += 1
                out.append(word[at])
            else:
                out.append(char)
        elif char in "'\"":
            quote = char
        elif char == "\\":
            at += 1
            out.append(word[at : at + 1])
        else:
            out.append(char)
        at += 1
    return "".join(out)
