"""The charts above the table, as the numbers that their SVG bars need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dockfix.output.owners import NOBODY
from dockfix.output.reports.html.rows import Row
from dockfix.output.reports.outcome import OUTCOMES

WIDTH: Final = 1000
"""The units across a whole bar."""
MOST_BARS: Final = 8
"""The maximum number of bars for codes, owners or folders."""
OUTCOME_LABELS: Final = {
    "changed": "Would change",
    "fixed": "Fixed",
    "needs-review": "Needs review",
    "unchanged": "Nothing to do",
    "skipped": "Skipped",
    "failed": "Failed",
}
_MEANINGS: Final = {
    "changed": "runs as root, and as a user with the change",
    "fixed": "ran as root, and runs as a user now",
    "needs-review": "can be changed after a review",
    "unchanged": "does not run as root, or nothing applies",
    "skipped": "left alone on purpose",
    "failed": "could not be read or fixed",
}
VERDICT_LABELS: Final = {
    "proven": "Proven",
    "repaired": "Repaired",
    "builds-but-cannot-be-compared": "Cannot be compared",
    "original-does-not-build": "Original does not build",
    "rewrite-breaks": "Rewrite breaks it",
}


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar: its kind, the count that it shows, its start and its width."""

    kind: str
    count: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A labelled bar."""

    name: str
    count: int
    segments: tuple[Segment, ...]


def draw_bar(counts: Mapping[str, int], most: int = 0) -> tuple[Segment, ...]:
    """The segments of the counts that are not 0, side by side.

    `most` (0: their sum) fills the whole width.
    """
    whole = most or sum(counts.values()) or 1
    segments: list[Segment] = []
    before = 0
    for kind, count in counts.items():
        if count:
            x = round(before * WIDTH / whole, 2)
            segments.append(Segment(kind, count, x, round(count * WIDTH / whole, 2)))
            before += count
    return tuple(segments)


def draw_pictures(rows: Sequence[Row], held: Counter[str]) -> Iterator[Mapping[str, Any]]:
    """The charts for some rows: a title, the filter that a click sets, and one or several bars.

    `held` counts the files that each code holds back.
    """
    outcomes = Counter(row["outcome"] for row in rows)
    yield _whole("Outcomes", "outcome", OUTCOME_LABELS, outcomes, _MEANINGS)
    verdicts = Counter(row["verdict"] for row in rows if row["verdict"])
    if verdicts:
        yield _whole("Proofs on a container engine", "verdict", VERDICT_LABELS, verdicts, {})
    if held:
        bars = [
            Bar(name, count, draw_bar({"plain": count}, max(held.values())))
            for name, count in held.most_common(MOST_BARS)
        ]
        yield {"title": "What holds files back", "filter": "code", "bars": bars}
    if {row["owner"] for row in rows} - {NOBODY}:
        bars = _outcome_bars((row["owner"], row["outcome"]) for row in rows)
        yield {"title": "By owner", "filter": "owner", "bars": bars}
    elif len({row["top"] for row in rows}) > 1:
        bars = _outcome_bars((row["top"], row["outcome"]) for row in rows)
        yield {"title": "By folder", "filter": "path", "bars": bars}


def _whole(
    title: str, filter: str, labels: Mapping[str, str], counts: Counter[str], meanings: Mapping[str, str]
) -> Mapping[str, Any]:
    """One bar for all files, with a legend: names, labels, meanings, counts."""
    legend = [(name, label, meanings.get(name, ""), counts[name]) for name, label in labels.items()]
    whole = draw_bar({name: counts[name] for name in labels})
    return {"title": title, "filter": filter, "whole": whole, "legend": legend}


def _outcome_bars(pairs: Iterator[tuple[str, str]]) -> list[Bar]:
    """The bars of the largest groups in (group, outcome) pairs."""
    groups: dict[str, Counter[str]] = {}
    for group, outcome in pairs:
        groups.setdefault(group, Counter())[outcome] += 1
    largest = sorted(groups, key=lambda name: (-groups[name].total(), name))[:MOST_BARS]
    most = groups[largest[0]].total()
    return [
        Bar(name, groups[name].total(), draw_bar({one: groups[name][one] for one in OUTCOMES}, most))
        for name in largest
    ]
