"""Suggestions on a pull request: whole or not at all, and only on lines that it shows."""

from __future__ import annotations

import difflib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dockfix.diff import compare_lines
from scripts import suggest_changes

OLD = "FROM python:3.12\nWORKDIR /app\n"
HERE = "FROM python:3.12\nWORKDIR /app\nCOPY . .\nCMD python app.py\n"
FIXED = "FROM python:3.12\nRUN useradd u\nWORKDIR /app\nCOPY --chown=u . .\nUSER u\nCMD python app.py\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("Dockerfile").write_text(HERE)


def report(after: str = FIXED, outcome: str = "changed") -> dict[str, Any]:
    edits = [{"start": start, "end": end, "text": text} for start, end, text in compare_lines(HERE, after)]
    return {"files": [{"path": "Dockerfile", "outcome": outcome, "edits": edits}]}


def patch(old: str, new: str = HERE, context: int = 3) -> list[dict[str, str]]:
    """The pull request's files as GitHub lists them: a patch without its header."""
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), n=context, lineterm="")
    return [{"filename": "Dockerfile", "patch": "\n".join(list(lines)[2:])}]


def accept(text: str, comments: list[dict[str, Any]]) -> str:
    """What GitHub makes of a file when all suggestions are accepted."""
    lines = text.split("\n")
    for comment in sorted(comments, key=lambda one: -int(one["line"])):
        suggestion = comment["body"].split("suggestion\n", 1)[1].rsplit("```", 1)[0]
        start = comment.get("start_line", comment["line"])
        lines[start - 1 : comment["line"]] = suggestion.split("\n")[:-1]
    return "\n".join(lines)


def test_all_suggestions_together_are_the_change() -> None:
    comments = list(suggest_changes.find_comments(report(), patch(OLD), []))
    assert len(comments) == 2
    assert accept(HERE, comments) == FIXED
    assert {comment["path"] for comment in comments} == {"Dockerfile"}
    assert all(comment["body"].startswith(suggest_changes.MARKER) for comment in comments)


def test_a_change_is_suggested_whole_or_not_at_all() -> None:
    """Without lines around what the pull request changes, the FROM is not shown."""
    assert list(suggest_changes.find_comments(report(), patch(OLD, context=0), [])) == []


def test_nothing_is_suggested_on_lines_that_differ_here() -> None:
    other = patch(OLD, HERE.replace("COPY . .", "COPY src ."))
    assert list(suggest_changes.find_comments(report(), other, [])) == []


@pytest.mark.parametrize("outcome", ["needs-review", "unchanged"])
def test_only_what_would_change_is_suggested(outcome: str) -> None:
    assert list(suggest_changes.find_comments(report(outcome=outcome), patch(OLD), [])) == []


def test_what_is_there_already_is_not_suggested_again() -> None:
    first = list(suggest_changes.find_comments(report(), patch(OLD), []))
    assert list(suggest_changes.find_comments(report(), patch(OLD), first)) == []
    assert list(suggest_changes.find_comments(report(), patch(OLD), first[:1])) == first[1:]


def test_a_text_with_backticks_stays_in_its_fence() -> None:
    comment = suggest_changes.comment_on("Dockerfile", (1, 1, "RUN echo ````\n"))
    assert comment["body"].count("`````") == 2


def test_a_file_that_is_too_large_for_a_patch_has_none() -> None:
    assert list(suggest_changes.find_comments(report(), [{"filename": "Dockerfile"}], [])) == []


@pytest.mark.integration
def test_the_script_prints_a_review_for_the_api() -> None:
    Path("report.json").write_text(json.dumps(report()))
    Path("files.json").write_text(json.dumps([]) + json.dumps(patch(OLD)))  # two pages
    Path("known.json").write_text("[]")
    script = [sys.executable, suggest_changes.__file__, "report.json", "files.json", "known.json", "0f"]
    review = json.loads(subprocess.run(script, capture_output=True, text=True, check=True).stdout)
    assert (review["commit_id"], review["event"], len(review["comments"])) == ("0f", "COMMENT", 2)
    Path("files.json").write_text("[]")
    assert subprocess.run(script, capture_output=True, text=True, check=True).stdout == ""
