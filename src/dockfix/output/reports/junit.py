"""The report as JUnit XML: each file is a test case that fails if it makes `--check` fail."""

from __future__ import annotations

import re
from collections import Counter
from typing import IO, Final
from xml.sax.saxutils import escape, quoteattr

from dockfix.output.reports.outcome import Weight, findings, outcome, sentence, weigh
from dockfix.results import Finding
from dockfix.runner.outcome import FileResult
from dockfix.terminal import show_path

_TAGS: Final = {Weight.NOTE: "skipped", Weight.WARNING: "failure", Weight.ERROR: "error"}
_COUNTS: Final = {"failures": "failure", "errors": "error", "skipped": "skipped"}
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class JunitReport:
    """One test suite; its counts come first, so it is written at the end."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._cases: list[str] = []
        self._counts: Counter[str] = Counter()

    def add(self, file: FileResult) -> None:
        """Add one test case."""
        name = _attribute(show_path(file.name))
        tag = _TAGS.get(weigh(file), "")
        self._counts[tag] += 1
        self._cases.append(f'<testcase classname="dockfix" name={name} time="0"{_result(file, tag)}\n')

    def close(self) -> None:
        """Write the document."""
        totals = "".join(f' {name}="{self._counts[tag]}"' for name, tag in _COUNTS.items())
        about = f'name="dockfix" tests="{len(self._cases)}"{totals} time="0"'
        self._stream.write('<?xml version="1.0" encoding="UTF-8"?>\n')
        self._stream.write(f"<testsuites {about}><testsuite {about}>\n")
        self._stream.writelines(self._cases)
        self._stream.write("</testsuite></testsuites>\n")
        self._stream.close()


def _result(file: FileResult, tag: str) -> str:
    """The result of a case, and the end of its element."""
    if not tag:
        return "/>"
    found = [finding for kind, finding in findings(file.result) if kind != "accepted"]
    body = "\n".join([*map(_line, found), file.patch] if file.applies else map(_line, found))
    return f"><{tag} message={_attribute(_reason(file))}>{escape(_clean(body))}</{tag}></testcase>"


def _reason(file: FileResult) -> str:
    names = ", ".join(
        dict.fromkeys(finding.code for kind, finding in findings(file.result) if kind != "note")
    )
    reasons = {"changed": "runs as root", "needs-review": f"needs review: {names}"}
    return reasons.get(outcome(file), names)


def _line(finding: Finding) -> str:
    return (f"line {finding.line}: " if finding.line else "") + f"{sentence(finding)} [{finding.code}]"


def _attribute(text: str) -> str:
    return quoteattr(_clean(text))


def _clean(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
