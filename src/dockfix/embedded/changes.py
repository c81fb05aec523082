"""The differences between a text and its fixed form, as few and as small spans as possible."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import accumulate
from typing import Final

from dockfix.diff import compare_lines, split_lines

Span = tuple[int, int, str]
_MAX_COMPARED: Final = 1_000
"""Longer lines are compared by their words: by their characters, that takes the square of their length."""


def changed_spans(old: str, new: str) -> Iterator[Span]:
    """Disjoint (start, end, replacement), in order: whole lines, or the changed part of a line."""
    before = split_lines(old)
    starts = list(accumulate(map(len, before), initial=0))
    for start, end, text in compare_lines(old, new):
        if start < end and text:
            yield from _paired(before[start:end], split_lines(text), starts[start])
        else:
            yield starts[start], starts[end], text


def _paired(old: Sequence[str], new: Sequence[str], at: int) -> Iterator[Span]:
    """Match each old line with the new line derived from it; other lines were added or removed."""
    taken = 0
    for line in old:
        partner = next((j for j in range(taken, len(new)) if _grew(line, new[j])), None)
        if partner is None:
            yield at, at + len(line), "".join(new[taken:]) if line is old[-1] else ""
            taken = len(new) if line is old[-1] else taken
        else:
            if partner > taken:
                yield at, at, "".join(new[taken:partner])
            yield from _trimmed(line, new[partner], at)
            taken = partner + 1
        at += len(line)
    if taken < len(new):
        yield at, at, "".join(new[taken:])


def _grew(old: str, new: str) -> bool:
    """Whether the new line is the old one with words inserted, removed or replaced."""
    words, rest = old.split(), new.split()
    remaining = iter(rest)
    if all(word in remaining for word in words):
        return True
    if max(len(old), len(new)) > _MAX_COMPARED:
        return SequenceMatcher(None, words, rest).ratio() > 0.6
    return SequenceMatcher(None, old, new, autojunk=False).ratio() > 0.6


def _trimmed(old: str, new: str, at: int) -> Iterator[Span]:
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    if head + tail < max(len(old), len(new)):
        yield at + head, at + len(old) - tail, new[head : len(new) - tail]
