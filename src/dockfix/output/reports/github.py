"""The report as GitHub workflow commands, which become annotations."""

from __future__ import annotations

from typing import IO, Final

from dockfix.output.reports.outcome import Weight, sentence, statements
from dockfix.runner.outcome import FileResult
from dockfix.terminal import show_path, show_text

_LEVELS: Final = {Weight.NOTE: "notice", Weight.WARNING: "warning", Weight.ERROR: "error"}


class GithubReport:
    """One line for each thing to report."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def add(self, file: FileResult) -> None:
        """Write the lines of one file."""
        path = _escape(show_path(file.name), property_value=True)
        for weight, finding, _ in statements(file):
            title = _escape(f"dockfix: {finding.code}", property_value=True)
            place = f"file={path},line={max(finding.line, 1)},title={title}"
            self._stream.write(f"::{_LEVELS[weight]} {place}::{_escape(sentence(finding))}\n")

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()


def _escape(text: str, *, property_value: bool = False) -> str:
    text = show_text(text).replace("%", "%25")
    return text.replace(":", "%3A").replace(",", "%2C") if property_value else text
