"""The report in SARIF 2.1.0 as code scanning accepts it, with each rewrite as a fix."""

from __future__ import annotations

import json
import os
from typing import IO, Any, Final
from urllib.parse import quote

from dockfix import __version__
from dockfix.checks import codes
from dockfix.checks.explanations import PAGES, page_of, read_explanation
from dockfix.diff import LineEdit, split_lines
from dockfix.output.reports.outcome import Statement, Weight, sentence, statements
from dockfix.results import Changed, Code, Kind
from dockfix.runner.outcome import FileResult

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
HOME: Final = PAGES.partition("/blob/")[0]
AROUND: Final = 2
"""So many lines before and behind a result's are shown with it."""
_LEVELS: Final = {Weight.NOTE: "note", Weight.WARNING: "warning", Weight.ERROR: "error"}
_DEFAULTS: Final = {Kind.CHANGE: "warning", Kind.FAILURE: "error"}
_SECURITY: Final = {"security-severity": "5.5"}
"""Medium, as code scanning counts (4.0 to 6.9): root in a container is one defence less, not a way in."""
_WEAKNESS: Final = ("security", "external/cwe/cwe-250")
"""CWE-250, Execution with Unnecessary Privileges; the tag is in the form that code scanning reads."""


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
        lines = split_lines(file.before.decode("utf-8", "replace"))
        for number, statement in enumerate(statements(file)):
            result = self._result(file, statement, lines)
            if number == 0 and isinstance(file.result, Changed):
                result["fixes"] = [_fix(file, lines)]
            self._stream.write("\n" if self._first else ",\n")
            self._first = False
            self._stream.write(json.dumps(result))

    def close(self) -> None:
        """Write the rules that the results refer to."""
        driver = {
            "name": "dockfix",
            "version": __version__,
            "semanticVersion": __version__,
            "informationUri": HOME,
            "rules": [_rule(codes.named(name)) for name in self._rules],
        }
        self._stream.write(f'\n], "tool": {json.dumps({"driver": driver})}}}]}}\n')
        self._stream.close()

    def _result(self, file: FileResult, statement: Statement, lines: list[str]) -> dict[str, Any]:
        finding = statement.finding
        place = {"artifactLocation": _artifact(file), **_regions(lines, max(finding.line, 1))}
        return {
            "ruleId": finding.code,
            "ruleIndex": self._rules.setdefault(finding.code, len(self._rules)),
            "level": _LEVELS[statement.weight],
            "message": {"text": sentence(finding)},
            "locations": [{"physicalLocation": place}],
            "partialFingerprints": {"primaryLocationLineHash": statement.mark},
        }


def _rule(code: Code) -> dict[str, Any]:
    """The help that viewers of a report show for a code."""
    explanation = read_explanation(code)
    sections = [f"## {title}\n\n{text}" for title, text in explanation.sections()]
    plain = [f"{title}: {text}" for title, text in explanation.sections()]
    weak = code is codes.RUNS_AS_ROOT
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
        "defaultConfiguration": {"level": _DEFAULTS.get(code.kinds[0], "note")},
        "properties": {
            "precision": "high",
            "tags": ["docker", *code.kinds, *(_WEAKNESS if weak else ())],
            **(_SECURITY if weak else {}),
        },
    }


def _artifact(file: FileResult) -> dict[str, str]:
    return {"uri": quote(os.fsencode(file.name)), "uriBaseId": "%SRCROOT%"}


def _regions(lines: list[str], line: int) -> dict[str, Any]:
    """A line, and the line with its context; without their texts if the file has no such line."""
    if line > len(lines):
        return {"region": {"startLine": line}}
    first, last = max(1, line - AROUND), min(len(lines), line + AROUND)
    return {
        "region": {"startLine": line, "snippet": {"text": lines[line - 1]}},
        "contextRegion": {
            "startLine": first,
            "endLine": last,
            "snippet": {"text": "".join(lines[first - 1 : last])},
        },
    }


def _fix(file: FileResult, lines: list[str]) -> dict[str, Any]:
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
