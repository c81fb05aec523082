"""Track which transform wrote which part of a rewrite, so that each change can be shown or left out alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from dockfix.edits import Edit

ORIGINAL: Final = -1
"""The number of the original text; other numbers are those of changes."""


class Pass(NamedTuple):
    """The edits of one transform in one round, to the text of the round before."""

    transform: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the text: the change that added it, and the one that removed it (`gone`; ORIGINAL: none)."""

    text: str
    by: int = ORIGINAL
    gone: int = ORIGINAL


@dataclass(frozen=True, slots=True)
class Change:
    """The edits of one transform at one place.

    `start` is its offset in the original. It lies within the text of the changes that it `needs`, and is
    void without them.
    """

    number: int
    transform: str
    start: int
    needs: frozenset[int] = frozenset()


@dataclass(slots=True)
class Provenance:
    """A text as pieces, and the changes that turned the original into it."""

    pieces: list[Piece]
    changes: list[Change] = field(default_factory=list)

    def text(self, kept: Collection[int] | None = None) -> str:
        """The text with some of the changes, by default all.

        A change without those it needs has no effect.
        """
        chosen = self.closed(range(len(self.changes)) if kept is None else kept)
        return "".join(
            one.text
            for one in self.pieces
            if (one.by == ORIGINAL or one.by in chosen) and one.gone not in chosen
        )

    def closed(self, kept: Collection[int]) -> frozenset[int]:
        """The given changes whose needs are met."""
        found: set[int] = set()
        for change in self.changes:  # a change needs only earlier ones
            if change.number in kept and change.needs <= found:
                found.add(change.number)
        return frozenset(found)

    def original_offset(self, offset: int, kept: Collection[int] | None = None) -> int:
        """The offset in the original that corresponds to an offset of the text with some of the changes."""
        chosen = self.closed(range(len(self.changes)) if kept is None else kept)
        here = there = 0
        for one in self.pieces:
            shown = (one.by == ORIGINAL or one.by in chosen) and one.gone not in chosen
            if shown and offset < here + len(one.text):
                return there + (offset - here if one.by == ORIGINAL else 0)
            here += len(one.text) if shown else 0
            there += len(one.text) if one.by == ORIGINAL else 0
        return there

    def within(self, number: int) -> frozenset[int]:
        """A change and those that need it, directly or not."""
        found = {number}
        for change in self.changes:
            if change.needs & found:
                found.add(change.number)
        return frozenset(found)


def trace_changes(
    source: str, rounds: Iterable[Sequence[Pass]], places: Sequence[tuple[int, int]]
) -> Provenance:
    """The changes that rounds of passes make to a source.

    `places` are the (start, end) of the source's instructions: edits of one transform within one of them
    form one change.
    """
    found = Provenance([Piece(source)] if source else [])
    for passes in rounds:
        edits = [(edit, one.transform) for one in passes for edit in one.edits]
        edits.sort(key=lambda pair: (pair[0].start, pair[0].end))
        numbers: dict[tuple[str, int], int] = {}
        # Going backwards keeps the offsets of the remaining edits valid.
        for edit, transform in reversed(edits):
            _apply(found, edit, transform, places, numbers)
    return _in_order(found)


def _apply(
    found: Provenance,
    edit: Edit,
    transform: str,
    places: Sequence[tuple[int, int]],
    numbers: dict[tuple[str, int], int],
) -> None:
    first = _split(found, edit.start)
    last = _split(found, edit.end)
    start = _original_offset(found.pieces, first)
    inside = next((at for at, (begin, end) in enumerate(places) if begin < start < end), None)
    number = numbers.get((transform, inside)) if inside is not None else None
    if number is None:
        number = len(found.changes)
        found.changes.append(Change(number, transform, start, _surrounding(found.pieces, first, last)))
        if inside is not None:
            numbers[transform, inside] = number
    for at in range(first, last):
        if found.pieces[at].gone == ORIGINAL:
            found.pieces[at] = replace(found.pieces[at], gone=number)
    if edit.text:
        found.pieces.insert(last, Piece(edit.text, number))


def _split(found: Provenance, offset: int) -> int:
    """The index of the piece that starts at an offset of the current text; splits a piece if necessary."""
    at = 0
    for index, piece in enumerate(found.pieces):
        if piece.gone != ORIGINAL:
            continue
        if at == offset:
            return index
        if at < offset < at + len(piece.text):
            cut = offset - at
            found.pieces[index : index + 1] = [
                replace(piece, text=piece.text[:cut]),
                replace(piece, text=piece.text[cut:]),
            ]
            return index + 1
        at += len(piece.text)
    return len(found.pieces)


def _original_offset(pieces: Sequence[Piece], index: int) -> int:
    """The offset in the original of the piece at an index."""
    return sum(len(one.text) for one in pieces[:index] if one.by == ORIGINAL)


def _surrounding(pieces: Sequence[Piece], first: int, last: int) -> frozenset[int]:
    """The changes whose text surrounds an edit, or is removed by it."""
    taken = {one.by for one in pieces[first:last] if one.gone == ORIGINAL}
    before = next((one.by for one in reversed(pieces[:first]) if one.gone == ORIGINAL), ORIGINAL)
    after = next((one.by for one in pieces[last:] if one.gone == ORIGINAL), ORIGINAL)
    around = {before} & {after}
    return frozenset(taken | around) - {ORIGINAL}


def _in_order(found: Provenance) -> Provenance:
    """The same with changes numbered by position, each after those it needs."""
    order = list(_ordered(found))
    numbers = {old: new for new, old in enumerate(order)} | {ORIGINAL: ORIGINAL}
    changes = [
        replace(
            found.changes[old], number=new, needs=frozenset(numbers[one] for one in found.changes[old].needs)
        )
        for new, old in enumerate(order)
    ]
    pieces = [replace(one, by=numbers[one.by], gone=numbers[one.gone]) for one in found.pieces]
    return Provenance(pieces, changes)


def _ordered(found: Provenance) -> Iterator[int]:
    """The numbers of changes by position; one within another's text follows it."""
    first: dict[int, int] = {}
    for at, piece in enumerate(found.pieces):
        for number in (piece.by, piece.gone):
            first.setdefault(number, at)
    waiting = sorted(found.changes, key=lambda one: first[one.number])
    done: set[int] = set()
    while waiting:
        ready = next(one for one in waiting if one.needs <= done)
        waiting.remove(ready)
        done.add(ready.number)
        yield ready.number
