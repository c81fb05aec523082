"""One file's outcome, in the terms that all reports share."""

from __future__ import annotations

from collections.abc import Iterator

from dockfix.results import Changed, Failed, Finding, Skipped, Unchanged
from dockfix.runner.outcome import FileResult

OUTCOMES = ("changed", "needs-review", "unchanged", "skipped", "failed")


def outcome(file: FileResult) -> str:
    """One of `OUTCOMES`; a change counts as changed if it applies."""
    match file.result:
        case Changed():
            return "changed" if file.applies else "needs-review"
        case Unchanged():
            return "unchanged"
        case Skipped():
            return "skipped"
        case Failed():
            return "failed"


def findings(file: FileResult) -> Iterator[tuple[str, Finding]]:
    """Each finding with its kind: review, note, reason or error."""
    match file.result:
        case Changed(reviews=reviews, notes=notes):
            yield from (("review", finding) for finding in reviews)
            yield from (("note", finding) for finding in notes)
        case Unchanged(notes=notes):
            yield from (("note", finding) for finding in notes)
        case Skipped(reasons=reasons):
            yield from (("reason", finding) for finding in reasons)
        case Failed(error=error):
            yield "error", error


def sentence(finding: Finding) -> str:
    """The message, followed by the help in parentheses."""
    return finding.message + (f" ({finding.help})" if finding.help else "")
