"""The report as JUnit XML: each file is a test case that fails if its image runs as root."""

from __future__ import annotations

import re
from typing import IO, Final
from xml.sax.saxutils import escape, quoteattr

from dockfix.output.reports.outcome import findings, outcome, sentence
from dockfix.runner.outcome import FileResult
from dockfix.terminal import show_path

_TAGS: Final = {"changed": "failure", "needs-review": "failure", "skipped": "skipped", "failed": "error"}
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class JunitReport:
    """One test suite."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        stream.write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites><testsuite name="dockfix">\n')

    def add(self, file: FileResult) -> None:
        """Write one test case."""
        self._stream.write(f'<testcase classname="dockfix" name={_attribute(show_path(file.name))}')
        tag = _TAGS.get(outcome(file))
        if tag is None:
            self._stream.write("/>\n")
            return
        lines = [f"line {finding.line}: {sentence(finding)}" for _, finding in findings(file)]
        reason = "runs as root" if tag == "failure" else next(code.code for _, code in findings(file))
        body = "\n".join([*lines, file.patch] if file.applies else lines)
        self._stream.write(
            f"><{tag} message={_attribute(reason)}>{escape(_clean(body))}</{tag}></testcase>\n"
        )

    def close(self) -> None:
        """End the document."""
        self._stream.write("</testsuite></testsuites>\n")
        self._stream.close()


def _attribute(text: str) -> str:
    return quoteattr(_clean(text))


def _clean(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
