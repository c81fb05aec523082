"""The report as Markdown, for a comment or a wiki page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import IO, Final

from dockfix.output.markdown import code, plain
from dockfix.output.reports.outcome import OUTCOMES, findings, outcome, sentence
from dockfix.results import Changed
from dockfix.runner.outcome import FileResult
from dockfix.terminal import show_path

_FOLD: Final = 20
TITLES: Final = {
    "changed": "Run as root, can be fixed",
    "fixed": "Fixed",
    "needs-review": "Can be fixed after a review",
    "unchanged": "Nothing to do",
    "skipped": "Skipped",
    "failed": "Failed",
}


class MarkdownReport:
    """A table of counts, then the files by outcome; long lists are collapsed."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lines: defaultdict[str, list[str]] = defaultdict(list)

    def add(self, file: FileResult) -> None:
        """Add one file."""
        self._lines[outcome(file)] += _describe(file)

    def close(self) -> None:
        """Write the document."""
        write = self._stream.write
        write("| outcome | files |\n|---|---:|\n")
        for name in OUTCOMES:
            count = sum(line.startswith("- ") for line in self._lines[name])
            write(f"| {TITLES[name]} | {count} |\n")
        for name in OUTCOMES:
            lines = self._lines[name]
            if lines and name != "unchanged":
                write(f"\n### {TITLES[name]}\n\n")
                folded = len(lines) > _FOLD
                write(f"<details><summary>{len(lines)} lines</summary>\n\n" if folded else "")
                write("".join(f"{line}\n" for line in lines))
                write("\n</details>\n" if folded else "")
        self._stream.close()


def _describe(file: FileResult) -> Iterator[str]:
    names = f": {', '.join(file.result.transforms)}" if isinstance(file.result, Changed) else ""
    yield f"- {code(show_path(file.name))}{names}"
    for kind, finding in findings(file.on_disk):
        place = f"line {finding.line}: " if finding.line else ""
        yield f"  - {kind}: {place}{plain(sentence(finding))} [{finding.code}]"
