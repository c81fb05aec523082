"""The report in SARIF 2.1.0, with each rewrite as a fix."""

from __future__ import annotations

import json
import os
from typing import IO, Any, Final
from urllib.parse import quote

from dockfix import __version__
from dockfix.checks import codes
from dockfix.checks.explanations import page_of, read_explanation
from dockfix.diff import LineEdit, split_lines
from dockfix.output.reports.outcome import findings, sentence
from dockfix.results import Changed, Code, Kind
from dockfix.runner.outcome import FileResult

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final = {"review": "warning", "note": "note", "reason": "note", "error": "error"}
_DEFAULTS: Final = {
    Kind.CHANGE: "warning",
    Kind.REFUSAL: "note",
    Kind.REVIEW: "warning",
    Kind.NOTE: "note",
    Kind.FAILURE: "error",
    Kind.GUARANTEE: "note",
}


class SarifReport:
    """One run, with a result for each file that runs as root and for each finding."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._rules: dict[str, int] = {}
        self._first = True
        head = {"$schema": SCHEMA, "version": "2.1.0"}
        stream.write(json.dumps(head)[:-1] + ', "runs": [{"columnKind": "unicodeCodePoints", "results": [')

    def add(self, file: FileResult) -> None:
        """Write the results of one file."""
        if isinstance(file.result, Changed):
            state = "" if file.applies else " The rewrite needs review."
            message = codes.RUNS_AS_ROOT.summary + state
            self._write(file, codes.RUNS_AS_ROOT.name, "warning", 0, message, [_fix(file)])
        for kind, finding in findings(file):
            self._write(file, finding.code, _LEVELS[kind], finding.line, sentence(finding))

    def close(self) -> None:
        """Write the rules that the results refer to."""
        rules = [_rule(codes.named(name)) for name in self._rules]
        driver = {"name": "dockfix", "version": __version__, "rules": rules}
        self._stream.write(f'\n], "tool": {json.dumps({"driver": driver})}}}]}}\n')
        self._stream.close()

    def _write(
        self,
        file: FileResult,
        code: str,
        level: str,
        line: int,
        message: str,
        fixes: list[dict[str, Any]] | None = None,
    ) -> None:
        result: dict[str, Any] = {
            "ruleId": code,
            "ruleIndex": self._rules.setdefault(code, len(self._rules)),
            "level": level,
            "message": {"text": message},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": _artifact(file),
                        "region": {"startLine": max(line, 1)},
                    }
                }
            ],
        }
        if fixes:
            result["fixes"] = fixes
        self._stream.write("\n" if self._first else ",\n")
        self._first = False
        self._stream.write(json.dumps(result))


def _rule(code: Code) -> dict[str, Any]:
    """The help that viewers of a report show for a code."""
    explanation = read_explanation(code)
    sections = [f"## {title}\n\n{text}" for title, text in explanation.sections()]
    plain = [f"{title}: {text}" for title, text in explanation.sections()]
    return {
        "id": code.name,
        "name": code.name.title().replace("-", ""),
        "shortDescription": {"text": code.summary},
        "fullDescription": {"text": explanation.description},
        "help": {
            "text": "\n\n".join([explanation.description, *plain]),
            "markdown": "\n\n".join([explanation.description, *sections]),
        },
        "helpUri": page_of(code),
        "defaultConfiguration": {"level": _DEFAULTS[code.kinds[0]]},
        "properties": {"tags": ["docker", *code.kinds]},
    }


def _artifact(file: FileResult) -> dict[str, str]:
    return {"uri": quote(os.fsencode(file.name)), "uriBaseId": "%SRCROOT%"}


def _fix(file: FileResult) -> dict[str, Any]:
    lines = split_lines(file.before.decode("utf-8"))
    replacements = [
        {"deletedRegion": _region(lines, edit), "insertedContent": {"text": edit[2]}} for edit in file.edits
    ]
    change = {"artifactLocation": _artifact(file), "replacements": replacements}
    return {"description": {"text": "Run the image as a user."}, "artifactChanges": [change]}


def _region(lines: list[str], edit: LineEdit) -> dict[str, int]:
    """The lines of an edit, from the start of the first to the start of the line after the last."""
    start, end, _ = edit
    if end < len(lines) or not lines or lines[-1].endswith("\n"):
        return {"startLine": start + 1, "startColumn": 1, "endLine": end + 1, "endColumn": 1}
    last = len(lines[-1]) + 1
    if start == len(lines):
        return {"startLine": end, "startColumn": last, "endLine": end, "endColumn": last}
    return {"startLine": start + 1, "startColumn": 1, "endLine": end, "endColumn": last}
