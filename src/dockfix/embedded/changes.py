"""The differences between a text and its fixed form, as few and as small spans as possible."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

Span = tuple[int, int, str]


def changed_spans(old: str, new: str) -> Iterator[Span]:
    """Disjoint (start, end, replacement), in order: whole lines, or the changed part of a line."""
    before, after = split_lines(old), split_lines(new)
    starts = [0]
    for line in before:
        starts.append(starts[-1] + len(line))
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        if tag == "replace":
            yield from _paired(before[i1:i2], after[j1:j2], starts[i1])
        else:
            yield starts[i1], starts[i2], "".join(after[j1:j2])


def split_lines(text: str) -> list[str]:
    """The lines with their line ends; unlike str.splitlines, only a newline ends one."""
    lines = [line + "\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


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
    rest = iter(new.split())
    if all(word in rest for word in old.split()):
        return True
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
