"""The report as a self-contained HTML page, opened from disk; it fetches nothing.

Text from files and paths reaches the page as JSON, which report.js puts into text nodes, and through
Jinja's escaping. The Content-Security-Policy allows only this script and this style sheet, by digest.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from importlib.resources import files
from typing import IO, Any, Final

import jinja2
from markdown_it import MarkdownIt
from markupsafe import Markup

from dockfix import __version__
from dockfix.checks import codes
from dockfix.checks.explanations import page_of, read_explanation
from dockfix.output.owners import NOBODY
from dockfix.output.reports.html.lines import LineTable
from dockfix.output.reports.html.pictures import OUTCOME_LABELS, VERDICT_LABELS, draw_pictures
from dockfix.output.reports.html.rows import Row, read_details, read_row
from dockfix.output.reports.outcome import findings
from dockfix.runner.outcome import FileResult
from dockfix.terminal import show_printable

_BUFFERED: Final = 50


class HtmlReport:
    """A page with charts of the outcomes, a table of the files, and each file's changes.

    `title` names the folder; `owner_of` returns a file's owner, NOBODY if there is none.
    """

    def __init__(self, stream: IO[str], title: str, owner_of: Callable[[FileResult], str]) -> None:
        self._stream = stream
        self._title = title
        self._owner_of = owner_of
        self._lines = LineTable()
        self._rows: list[Row] = []
        self._held: Counter[str] = Counter()
        self._details: list[Mapping[str, Any] | None] = []

    def add(self, file: FileResult) -> None:
        """Add one file."""
        self._rows.append(read_row(file, self._owner_of(file)))
        self._held.update({finding.code for kind, finding in findings(file.result) if kind != "note"})
        self._details.append(read_details(file, self._lines))

    def close(self) -> None:
        """Write the page."""
        style, script = _read("report.css"), _read("report.js")
        owners = {row["owner"] for row in self._rows}
        verdicts = {row["verdict"] for row in self._rows}
        names = sorted({code for row in self._rows for code in row["codes"]})
        page = _environment().from_string(_read("report.html.jinja"))
        parts = page.stream(
            title=show_printable(self._title),
            version=__version__,
            made=datetime.now().astimezone(),
            style=Markup(style),
            script=Markup(script),
            policy=_policy(style, script),
            index={"files": self._rows, "labels": OUTCOME_LABELS, "verdicts": VERDICT_LABELS},
            texts={**self._lines.as_json(), "files": self._details},
            pictures=list(draw_pictures(self._rows, self._held)),
            count=len(self._rows),
            outcomes=OUTCOME_LABELS,
            owners=sorted(owners, key=str.casefold) if owners - {NOBODY} else [],
            codes=names,
            verdicts={kind: label for kind, label in VERDICT_LABELS.items() if kind in verdicts},
            glossary=list(_explain(names)),
        )
        parts.enable_buffering(_BUFFERED)
        self._stream.writelines(parts)
        self._stream.close()


def _explain(names: Iterable[str]) -> Iterator[Mapping[str, str]]:
    """The explanations of codes; the advice is HTML rendered from our own Markdown."""
    markdown = MarkdownIt()
    for name in names:
        code = codes.named(name)
        yield {
            "name": name,
            "summary": code.summary,
            "advice": Markup(markdown.render(read_explanation(code).advice)),
            "page": page_of(code),
        }


def _read(name: str) -> str:
    return (files(__name__) / name).read_text(encoding="utf-8")


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.policies["json.dumps_kwargs"] = {}  # keys in the order in which the page shows them
    return environment


def _policy(style: str, script: str) -> str:
    """The Content-Security-Policy: it allows the page's script and style sheet, and nothing else."""
    return (
        f"default-src 'none'; script-src {_digest(script)}; style-src {_digest(style)};"
        " base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
