"""The table of docs/reference/reports.md: what each report says of each outcome in each mode is tried."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import pytest
from stand_in import stand_in

Run = Callable[..., tuple[int, str, str]]
PAGE: Final = Path(__file__).parents[1] / "docs" / "reference" / "reports.md"
FILES: Final = {
    "would change": "FROM a\nCMD b\n",
    "fixed": "FROM a\nCMD b\n",
    "needs review": "FROM unknown\nCMD b\n",
    "in the baseline": "FROM a\nCMD b\n",
    "unchanged": "FROM a\nUSER x\nCMD b\n",
    "skipped": "FROM a\nCMD gosu\n",
    "failed": "FROM a\n\nRUN <<heredoc\n",
}
SARIF: Final = ("none", "note", "warning", "error")
GITHUB: Final = ("notice", "warning", "error")
GITLAB: Final = ("info", "minor", "major", "critical")


def rows() -> list[list[str]]:
    """The cells of the table's rows."""
    lines = re.findall(r"^\| `--(\w+)` \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.M)
    return [[mode, *rest.split(" | ")] for mode, rest in lines]


def heaviest(found: list[str], order: tuple[str, ...]) -> str:
    """The heaviest of some levels; - for none."""
    return max(found, key=order.index) if found else "-"


def say() -> Iterator[str]:
    """What each report says of the only file: JSON, Markdown, HTML, JUnit, SARIF, GitHub, GitLab."""
    (row,) = json.loads(Path("r.json").read_text())["files"]
    counts = json.loads(Path("r.json").read_text())["counts"]
    assert counts == dict.fromkeys(counts, 0) | {row["outcome"]: 1}
    yield row["outcome"]
    titles = re.findall(r"^\| (.*) \| 1 \|$", Path("r.md").read_text(), re.M)
    titled = {
        "Run as root, can be fixed": "changed",
        "Fixed": "fixed",
        "Can be fixed after a review": "needs-review",
        "Nothing to do": "unchanged",
        "Skipped": "skipped",
        "Failed": "failed",
    }
    yield titled[titles[0]]
    (outcome,) = re.findall(r'"outcome": "([\w-]+)"', Path("r.html").read_text())
    yield outcome
    suites = ElementTree.parse("r.xml").getroot()
    (case,) = suites.findall(".//testcase")
    tags = [child.tag for child in case] or ["passed"]
    plural = {"failure": "failures", "error": "errors", "skipped": "skipped"}
    assert {name: suites.get(name) for name in plural.values()} == {
        name: str(int(tag == tags[0])) for tag, name in plural.items()
    }
    yield tags[0]
    results = json.loads(Path("r.sarif").read_text())["runs"][0]["results"]
    yield heaviest([result["level"] for result in results], SARIF)
    yield heaviest(re.findall(r"^::(\w+) ", Path("r.txt").read_text(), re.M), GITHUB)
    yield heaviest([entry["severity"] for entry in json.loads(Path("r.gitlab").read_text())], GITLAB)


NAMES: Final = ("r.json", "r.md", "r.html", "r.xml", "r.sarif", "github:r.txt", "gitlab:r.gitlab")


@pytest.fixture
def run(command_line: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command line with a fix that takes its orders from the text."""
    monkeypatch.setattr("dockfix.pipeline.fix", stand_in)
    monkeypatch.setattr("dockfix.runner.outcome._load", lambda: None)
    return command_line


def _baseline(run: Run, happens: str) -> list[str]:
    """Options by which what is found now is in the baseline, where it is to be."""
    if happens != "in the baseline":
        return []
    run("--check", "Dockerfile", "--baseline", "b.json", "--update-baseline")
    return ["--baseline", "b.json"]


@pytest.mark.parametrize("row", rows(), ids=lambda row: "-".join(row[:2]))
def test_every_report_says_what_the_table_says(run: Run, row: list[str]) -> None:
    mode, happens, code, outcome, junit, sarif, github, gitlab = row
    Path("Dockerfile").write_text(FILES[happens])
    targets = [*_baseline(run, happens), *(word for name in NAMES for word in ("--report", name))]
    assert run(f"--{mode}", "Dockerfile", *targets)[0] == int(code)
    assert list(say()) == [outcome, outcome, outcome, junit, sarif, github, gitlab]


def test_the_table_has_every_combination() -> None:
    modes = ("check", "diff", "write")
    outcomes = [one for one in FILES if one != "fixed"]
    expected = {(mode, one) for mode in modes for one in outcomes} - {("write", "would change")}
    assert {(row[0], row[1]) for row in rows()} == expected | {("write", "fixed")}


@pytest.mark.parametrize("row", rows(), ids=lambda row: "-".join(row[:2]))
def test_what_is_fixed_is_as_a_check_finds_it_afterwards(run: Run, row: list[str]) -> None:
    """The rule above the table: a report of a run says what a check says of the files it leaves."""
    mode, happens = row[:2]
    Path("Dockerfile").write_text(FILES[happens])
    names = [name for name in NAMES if name not in ("r.json", "r.md", "r.html")]
    targets = [*_baseline(run, happens), *(word for name in names for word in ("--report", name))]
    run(f"--{mode}", "Dockerfile", *targets)
    kept = {name: Path(name.partition(":")[2] or name).read_text() for name in names}
    run("--check", "Dockerfile", *targets)
    for name, text in kept.items():
        assert Path(name.partition(":")[2] or name).read_text() == text, name
