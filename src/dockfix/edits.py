"""Edits of a text: sorted, disjoint replacements that leave every other byte alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Replace the characters from `start` to `end` with `text` (equal: an insertion)."""

    start: int
    end: int
    text: str


def apply_edits(source: str, edits: Iterable[Edit]) -> str:
    """The source with every edit applied; insertions at the same offset keep their order.

    Raises ValueError if two edits overlap.
    """
    out: list[str] = []
    at = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if edit.start < at:
            raise ValueError(f"overlapping edits at offset {edit.start}")
        out += source[at : edit.start], edit.text
        at = edit.end
    out.append(source[at:])
    return "".join(out)
