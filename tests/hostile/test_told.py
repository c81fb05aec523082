"""Text from files and paths reaches terminals, logs, Markdown and reports as plain text only."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from git_repository import Repository
from lsprotocol.types import ShowMessageParams
from markdown_it import MarkdownIt
from mcp.server.mcpserver.exceptions import ToolError

from dockfix.agents.server import _file as describe_file
from dockfix.agents.server import _reported as reported
from dockfix.checks import codes
from dockfix.config import ConfigError
from dockfix.editor import reading as editor_reading
from dockfix.editor.answers import diagnose, find_lens
from dockfix.editor.hover import describe_line
from dockfix.editor.reading import Reading
from dockfix.editor.repositories import Place, nowhere
from dockfix.editor.server import make_server
from dockfix.interactive.run import run_interactively
from dockfix.options import Options
from dockfix.options.request import Mode, Output, Request, Volume
from dockfix.output.markdown import code, plain
from dockfix.output.patches import PatchFolder
from dockfix.output.reports.comment import CommentReport
from dockfix.output.reports.github import GithubReport
from dockfix.output.reports.gitlab import GitlabReport
from dockfix.output.reports.html import HtmlReport
from dockfix.output.reports.json import JsonReport
from dockfix.output.reports.junit import JunitReport
from dockfix.output.reports.markdown import MarkdownReport
from dockfix.output.reports.sarif import SarifReport
from dockfix.output.summary import Summary
from dockfix.results import Changed, Failed, Finding, Skipped
from dockfix.runner.outcome import FileResult
from dockfix.syntax.parser import parse
from dockfix.terminal import Terminal, show_path, show_printable, show_text

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
    "```` ``` `` ` ![image](http://evil.example/a.png)",
    "a\\|![image](http://evil.example/a.png)",
    "$(check) [run](command:workbench.action.quit)",
    "[red]a[/red] [link=http://evil.example]b[/link] [/c]",
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


class Elements(HTMLParser):
    """The elements of a document with the names of their attributes, and what its JSON scripts contain."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, ...]] = []
        self.data: dict[str, Any] = {}
        self._inside: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, *(name for name, _ in attrs)))
        self._inside = dict(attrs).get("id") if tag == "script" else None

    def handle_endtag(self, tag: str) -> None:
        self.found.append((f"/{tag}",))
        self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside is not None:
            self.data[self._inside] = json.loads(data)


