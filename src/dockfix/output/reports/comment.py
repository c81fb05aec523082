"""The report as a comment on a pull request: what runs as root, folded diffs, and what to do."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from typing import IO, Final

from dockfix.output.markdown import code, plain
from dockfix.output.reports.markdown import TITLES
from dockfix.output.reports.outcome import OUTCOMES, findings, outcome, sentence
from dockfix.results import Changed, Failed, Finding
from dockfix.runner.outcome import FileResult
from dockfix.terminal import show_path

MARKER: Final = "<!-- dockfix -->"
"""The first line, by which the comment is found again."""
MOST: Final = 60_000
"""So many characters of diffs are shown; GitHub takes 65,536 in all."""
LISTED: Final = 50
"""So many files of one kind are listed."""


class CommentReport:
    """A heading, a table of outcomes, the diffs, what to review, and the command that applies the changes."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._counts: Counter[str] = Counter()
        self._diffs: list[str] = []
        self._reviews: list[str] = []
        self._failures: list[str] = []
        self._paths: list[str] = []

    def add(self, file: FileResult) -> None:
        """Add one file."""
        self._counts[outcome(file)] += 1
        if isinstance(file.result, Changed) and file.applies and not file.written:
            self._paths.append(file.name)
            self._diffs.append(_fold(file, file.result))
        if isinstance(file.result, Changed) and not file.written:
            self._reviews += (_line(file, one) for one in file.result.reviews)
        if isinstance(file.result, Failed):
            self._failures += (_line(file, one) for _, one in findings(file.result))

    def close(self) -> None:
        """Write the document."""
        self._stream.write("".join(f"{line}\n" for line in self._lines()))
        self._stream.close()

    def _lines(self) -> Iterator[str]:
        yield MARKER
        yield from self._heading()
        yield from ("", "| outcome | files |", "|---|---:|")
        yield from (f"| {TITLES[name]} | {self._counts[name]} |" for name in OUTCOMES if self._counts[name])
        yield from self._show_diffs()
        yield from _section("What a reviewer must look at before these can change", self._reviews)
        yield from _section("Files that failed", self._failures)
        if self._diffs:
            yield from ("", "To make the changes, and to see why something stays as it is:", "", "```console")
            yield f"dockfix --write {_words(self._paths)}"
            yield f"dockfix --explain {_words(self._paths[:1])}"
            yield "```"

    def _heading(self) -> Iterator[str]:
        count = self._counts["changed"]
        if count:
            files = "image runs" if count == 1 else "images run"
            yield f"### dockfix: {count} {files} as root, and need not"
        elif self._counts["failed"]:
            yield "### dockfix could not read every Dockerfile"
        else:
            yield "### ✅ dockfix: no image that dockfix can change runs as root"

    def _show_diffs(self) -> Iterator[str]:
        size = shown = 0
        for text in self._diffs:
            size += len(text)
            if size > MOST:
                break
            shown += 1
            yield from ("", text)
        if shown < len(self._diffs):
            yield from ("", f"... and {len(self._diffs) - shown} more; the patch of the run has all of them.")


def _fold(file: FileResult, change: Changed) -> str:
    """A file's diff, folded below a line."""
    patch = file.patch
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", patch)), default=0))
    title = f"<code>{escape(show_path(file.name))}</code>: {', '.join(change.transforms)}"
    return f"<details><summary>{title}</summary>\n\n{fence}diff\n{patch.rstrip()}\n{fence}\n\n</details>"


def _line(file: FileResult, finding: Finding) -> str:
    place = f", line {finding.line}" if finding.line else ""
    return f"- {code(show_path(file.name))}{place}: {plain(sentence(finding))} [{finding.code}]"


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield from ("", f"#### {title}", "", *lines[:LISTED])
        if len(lines) > LISTED:
            yield f"- ... and {len(lines) - LISTED} more"


def _words(paths: Sequence[str]) -> str:
    """Paths as words of a command line; many or unusual ones are replaced by the current folder."""
    if len(paths) > 3 or not all(re.fullmatch(r"[\w./][\w./-]*", path) for path in paths):
        return "."
    return " ".join(paths)
