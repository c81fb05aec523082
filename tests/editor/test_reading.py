"""A document without an editor: positions, edits, diagnostics, actions, the lens, the hover."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types

from dockfix import fix
from dockfix.config import ConfigError
from dockfix.editor.answers import RUN_AS_USER, diagnose, find_actions, find_lens
from dockfix.editor.hover import describe_line
from dockfix.editor.reading import Reading
from dockfix.editor.repositories import Repositories, nowhere
from dockfix.editor.server import make_server
from dockfix.options import Options
from dockfix.results import Changed
from dockfix.syntax.parser import parse

ROOT = "FROM python:3.12-slim\nWORKDIR /app\nCOPY a.py .\nCMD python a.py\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(folder: Path, text: str) -> Reading:
    return Reading("untitled:1", 7, text, nowhere(str(folder)))


def applied(text: str, edit: types.WorkspaceEdit | None) -> str:
    """The text after a document's edits, with line feeds as line ends."""
    assert edit is not None
    assert edit.document_changes is not None
    (change,) = edit.document_changes
    assert isinstance(change, types.TextDocumentEdit)
    lines = text.split("\n")
    for one in reversed(change.edits):
        assert isinstance(one, types.TextEdit)
        start, end = one.range.start, one.range.end
        head = "\n".join([*lines[: start.line], lines[start.line][: start.character]])
        tail = "\n".join([lines[end.line][end.character :], *lines[end.line + 1 :]])
        lines = (head + one.new_text + tail).split("\n")
    return "\n".join(lines)


@pytest.mark.parametrize("end", ["\n", ""])
def test_the_whole_change_is_the_fix(folder: Path, end: str) -> None:
    text = ROOT.rstrip("\n") + end
    first = next(find_actions(read(folder, text)))
    result = fix(text)
    assert isinstance(result, Changed)
    assert applied(text, first.edit) == result.text


def test_an_edit_behind_the_last_line_starts_at_the_end_of_the_text(folder: Path) -> None:
    reading = read(folder, "FROM a\nCMD b")
    (edit,) = reading.edits([(2, 2, "USER u\n")])
    assert (edit.range.start.line, edit.range.start.character) == (1, 5)
    (edit,) = read(folder, "FROM a\nCMD b\n").edits([(2, 2, "USER u\n")])
    assert (edit.range.start.line, edit.range.start.character) == (2, 0)


def test_lines_end_at_lone_carriage_returns_in_the_protocol(folder: Path) -> None:
    reading = read(folder, "FROM a\r\n# x\ry\nCMD b\n")
    assert reading.line_range(3).start.line == 3
    assert reading.line_range(2).start.line == 1


def test_ranges_count_in_the_clients_units(folder: Path) -> None:
    text = "FROM a\nRUN echo 😀  \n"
    reading = Reading("u", 1, text, nowhere(str(folder)), lambda part: len(part.encode("utf-16-le")) // 2)
    assert reading.line_range(2) == types.Range(types.Position(1, 0), types.Position(1, 11))


def test_a_diagnostic_stands_at_the_from_of_what_ships(folder: Path) -> None:
    text = "FROM python:3.12-slim AS build\nRUN echo\n\n" + ROOT
    (found,) = [one for one in diagnose(read(folder, text)) if one.code == "runs-as-root"]
    assert found.range == types.Range(types.Position(3, 0), types.Position(3, 21))
    assert found.code_description is not None
    assert found.code_description.href.endswith("/docs/codes/runs-as-root.md")


def test_a_review_that_is_accepted_is_a_hint(folder: Path) -> None:
    text = "# dockfix: accept[low-port]\nFROM python:3.12-slim\nWORKDIR /a\nEXPOSE 80\nCMD python -V\n"
    found = {one.code: one.severity for one in diagnose(read(folder, text))}
    assert found["low-port"] is types.DiagnosticSeverity.Hint
    assert found["runs-as-root"] is types.DiagnosticSeverity.Warning


@pytest.mark.integration
def test_what_needs_a_review_is_not_preferred(folder: Path) -> None:
    text = ROOT.replace("python:3.12-slim", "registry.example.org/base")
    reading = read(folder, text)
    first, *rest = find_actions(reading)
    assert first.title.startswith("Run this image as a user (check first: unknown-base")
    assert first.is_preferred is False
    assert not [one for one in rest if one.kind == "source.fixAll.dockfix"]
    command = find_lens(reading).command
    assert command is not None
    assert command.title.startswith("Runs as root: can be changed after a review (unknown-base")


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (ROOT, "Runs as root: run it as a user ("),
        (ROOT.replace("CMD", "USER 1000\nCMD"), "Runs as 1000"),
        ("# dockfix: ignore\n" + ROOT, "Left alone: a comment "),
        ("", "Not fixed: empty file"),
    ],
)
def test_the_lens_has_the_outcome(folder: Path, text: str, title: str) -> None:
    command = find_lens(read(folder, text)).command
    assert command is not None
    assert command.title.startswith(title)
    assert (command.command == RUN_AS_USER) == title.startswith("Runs as root")