def strings(value: Any) -> Iterator[str]:
    """Every string in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from strings(one)


def page(text: str) -> str:
    return report(lambda stream: HtmlReport(stream, text, lambda _: text), text)


@cache
def harmless_elements() -> list[tuple[str, ...]]:
    return Elements(page("harmless")).found


@pytest.mark.parametrize("text", HOSTILE)
def test_a_page(text: str) -> None:
    written = page(text)
    assert INERT.fullmatch(written.replace("\n", " "))
    elements = Elements(written)
    assert elements.found == harmless_elements()
    for shown in strings(elements.data):
        assert INERT.fullmatch(shown), ascii(shown)
    rows, details = elements.data["index"]["files"], elements.data["texts"]["files"]
    assert [row["owner"] for row in rows] == [show_printable(text)] * 4
    assert details[0]["findings"][0][3] == f"base {show_printable(text)} is unknown"


@pytest.mark.parametrize("text", HOSTILE)
def test_a_comment(text: str) -> None:
    def elements(text: str) -> list[tuple[str, ...]]:
        lines = report(CommentReport, text)
        return Elements(MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(lines)).found

    assert elements(text) == elements("harmless")
    assert INERT.fullmatch(re.sub(r"[\n\t]", "", report(CommentReport, text)))


def test_a_comment_suggests_no_path_as_an_option() -> None:
    file = replace(results("a")[0], name="--undo/Dockerfile")
    stream = io.StringIO()
    stream.close = lambda: None  # type: ignore[method-assign]
    comment = CommentReport(stream)
    comment.add(file)
    comment.close()
    assert "\ndockfix --write .\n" in stream.getvalue()


@pytest.mark.parametrize("text", HOSTILE)
def test_a_code_quality_report(text: str) -> None:
    entries = json.loads(report(GitlabReport, text))
    assert len(entries) == 6
    for entry in entries:
        assert INERT.fullmatch(entry["description"]), ascii(entry)
        entry["location"]["path"].encode()


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Callable[[FileResult], Reading]:
    """A document with a given result."""

    def read(file: FileResult) -> Reading:
        monkeypatch.setattr(editor_reading, "fix_at", lambda *_: file)
        return Reading("untitled:1", 1, "FROM a\n", nowhere(os.curdir))

    return read


def assert_is_label(text: str) -> None:
    assert INERT.fullmatch(text), ascii(text)
    assert "$(" not in text
    assert "](" not in text


@pytest.mark.parametrize("text", HOSTILE)
def test_an_editor(text: str, reading: Callable[[FileResult], Reading]) -> None:
    for file in results(text):
        document = reading(file)
        for diagnostic in diagnose(document):
            for line in str(diagnostic.message).split("\n"):
                assert_is_label(line)
            assert str(diagnostic.message).count("\n") <= 1
        command = find_lens(document).command
        assert command is not None
        assert_is_label(command.title)


@pytest.mark.parametrize("text", HOSTILE)
def test_notifications_of_an_editor(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    server = make_server()
    shown: list[ShowMessageParams] = []
    monkeypatch.setattr(server, "window_show_message", shown.append)

    def fail(_: str) -> Place:
        raise ConfigError(f"dockfix.toml:1: unknown key {text}")

    monkeypatch.setattr(server.repositories, "find", fail)
    assert server._place("file:///a/Dockerfile") is None
    assert len(shown) == 1
    assert_is_label(shown[0].message)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hover(text: str) -> None:
    tree = parse(f"FROM debian:12\nWORKDIR /a/{text}\nRUN mkdir '/b/{text}'\nUSER {text}\nRUN echo\n")
    shown = [describe_line(tree, one.line, Options()) for one in tree.instructions]
    found = [one for one in shown if one is not None]
    assert len(found) >= 2
    for markdown in found:
        assert INERT.fullmatch(markdown.replace("\n", " ")), ascii(markdown)
        page = Elements(MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(markdown))
        assert {tag for tag, *_ in page.found if not tag.startswith("/")} <= CELLS, markdown
        rows = [line for line in markdown.split("\n") if line.startswith("| ")]
        assert all(line.count("|") == 4 for line in rows), "no bar in a cell, whatever escapes it"


CELLS = {"p", "code", "table", "thead", "tbody", "tr", "th", "td"}


@pytest.mark.parametrize("text", HOSTILE)
def test_an_agent(text: str) -> None:
    for file in results(text):
        shown = list(strings(describe_file(file)))
        assert len(shown) > 2
        for one in shown:
            assert INERT.fullmatch(one), ascii(one)
    with pytest.raises(ToolError) as refused, reported():
        raise ConfigError(text)
    assert INERT.fullmatch(str(refused.value))


TERMINAL = (
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x9b31m",
    "over\x08\x08write",
    "\u202eevil\u2066",
    "::error::x",
)


@pytest.fixture
def hostile_file(repository: Repository) -> str:
    """A Dockerfile with commands for terminals in its path, comments and commands, which dockfix changes."""
    name = f"{''.join(TERMINAL)}/Dockerfile"
    lines = [f"# {one}\nRUN pip install flask # {one}" for one in TERMINAL]
    start = 'CMD ["python", "app.py"]\n'
    repository.put(name, text="\n".join(["FROM python:3.12-slim", "WORKDIR /app", *lines, "COPY . .", start]))
    repository.commit()
    return name


def assert_is_shown(text: str) -> None:
    assert "\\x1b]0;title\\x07" in text
    for line in text.split("\n"):
        assert INERT.fullmatch(line), ascii(line)
        assert not line.lstrip().startswith("::")


@pytest.mark.integration
def test_a_walk_through_a_file(dockfix: Callable[..., tuple[int, str, str]], hostile_file: str) -> None:
    _, shown, messages = dockfix("--explain", hostile_file)
    assert_is_shown(shown)
    assert "RUN pip install" in shown
    assert INERT.fullmatch(messages.replace("\n", " "))


@pytest.mark.parametrize(
    "answers", ["y\n" * 20, "n\n" * 20, "x\ny\n" * 20, "u\n\x1b[31m\napp\n" + "y\n" * 20]
)
@pytest.mark.integration
def test_a_conversation(answers: str, hostile_file: str, capfd: pytest.CaptureFixture[str]) -> None:
    request = Request(paths=[hostile_file], output=Output(interactive=True))
    run_interactively(request, io.StringIO(answers))
    shown = capfd.readouterr().err
    assert_is_shown(shown)
    assert "Make this edit" in shown or "Make them" in shown


@pytest.mark.parametrize("text", HOSTILE)
def test_the_steps_of_proofs(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(Terminal, "is_interactive", True)
    with Terminal(True).steps(1) as show:
        show(text, "building")
    shown = re.sub(r"\x1b\[[?\d]*[A-Za-z]", "", capsys.readouterr().err)
    assert f"{show_text(text)}: building" in shown
    assert INERT.fullmatch(re.sub(r"[\r\n]", "", shown)), ascii(shown)


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
