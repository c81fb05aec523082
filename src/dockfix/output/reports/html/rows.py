"""The page's data about each file: a row of the table, and the details below it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypedDict

from dockfix.diff import split_lines
from dockfix.output.reports.html.lines import LineTable
from dockfix.output.reports.outcome import findings, outcome
from dockfix.results import Changed
from dockfix.runner.outcome import FileResult
from dockfix.runner.verdict import Ground, Observation, Verdict
from dockfix.terminal import show_path, show_printable

TOP: Final = "./"
"""The top folder, for files that are in no other."""
_GROUNDS: Final = {
    Ground.ANSWERS: "every port answers as it did before",
    Ground.HEALTH: "no port answers; its health check passes",
    Ground.ERRORS: "its ports answer with errors only, as before",
    Ground.ENDED: "it ends with exit code 0, as before; no port answers",
    Ground.STAYED_UP: "it stays up, as before; no port answers",
}


class Row(TypedDict):
    """A row of the table; `top` is the top-level folder, `verdict` is "" without a proof."""

    path: str
    top: str
    owner: str
    outcome: str
    codes: list[str]
    added: int
    removed: int
    verdict: str


def read_row(file: FileResult, owner: str) -> Row:
    """A file's row."""
    path = show_path(file.name)
    top, slash, _ = path.partition("/")
    return {
        "path": path,
        "top": top + slash if slash else TOP,
        "owner": show_printable(owner),
        "outcome": outcome(file),
        "codes": list(dict.fromkeys(finding.code for _, finding in findings(file.result))),
        "added": sum(len(split_lines(text)) for _, _, text in file.edits),
        "removed": sum(end - start for start, end, _ in file.edits),
        "verdict": "" if file.proof is None else str(file.proof.kind),
    }


def read_details(file: FileResult, lines: LineTable) -> Mapping[str, Any] | None:
    """The details below the row: findings, the text with its edits, the proof; None if there are none."""
    found = [
        [kind, finding.code, finding.line, show_printable(finding.message), show_printable(finding.help)]
        for kind, finding in findings(file.result)
    ]
    if not (found or file.edits or file.proof):
        return None
    details: dict[str, Any] = {"findings": found}
    if isinstance(file.result, Changed):
        details["transforms"] = list(file.result.transforms)
        details["applies"] = file.applies
    if file.before and (file.edits or any(line for _, _, line, *_ in found)):
        details.update(_read_text(file, lines))
    if file.proof is not None:
        details["proof"] = _read_proof(file.proof)
    return details


def _read_text(file: FileResult, lines: LineTable) -> dict[str, Any]:
    """The lines of the original, and the edits as (first line, line after the last, new lines)."""
    text = file.before.decode("utf-8", "replace")
    numbers = lines.number(text, file.name)
    return {
        "lines": numbers[: len(split_lines(text))],
        "edits": [
            [start, end, lines.number(new, file.name)[: len(split_lines(new))]]
            for start, end, new in file.edits
        ],
    }


def _read_proof(proof: Verdict) -> dict[str, Any]:
    details = proof.details
    return {
        "sentence": proof.sentence,
        "ground": "" if details.ground is None else _GROUNDS[details.ground],
        "engine": details.engine,
        "seconds": round(details.seconds, 1),
        "differences": [[one.code, show_printable(one.message), one.breaks] for one in details.differences],
        "log": list(map(show_printable, proof.log_tail)),
        "before": None if details.before is None else _read_observation(details.before),
        "after": None if details.after is None else _read_observation(details.after),
    }


def _read_observation(seen: Observation) -> dict[str, Any]:
    """What a run of an image showed, for a person to compare."""
    answers = [f"{one.port}{one.path} {one.status or 'answers'}" for one in seen.answers]
    shown = {
        "User": seen.user or "root",
        "Home": seen.home,
        "Working directory": seen.workdir,
        "Processes run as": ", ".join(map(str, seen.uids)),
        "Ports": ", ".join(answers),
        "Written files": ", ".join(seen.wrote),
    }
    return {name: show_printable(text) for name, text in shown.items()}