def test_a_place_is_read_again_once_something_changed(folder: Path) -> None:
    (folder / "Dockerfile").write_text(ROOT)
    repositories = Repositories()
    path = str(folder / "Dockerfile")
    assert repositories.find(path) is repositories.find(path)
    (folder / "dockfix.toml").write_text("user = 'shop'\n")
    assert repositories.find(path).options.user == "appuser"
    repositories.forget()
    assert repositories.find(path).options.user == "shop"
    (folder / "dockfix.toml").write_text("nonsense = 1\n")
    repositories.forget()
    with pytest.raises(ConfigError, match="nonsense"):
        repositories.find(path)


def hover(text: str, line: int) -> str:
    found = describe_line(parse(text), line, Options())
    assert found is not None
    return found


def test_hovering_follows_user_home_and_directory() -> None:
    text = ROOT.replace("CMD", "RUN useradd -m app\nUSER app\nENV HOME=/data\nCMD")
    heads = [hover(text, line).splitlines()[0] for line in (1, 2, 5, 6)]
    assert heads == [
        "Runs as `root`, home `/root`, in `/`",
        "Runs as `root`, home `/root`, in `/app`",
        "Runs as `app`, home `/home/app`, in `/app`",
        "Runs as `app`, home `/data`, in `/app`",
    ]


def test_hovering_shows_what_a_line_leaves() -> None:
    text = "FROM debian:12\nRUN mkdir -m 0750 /data && chown 7:8 /data\nRUN rm -r /data\n"
    assert "| `/data` | `drwxr-x---` | `7:8` |" in hover(text, 2)
    assert "/data" not in hover(text, 1)
    assert "drwxr-x---" not in hover(text, 3)


def test_hovering_over_a_stage_starts_from_its_parent() -> None:
    text = "FROM debian:12 AS a\nWORKDIR /a\nFROM debian:12\nWORKDIR /b\nFROM a\nRUN echo\n"
    assert hover(text, 4).splitlines()[0].endswith("in `/b`")
    assert hover(text, 6).splitlines()[0].endswith("in `/a`")


def test_hovering_keeps_markdown_out_of_paths() -> None:
    text = "FROM debian:12\nWORKDIR /a|b`c\n"
    assert "in ``/a|b`c``" in hover(text, 2)
    assert "| ``/a\\x7cb`c`` |" in hover(text, 2)


def test_there_is_nothing_to_show_outside_of_stages() -> None:
    assert describe_line(parse("# x\nARG A=1\nFROM a\n"), 1, Options()) is None
    assert describe_line(parse("ARG A=1\nFROM a\n"), 1, Options()) is None


def test_hovering_says_that_a_base_is_unknown() -> None:
    assert "an image that dockfix does not know" in hover("FROM registry.example.org/x\nRUN a\n", 2)


def test_the_server_answers_what_editors_ask() -> None:
    features = make_server().protocol.fm.features
    assert {"textDocument/codeAction", "textDocument/hover", "textDocument/codeLens"} <= set(features)
