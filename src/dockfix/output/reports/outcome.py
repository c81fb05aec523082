"""What every report says about a file: what `--check` would say about it as it is on disk after the run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from enum import IntEnum
from hashlib import blake2b
from typing import Final, NamedTuple

from dockfix.checks import codes
from dockfix.diff import split_lines
from dockfix.results import Changed, Failed, Finding, Result, Skipped, Unchanged
from dockfix.runner.outcome import FileResult

OUTCOMES: Final = ("changed", "fixed", "needs-review", "unchanged", "skipped", "failed")
_VERSION: Final = re.compile(r"(?<=[\w/])[:@][\w.:@-]+")
_DIGEST: Final = 8


class Weight(IntEnum):
    """The severity of a file or a finding: `--check` fails for a warning and for an error."""

    NONE = 0
    NOTE = 1
    WARNING = 2
    ERROR = 3


_SKIPPED: Final = {
    codes.REWRITE_BREAKS.name: Weight.WARNING,
    codes.NOT_PROVEN.name: Weight.WARNING,
    codes.BASELINED.name: Weight.NONE,
}
_COMPANIONS: Final = frozenset({codes.STALE_FACTS.name})
"""Notes on a change of a file that is not a Dockerfile."""


class Statement(NamedTuple):
    """One problem that a report lists for a file.

    `mark` identifies it in another version of the file, even on another line: it depends on the text of
    the line, and on a count of equal ones.
    """

    weight: Weight
    finding: Finding
    mark: str


def outcome(file: FileResult) -> str:
    """One of `OUTCOMES`; a change counts as changed if it applies, and as fixed once it is written."""
    match file.result:
        case Changed():
            return "fixed" if file.written else "changed" if file.applies else "needs-review"
        case Unchanged():
            return "unchanged"
        case Skipped():
            return "skipped"
        case Failed():
            return "failed"


def weigh(file: FileResult) -> Weight:
    """The severity of the file as a whole."""
    match file.result:
        case Changed():
            return Weight.NONE if file.written else Weight.WARNING if file.applies else Weight.NOTE
        case Unchanged():
            return Weight.NONE
        case Skipped(reasons=reasons):
            return _SKIPPED.get(reasons[0].code, Weight.NOTE)
        case Failed():
            return Weight.ERROR


def findings(result: Result) -> Iterator[tuple[str, Finding]]:
    """Each finding with its kind: review, accepted (an answered review), note, reason or error."""
    match result:
        case Changed(reviews=reviews, notes=notes, accepted=accepted):
            yield from (("review", finding) for finding in reviews)
            yield from (("accepted", finding) for finding in accepted)
            yield from (("note", finding) for finding in notes)
        case Unchanged(notes=notes):
            yield from (("note", finding) for finding in notes)
        case Skipped(reasons=reasons):
            yield from (("reason", finding) for finding in reasons)
        case Failed(error=error):
            yield "error", error


def statements(file: FileResult) -> Iterator[Statement]:
    """The problems to report for a file; none for what is fixed, accepted or in order."""
    weight = weigh(file)
    if weight is Weight.NONE:
        return
    lines = split_lines(file.before.decode("utf-8", "replace"))
    seen: Counter[str] = Counter()
    found = [finding for kind, finding in findings(file.result) if kind != "accepted"]
    if isinstance(file.result, Changed) and not _accompanies(file.result):
        change = describe_change(file, file.result)
        yield Statement(weight, change, _mark(change.code, "", seen))
        weight = Weight.NOTE
    for finding in found:
        text = lines[finding.line - 1] if 0 < finding.line <= len(lines) else ""
        yield Statement(weight, finding, _mark(finding.code, text, seen))
        weight = min(weight, Weight.NOTE)


def _accompanies(change: Changed) -> bool:
    """Whether a changed file is not a Dockerfile: its notes give the reason of the change."""
    return bool(_COMPANIONS & {note.code for note in change.notes})


def describe_change(file: FileResult, change: Changed) -> Finding:
    """What is wrong with the image, at the line of the user that it runs as, and what dockfix can do."""
    code = codes.fault_of(change)
    wrong = code.summary.removesuffix(".").partition(", and dockfix")[0]
    message = f"{wrong}; a change needs review."
    if file.applies:
        message = f"{wrong}; dockfix can change that: {', '.join(change.transforms)}."
    elif change.reviews:
        names = ", ".join(dict.fromkeys(review.code for review in change.reviews))
        message = f"{wrong}; dockfix can change that after a review of {names}."
    return Finding(code, change.line, message)


def _mark(code: str, text: str, seen: Counter[str]) -> str:
    """A digest of a code and a line's text, without the version of a base, and a number among equal ones."""
    words = " ".join(text.split())
    if words[:5].upper() == "FROM ":
        words = _VERSION.sub("", words)
    digest = blake2b(f"{code}\0{words}".encode("utf-8", "surrogatepass"), digest_size=_DIGEST).hexdigest()
    seen[digest] += 1
    return f"{digest}:{seen[digest]}"


def sentence(finding: Finding) -> str:
    """The message, followed by the help in parentheses."""
    return finding.message + (f" ({finding.help})" if finding.help else "")
