"""The report as GitHub workflow commands, which become annotations."""

from __future__ import annotations

from typing import IO, Final

from dockfix.output.reports.outcome import findings, sentence
from dockfix.results import Changed
from dockfix.runner.outcome import FileResult
from dockfix.terminal import show_path, show_text

_LEVELS: Final = {"review": "warning", "note": "notice", "reason": "notice", "error": "error"}


class GithubReport:
    """One line for each file that would change, and for each finding."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def add(self, file: FileResult) -> None:
        """Write the lines of one file."""
        if isinstance(file.result, Changed):
            names = ", ".join(file.result.transforms)
            self._write(file, "warning", 1, "Runs as root", f"dockfix can fix this: {names}")
        for kind, finding in findings(file):
            self._write(file, _LEVELS[kind], finding.line, f"dockfix: {finding.code}", sentence(finding))

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()

    def _write(self, file: FileResult, level: str, line: int, title: str, message: str) -> None:
        path = _escape(show_path(file.name), property_value=True)
        place = f"file={path},line={max(line, 1)},title={_escape(title, property_value=True)}"
        self._stream.write(f"::{level} {place}::{_escape(message)}\n")


def _escape(text: str, *, property_value: bool = False) -> str:
    text = show_text(text).replace("%", "%25")
    return text.replace(":", "%3A").replace(",", "%2C") if property_value else text
