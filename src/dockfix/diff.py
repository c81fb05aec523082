"""Unified diffs that `git apply` and `patch -p1` accept."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Final

NO_NEWLINE: Final = "\\ No newline at end of file\n"
CONTEXT_LINES: Final = 3
_ESCAPES: Final = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 34: '"', 92: "\\"}

LineEdit = tuple[int, int, str]
"""(start, end, text): replace the lines `start` to `end` (from 0; equal: insert) with whole lines."""


def unified_diff(before: str, after: str, name: str) -> str:
    r"""The patch from `before` to `after`, empty if they are equal.

    `name` is the file's path with slashes, relative to where the patch will be applied. Lines end
    at "\n" only, so form feeds, U+2028 and carriage returns stay inside their lines.
    """
    return format_patch(before, compare_lines(before, after), name)


def split_lines(text: str) -> list[str]:
    r"""The lines of `text`, each with its "\n"; the last has none if the text does not end in one."""
    *lines, last = text.split("\n")
    ended = [line + "\n" for line in lines]
    return [*ended, last] if last else ended


def compare_lines(before: str, after: str) -> list[LineEdit]:
    """The edits that turn `before` into `after`, sorted and disjoint; common heads and tails are cheap."""
    from difflib import SequenceMatcher

    old, new = split_lines(before), split_lines(after)
    head = _equal_lines(old, new)
    rest = min(len(old), len(new)) - head
    tail = _equal_lines(old[len(old) - rest :][::-1], new[len(new) - rest :][::-1])
    middle = SequenceMatcher(None, old[head : len(old) - tail], new[head : len(new) - tail])
    return [
        (head + start, head + end, "".join(new[head + new_start : head + new_end]))
        for tag, start, end, new_start, new_end in middle.get_opcodes()
        if tag != "equal"
    ]


def _equal_lines(old: Sequence[str], new: Sequence[str]) -> int:
    """The number of leading lines that both have in common."""
    shorter = min(len(old), len(new))
    return next((at for at in range(shorter) if old[at] != new[at]), shorter)


def apply_lines(before: str, edits: Sequence[LineEdit]) -> str:
    """`before` with the edits applied."""
    old = split_lines(before)
    parts: list[str] = []
    at = 0
    for start, end, text in edits:
        parts += *old[at:start], text
        at = end
    return "".join([*parts, *old[at:]])


def original_line(edits: Sequence[LineEdit], line: int) -> int:
    """The line (from 1) of the original that a line of the rewrite comes from, or precedes."""
    shift = 0
    for start, end, text in edits:
        count = len(split_lines(text))
        inside = line - 1 - (start + shift)
        if inside < 0:
            break
        if inside < count:
            return min(start + inside, max(start, end - 1)) + 1
        shift += count - (end - start)
    return line - shift


def rewritten_line(edits: Sequence[LineEdit], line: int) -> int:
    """The line (from 1) of the rewrite that corresponds to a line of the original, or its position."""
    shift = 0
    for start, end, text in edits:
        count = len(split_lines(text))
        if line - 1 < start:
            break
        if line - 1 < end:
            return start + shift + min(line - 1 - start, max(count - 1, 0)) + 1
        shift += count - (end - start)
    return line + shift


def format_patch(before: str, edits: Sequence[LineEdit], name: str, *, creates: bool = False) -> str:
    """The edits of `before` as a unified diff under `name`, empty if there are none.

    `creates`: the file does not exist yet.
    """
    if not edits:
        return ""
    old = split_lines(before)
    old_name = "/dev/null" if creates else _header("a", name)
    parts = [f"--- {old_name}\n+++ {_header('b', name)}\n"]
    shift = 0
    for hunk in _group(edits):
        first, last = max(0, hunk[0][0] - CONTEXT_LINES), min(len(old), hunk[-1][1] + CONTEXT_LINES)
        grown = sum(len(split_lines(text)) - (end - start) for start, end, text in hunk)
        parts.append(f"@@ -{_range(first, last)} +{_range(first + shift, last + shift + grown)} @@\n")
        parts += _lines(old, hunk, first, last)
        shift += grown
    return "".join(parts)


def _group(edits: Sequence[LineEdit]) -> Iterator[list[LineEdit]]:
    """The edits of each hunk; edits whose context lines would touch share one."""
    hunk = [edits[0]]
    for edit in edits[1:]:
        if edit[0] - hunk[-1][1] > 2 * CONTEXT_LINES:
            yield hunk
            hunk = []
        hunk.append(edit)
    yield hunk


def _lines(old: Sequence[str], hunk: Sequence[LineEdit], first: int, last: int) -> Iterator[str]:
    at = first
    for start, end, text in hunk:
        yield _marked(" ", old[at:start])
        yield _marked("-", old[start:end])
        yield _marked("+", split_lines(text))
        at = end
    yield _marked(" ", old[at:last])


def _marked(sign: str, lines: Sequence[str]) -> str:
    text = sign + sign.join(lines) if lines else ""
    return text if not text or text.endswith("\n") else f"{text}\n{NO_NEWLINE}"


def _range(start: int, end: int) -> str:
    length = end - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"


def _header(side: str, name: str) -> str:
    quoted = quote_name(f"{side}/{name}")
    return quoted + "\t" if " " in quoted and not quoted.startswith('"') else quoted


def quote_name(name: str) -> str:
    """`name` as git writes it in a patch: as it is, or quoted with C escapes and octal bytes.

    A name with a space at either end is quoted too, because `patch` would drop the space.
    """
    plain = name.isascii() and name.isprintable() and '"' not in name and "\\" not in name
    if plain and name == name.strip():
        return name
    return f'"{"".join(map(_escape, os.fsencode(name)))}"'


def _escape(byte: int) -> str:
    if byte in _ESCAPES:
        return "\\" + _ESCAPES[byte]
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"


def patch_name(real: str, root: str) -> str:
    """The name of the file at `real` in a patch for `root`; both are absolute and without links."""
    prefix = root if root.endswith(os.sep) else root + os.sep
    return (real[len(prefix) :] if real.startswith(prefix) else os.path.relpath(real, root)).replace(
        os.sep, "/"
    )


def patch_root(paths: Sequence[str]) -> str:
    """The folder in which to apply a patch of all `paths`.

    The current one if it contains them all, else the repository that does, else the root folder.
    """
    real = [os.path.realpath(path) for path in paths]
    here = os.path.realpath(os.curdir)
    if all(_within(path, here) for path in real):
        return here
    shared = os.path.commonpath([*real, here])
    folder = shared
    while not os.path.lexists(os.path.join(folder, ".git")):
        above = os.path.dirname(folder)
        if above == folder:
            return above
        folder = above
    return folder


def _within(path: str, folder: str) -> bool:
    return os.path.commonpath([path, folder]) == folder
