"""Reports on a run, for other programs and for people who did not watch it."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import IO, Final, Protocol

from dockfix.files.destinations import check_destination
from dockfix.output.reports.comment import CommentReport
from dockfix.output.reports.github import GithubReport
from dockfix.output.reports.gitlab import GitlabReport
from dockfix.output.reports.json import JsonReport
from dockfix.output.reports.junit import JunitReport
from dockfix.output.reports.markdown import MarkdownReport
from dockfix.output.reports.sarif import SarifReport
from dockfix.runner.outcome import FileResult


class FileReport(Protocol):
    """Takes each file's outcome as it arrives and writes a whole document."""

    def add(self, file: FileResult) -> None:
        """Add the outcome of one file."""

    def close(self) -> None:
        """Finish the document and close its stream."""


def _html(root: str, stream: IO[str]) -> FileReport:
    from dockfix.output.owners import Owners
    from dockfix.output.reports.html import HtmlReport

    return HtmlReport(stream, os.path.basename(root) or root, Owners(root).of)


_FORMATS: Final[dict[str, Callable[[IO[str]], FileReport]]] = {
    "json": JsonReport,
    "sarif": SarifReport,
    "github": GithubReport,
    "gitlab": GitlabReport,
    "junit": JunitReport,
    "markdown": MarkdownReport,
    "comment": CommentReport,
}
FORMATS: Final = (*_FORMATS, "html")
"""The names of all formats."""
_SUFFIXES: Final = {".json": "json", ".sarif": "sarif", ".xml": "junit", ".md": "markdown", ".html": "html"}


def open_report(target: str, root: str) -> FileReport:
    """The report for a value of `--report`: FILE with a known suffix, or FORMAT:FILE.

    File names are relative to the folder `root`, where CODEOWNERS is looked up. A bare `github` goes to
    standard error, where the runner reads it. Raises ValueError, OSError.
    """
    if target == "github":
        return GithubReport(open(os.dup(2), "w", encoding="utf-8"))
    name, colon, path = target.partition(":")
    if not colon or name not in FORMATS:
        name, path = _SUFFIXES.get(os.path.splitext(target)[1].lower(), ""), target
    formats = _FORMATS | {"html": partial(_html, root)}
    if name not in formats:
        known = ", ".join(FORMATS)
        raise ValueError(f"--report: {target!r} has no known suffix: write FORMAT:FILE ({known})")
    return formats[name](open(check_destination(path), "w", encoding="utf-8", newline="\n"))
