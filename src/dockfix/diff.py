"""Unified diffs that `git apply` and `patch -p1` accept."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Final, Literal

NO_NEWLINE: Final = "\\ No newline at end of file\n"
_ESCAPES: Final = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 34: '"', 92: "\\"}
_Opcode = tuple[Literal["replace", "delete", "insert", "equal"], int, int, int, int]


def unified_diff(before: str, after: str, name: str) -> str:
    r"""The patch from `before` to `after`, empty where they are equal.

    `name` is the file's path with slashes, relative to where the patch will be applied. Lines end
    at "\n" only, so form feeds, U+2028 and carriage returns stay inside their lines.
    """
    if before == after:
        return ""
    old, new = split_lines(before), split_lines(after)
    hunks = _Matcher(old, new).get_grouped_opcodes(3)
    body = "".join(line for hunk in hunks for line in _hunk(old, new, hunk))
    return f"--- {_header('a', name)}\n+++ {_header('b', name)}\n{body}"


def split_lines(text: str) -> list[str]:
    r"""The lines of `text`, each with its "\n"; the last has none where the text does not end in one."""
    *lines, last = text.split("\n")
    ended = [line + "\n" for line in lines]
    return [*ended, last] if last else ended


class _Matcher(SequenceMatcher[str]):
    """A matcher whose costly part sees only what lies between the equal ends of both."""

    def __init__(self, old: Sequence[str], new: Sequence[str]) -> None:
        self.head = _equal_lines(old, new)
        rest = min(len(old), len(new)) - self.head
        self.tail = _equal_lines(old[len(old) - rest :][::-1], new[len(new) - rest :][::-1])
        self.ends = len(old), len(new)
        super().__init__(None, old[self.head : len(old) - self.tail], new[self.head : len(new) - self.tail])

    def get_opcodes(self) -> list[_Opcode]:
        """The opcodes of the whole, in the form of difflib."""
        head, tail, (old_end, new_end) = self.head, self.tail, self.ends
        opcodes: list[_Opcode] = [("equal", 0, head, 0, head)] if head else []
        for tag, start, end, new_start, stop in super().get_opcodes():
            opcodes.append((tag, start + head, end + head, new_start + head, stop + head))
        if tail:
            opcodes.append(("equal", old_end - tail, old_end, new_end - tail, new_end))
        return opcodes


def _equal_lines(old: Sequence[str], new: Sequence[str]) -> int:
    """How many lines both have in common at their start."""
    return next(
        (n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new))
    )


def _hunk(
    old: Sequence[str], new: Sequence[str], opcodes: Sequence[tuple[str, int, int, int, int]]
) -> Iterator[str]:
    (_, start, _, new_start, _), (_, _, end, _, new_end) = opcodes[0], opcodes[-1]
    yield f"@@ -{_range(start, end)} +{_range(new_start, new_end)} @@\n"
    for tag, i, j, new_i, new_j in opcodes:
        if tag == "equal":
            yield from _marked(" ", old[i:j])
            continue
        yield from _marked("-", old[i:j])
        yield from _marked("+", new[new_i:new_j])


def _marked(sign: str, lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        yield sign + line
        if not line.endswith("\n"):
            yield "\n" + NO_NEWLINE


def _range(start: int, end: int) -> str:
    length = end - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"


def _header(side: str, name: str) -> str:
    quoted = quote_name(f"{side}/{name}")
    return quoted + "\t" if " " in quoted and not quoted.startswith('"') else quoted


def quote_name(name: str) -> str:
    """`name` as git writes it in a patch: as it is, or in quotes with C escapes and octal bytes.

    Quotes also stand around a space at either end, which `patch` would lose.
    """
    data = os.fsencode(name)
    if name == name.strip() and all(32 <= byte < 127 and byte not in _ESCAPES for byte in data):
        return name
    return f'"{"".join(map(_escape, data))}"'


def _escape(byte: int) -> str:
    if byte in _ESCAPES:
        return "\\" + _ESCAPES[byte]
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"


def patch_name(path: str, root: str) -> str:
    """The path with slashes that a patch to be applied in `root` calls the file at `path`.

    Symbolic links are resolved, since git patches no file through a link.
    """
    relative = os.path.relpath(os.path.realpath(path), os.path.realpath(root))
    return relative.replace(os.sep, "/")


def patch_root(paths: Sequence[str]) -> str:
    """The folder to apply a patch of all `paths` in.

    The current one where it holds them all; else the repository that does; else the root folder.
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
