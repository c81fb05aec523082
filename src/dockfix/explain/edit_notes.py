"""What each edit of a rewrite is for: what would be denied or broken without it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import accumulate

from dockfix.checks.codes import BROKEN
from dockfix.diff import compare_lines, split_lines
from dockfix.explain.walk import EditNote
from dockfix.lazy import cached_property
from dockfix.pipeline import ImageFix, Rewrite, find_faults
from dockfix.provenance import Change, Provenance, trace_changes
from dockfix.results import Finding
from dockfix.transforms import TRANSFORMS

_PURPOSES = {transform.name: transform.summary for transform in TRANSFORMS}


@dataclass(frozen=True, eq=False)
class ChangedImage:
    """The changes of one image's rewrite."""

    fixed: ImageFix
    rewrite: Rewrite

    @cached_property
    def provenance(self) -> Provenance:
        """The rewrite as pieces."""
        return trace_changes(self.fixed.original.tree.text, self.rewrite.rounds, self._places)

    @cached_property
    def _places(self) -> list[tuple[int, int]]:
        return [(one.start, one.end) for one in self.fixed.original.tree.instructions]

    def kept_without(self, change: Change) -> frozenset[int]:
        """All changes except one and those that depend on it."""
        numbers = frozenset(one.number for one in self.provenance.changes)
        return numbers - self.provenance.within(change.number)

    def lines_of(self, change: Change) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(lines that a change alone removes, lines that it adds)."""
        others = self.kept_without(change)
        before, after = self.provenance.text(others), self.provenance.text(others | {change.number})
        rows = split_lines(before)
        edits = compare_lines(before, after)
        removed = [row for start, end, _ in edits for row in rows[start:end]]
        added = [row for _, _, text in edits for row in split_lines(text)]
        return _plain(removed), _plain(added)

    def faults(self, kept: Collection[int]) -> Iterator[Finding]:
        """What the rewrite would break if only some of the changes were made, with lines of the original."""
        text = self.provenance.text(kept)
        starts = list(accumulate(map(len, split_lines(text)), initial=0))
        source = self.fixed.original.tree.text
        for fault in find_faults(self.fixed, text):
            # A failing step is named by the original's line already.
            if not fault.line or not fault.code.startswith(BROKEN):
                yield fault
            else:
                offset = self.provenance.original_offset(starts[fault.line - 1], kept)
                yield fault.at(source.count("\n", 0, offset) + 1)

    @cached_property
    def _standing(self) -> frozenset[Finding]:
        """The faults that the whole rewrite has too: those to be reviewed."""
        return frozenset(self.faults(range(len(self.provenance.changes))))

    def note(self, change: Change, line_on_disk: Callable[[int], int]) -> EditNote:
        """A change, with lines of the file on disk."""
        removed, added = self.lines_of(change)
        found = (one for one in self.faults(self.kept_without(change)) if one not in self._standing)
        faults = (_sentence(one, line_on_disk) for one in found)
        line = self.fixed.original.tree.text.count("\n", 0, change.start) + 1
        return EditNote(
            change.transform,
            line_on_disk(line),
            removed,
            added,
            _PURPOSES[change.transform],
            tuple(dict.fromkeys(faults)),
            not any(start < change.start < end for start, end in self._places),
        )


def _sentence(fault: Finding, line_on_disk: Callable[[int], int]) -> str:
    is_placed = not fault.line or fault.message.startswith(("line ", "the start command"))
    return fault.message if is_placed else f"line {line_on_disk(fault.line)}: {fault.message}"


def _plain(rows: list[str]) -> tuple[str, ...]:
    return tuple(row.rstrip("\r\n") for row in rows)
