from __future__ import annotations

from pathlib import Path

from file_results import changed, one_of_each

from dockfix.output import reports
from dockfix.results import Unchanged
from dockfix.runner.outcome import FileResult


def written(tmp_path: Path, files: list[FileResult]) -> str:
    report = reports.open_report(f"comment:{tmp_path / 'c'}", str(tmp_path))
    for file in files:
        report.add(file)
    report.close()
    return (tmp_path / "c").read_text()


def test_it_has_all_that_a_reviewer_needs(tmp_path: Path) -> None:
    text = written(tmp_path, one_of_each())
    assert text.startswith("<!-- dockfix -->\n### dockfix: 1 image runs as root, and need not\n")
    assert "| Run as root, can be fixed | 1 |\n| Can be fixed after a review | 1 |\n" in text
    summary = "<details><summary><code>a/Dockerfile</code>: create-user, set-user</summary>"
    assert f"{summary}\n\n```diff\n--- a/a/Dockerfile\n" in text
    assert (
        "#### What a reviewer must look at before these can change\n\n- `b, c/Dockerfile`, line 1: base "
        in text
    )
    assert "- `f/Dockerfile`, line 3: not UTF-8: byte 0xff (save it as UTF-8) [not-utf-8]" in text
    assert "```console\ndockfix --write a/Dockerfile\ndockfix --explain a/Dockerfile\n```" in text


def test_it_is_green_when_there_is_nothing_to_do(tmp_path: Path) -> None:
    text = written(tmp_path, [FileResult("a", Unchanged(), b"", name="a")])
    assert text.startswith(
        "<!-- dockfix -->\n### ✅ dockfix: no image that dockfix can change runs as root\n"
    )
    assert "details" not in text
    assert "console" not in text


def test_it_fits_into_what_github_takes(tmp_path: Path) -> None:
    before = "FROM a\nCMD b\n" + "# a long line\n" * 3000
    files = [changed(f"{number}/Dockerfile", before, "FROM c\n") for number in range(4)]
    text = written(tmp_path, files)
    assert len(text) < 65_536
    assert "... and 3 more; the patch of the run has all of them." in text
    assert "dockfix --write .\n" in text


def test_files_cannot_leave_the_place_that_shows_them(tmp_path: Path) -> None:
    name = "<script>`@all`/Dockerfile"
    text = written(
        tmp_path, [changed(name, "FROM a\n```\n</details>\n", "FROM a\n```\nUSER u\n</details>\n")]
    )
    assert "<code>&lt;script&gt;`@all`/Dockerfile</code>" in text
    assert "\n````diff\n" in text
    assert text.count("````") == 2
    assert "dockfix --write .\n" in text
