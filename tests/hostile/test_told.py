"""Text from files and paths reaches terminals, logs, Markdown and reports as plain text only."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt

from dockfix.checks import codes
from dockfix.options.request import Mode, Volume
from dockfix.output.markdown import code, plain
from dockfix.output.patches import PatchFolder
from dockfix.output.reports.github import GithubReport
from dockfix.output.reports.json import JsonReport
from dockfix.output.reports.junit import JunitReport
from dockfix.output.reports.markdown import MarkdownReport
from dockfix.output.reports.sarif import SarifReport
from dockfix.output.summary import Summary
from dockfix.results import Changed, Failed, Finding, Skipped
from dockfix.runner.outcome import FileResult
from dockfix.terminal import Terminal, show_path, show_text

HOSTILE = (
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\",
    "\x9b31m",
    "\rover\x08\x08write",
    "two\nlines",
    "::error::x",
    " ::add-mask::x",
    "\n::set-output name=a::b",
    "\u2028::stop-commands::x",
    "##[add-mask]x",
    "a ##[error]x",
    "##vso[task.setvariable variable=a]b",
    "%0A::error::x",
    "x,line=1::y",
    "[link](http://evil.example)",
    "![image](http://evil.example/a.png)",
    "<img src=x onerror=alert(1)>",
    "<!-- -->",
    "<script>alert(1)</script>",
    "</details>",
    "https://evil.example/a",
    "www.evil.example",
    "@somebody @org/team",
    "#1 owner/repo#1",
    "`code` ``more``",
    "`",
    "**bold** _it_ ~~no~~",
    "| a | b |",
    "&lt;b&gt;&#64;x",
    "\\[a](b)",
    "# title",
    "---",
    "]]>",
    "'\"><x>",
    "\u202eevil\u2066",
    "\ufeffmark",
    "\udce9surrogate",
    "\0nul",
    "\U000e0001tag",
    "{{ template }} {% x %}",
    "$(id) `id`",
)
INERT = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]*\Z")


def results(text: str) -> list[FileResult]:
    """A file of each outcome, with the text in every position that comes from files and paths."""
    finding = Finding(codes.UNKNOWN_BASE, 1, f"base {text} is unknown", f"look at {text}")
    failure = Finding(codes.UNREADABLE, 0, text, text)
    changed = Changed("FROM a\nUSER b\n", ("set-user",), (), (finding,))
    edits = ((1, 1, "USER b\n"),)
    name = text.replace("\0", "")
    return [
        FileResult(name, changed, b"FROM a\n", True, edits, name),
        FileResult(name, Changed("FROM b\n", ("set-user",), (finding,)), b"FROM a\n", False, (), name),
        FileResult(name, Skipped((finding,)), name=name),
        FileResult(name, Failed(failure), name=name),
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_terminal_and_a_log(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    summary = Summary(Terminal(False), Mode.CHECK, Volume.VERBOSE)
    files = results(text)
    for file in files:
        summary.add(file)
    summary.print_notes()
    sys.stderr.flush()
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 5
    for line in lines:
        assert INERT.fullmatch(line), ascii(line)
        assert not line.lstrip().startswith("::")
        assert "##[" not in line
        assert "##vso[" not in line.lower()


def report(make: Callable[[Any], Any], text: str) -> str:
    stream = io.StringIO()
    stream.close = lambda: None  # type: ignore[method-assign]  # what was written is read afterwards
    made = make(stream)
    for file in results(text):
        made.add(file)
    made.close()
    return stream.getvalue()


@pytest.mark.parametrize("text", HOSTILE)
def test_workflow_commands(text: str) -> None:
    lines = report(GithubReport, text).split("\n")[:-1]
    assert len(lines) == 6
    for line in lines:
        match = re.fullmatch(r"::(warning|notice|error) file=([^,:]*),line=\d+,title=([^,:]*)::(.*)", line)
        assert match, ascii(line)
        assert INERT.fullmatch(line)


def assert_is_text(markdown: str, paragraphs: int) -> None:
    assert INERT.fullmatch(markdown.replace("\n", " ")), ascii(markdown)
    tokens = MarkdownIt("gfm-like", {"linkify": False, "html": True}).parse(markdown)
    inline = [child for token in tokens for child in token.children or ()]
    kinds = {one.type for one in (*tokens, *inline)}
    assert not kinds & {
        "link_open", "image", "html_inline", "em_open", "strong_open", "s_open", "table_open", "fence", "hr",
    }  # fmt: skip
    assert sum(one.type == "list_item_open" for one in tokens) == paragraphs
    shown = " ".join(one.content for one in inline if one.type == "text")
    assert not re.search(r"@\w", shown), ascii(shown)
    raw = re.sub(r"(`+).*?(?<!`)\1(?!`)", "", markdown)
    assert not re.search(r"https?://|www\.", raw), ascii(raw)


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown(text: str) -> None:
    lines = report(MarkdownReport, text).split("\n")
    body = "\n".join(line for line in lines if line.startswith(("- ", "  - ")))
    assert_is_text(body, 8)
    assert sum(line.startswith("<details>") for line in lines) == 0


@pytest.mark.parametrize("text", HOSTILE)
def test_pull_requests(text: str, tmp_path: Path) -> None:
    folder = PatchFolder(str(tmp_path / "out"), lambda _: text)
    for file in results(text):
        folder.add(file)
    folder.close()
    (description,) = (tmp_path / "out").glob("*.md")
    markdown = description.read_text()
    assert_is_text(markdown, 3)
    assert markdown.count("\n# ") + markdown.startswith("# ") == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_reports_for_programs(text: str) -> None:
    document = json.loads(report(JsonReport, text))
    assert len(document["files"]) == 4
    assert document["files"][0]["findings"][0]["message"] == f"base {text} is unknown"
    assert len(json.loads(report(SarifReport, text))["runs"][0]["results"]) == 6
    cases = ElementTree.fromstring(report(JunitReport, text)).iter("testcase")
    assert len(list(cases)) == 4


@pytest.mark.parametrize("text", HOSTILE)
def test_each_medium_has_one_escape(text: str) -> None:
    assert INERT.fullmatch(show_text(text))
    assert INERT.fullmatch(show_path(text.replace("\0", "")))
    for written in (plain(text), code(text)):
        assert "\n" not in written
    rendered = MarkdownIt("commonmark").parseInline(code(text))[0].children
    assert rendered is not None
    assert [one.type for one in rendered] == ["code_inline"]


def test_ordinary_texts_stay_as_they_are() -> None:
    for text in ("services/api/Dockerfile", "größe", "port 80 is below 1024", "a::b", "image:tag"):
        assert show_text(text) == text
        assert plain(text) == text
    assert code("a/Dockerfile") == "`a/Dockerfile`"
    assert plain("runs_as_user") == "runs\\_as\\_user"
