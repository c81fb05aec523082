"""The report in the format of GitLab's Code Quality (docs.gitlab.com, "Code Quality", report format)."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import IO, Any, Final

from dockfix.output.reports.outcome import Statement, Weight, sentence, statements
from dockfix.runner.outcome import FileResult
from dockfix.terminal import show_text

_SEVERITIES: Final = {Weight.NOTE: "info", Weight.WARNING: "major", Weight.ERROR: "critical"}


class GitlabReport:
    """One list with an entry for each problem."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._first = True
        stream.write("[")

    def add(self, file: FileResult) -> None:
        """Write the entries of one file."""
        for statement in statements(file):
            self._stream.write("\n" if self._first else ",\n")
            self._stream.write(json.dumps(_entry(file, statement)))
            self._first = False

    def close(self) -> None:
        """End the list."""
        self._stream.write("\n]\n")
        self._stream.close()


def _entry(file: FileResult, statement: Statement) -> dict[str, Any]:
    finding = statement.finding
    path = file.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    text = f"{path}\0{statement.mark}".encode("utf-8", "surrogatepass")
    return {
        "description": show_text(sentence(finding)),
        "check_name": finding.code,
        "fingerprint": blake2b(text, digest_size=16).hexdigest(),
        "severity": _SEVERITIES[statement.weight],
        "location": {"path": path, "lines": {"begin": max(finding.line, 1)}},
    }
