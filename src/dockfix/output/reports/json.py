"""The report in JSON, following the schema beside this file (report-1.schema.json)."""

from __future__ import annotations

import json
from collections import Counter
from typing import IO, Any, Final

from dockfix import __version__
from dockfix.output.reports.outcome import OUTCOMES, findings, outcome
from dockfix.results import Changed
from dockfix.runner.outcome import FileResult

SCHEMA_VERSION: Final = 1


class JsonReport:
    """One object: the version, one row per file, and the counts."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._counts: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))
        head = {"schema": SCHEMA_VERSION, "tool": {"name": "dockfix", "version": __version__}}
        stream.write(json.dumps(head)[:-1] + ', "files": [')

    def add(self, file: FileResult) -> None:
        """Write one row."""
        self._stream.write(",\n" if self._counts.total() else "\n")
        self._counts[outcome(file)] += 1
        self._stream.write(json.dumps(_row(file)))

    def close(self) -> None:
        """Write the counts."""
        self._stream.write(f'\n], "counts": {json.dumps(self._counts)}}}\n')
        self._stream.close()


def _row(file: FileResult) -> dict[str, Any]:
    row: dict[str, Any] = {
        "path": file.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"),
        "outcome": outcome(file),
        "findings": [
            {
                "kind": kind,
                "code": finding.code,
                "line": finding.line,
                "message": finding.message,
                "cure": finding.help,
            }
            for kind, finding in findings(file.on_disk)
        ],
    }
    if isinstance(file.result, Changed):
        row["line"] = file.result.line
        row["transforms"] = list(file.result.transforms)
        row["edits"] = [{"start": start, "end": end, "text": text} for start, end, text in file.edits]
    if file.proof is not None:
        row["proof"] = file.proof.as_json()
    return row
