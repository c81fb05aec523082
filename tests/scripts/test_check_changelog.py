from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts import check_changelog

GOOD = """\
# Changelog

## [Unreleased]

## [0.2.0] - 2026-03-01

### Added

- A thing.

## [0.1.0] - 2026-02-01

### Fixed

- Another.
"""
RELEASE = "## [0.2.0] - 2026-03-01\n"


def problems_of(text: str) -> list[str]:
    return list(check_changelog.find_format_problems(check_changelog.read_sections(text)))


def test_our_own_changelog_keeps_its_format() -> None:
    assert check_changelog.main([]) == 0


def test_a_good_changelog_has_no_problems() -> None:
    assert problems_of(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("## [Unreleased]\n\n", "", "the first section is not [Unreleased]"),
        (RELEASE, "## 0.2.0\n", "'0.2.0' is not '[MAJOR.MINOR.PATCH] - YYYY-MM-DD'"),
        ("2026-03-01", "2026-02-30", "'[0.2.0] - 2026-02-30' is not '[MAJOR.MINOR.PATCH] - YYYY-MM-DD'"),
        ("[0.2.0]", "[0.1.0]", "[0.1.0] - 2026-03-01 stands above [0.1.0] - 2026-02-01"),
        ("2026-03-01", "2026-01-01", "[0.2.0] - 2026-01-01 is dated before [0.1.0] - 2026-02-01"),
        ("### Added\n\n- A thing.\n", "", "[0.2.0] - 2026-03-01 is empty"),
        ("- A thing.\n", "", "[0.2.0] - 2026-03-01 has nothing under 'Added'"),
        ("### Added", "### News", "[0.2.0] - 2026-03-01 has a group 'News': "),
        (RELEASE, RELEASE + "\nA thing.\n", "[0.2.0] - 2026-03-01 has text outside of Added, "),
    ],
)
def test_each_problem_is_named(old: str, new: str, problem: str) -> None:
    assert old in GOOD
    (found,) = problems_of(GOOD.replace(old, new, 1))
    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("text", "tag", "problems"),
    [
        (GOOD, "v0.2.0", []),
        (GOOD, "v0.3.0", ["the tag is v0.3.0, but pyproject.toml has version 0.2.0"]),
        (GOOD, "0.2.0", ["the tag is 0.2.0, but pyproject.toml has version 0.2.0"]),
        (
            GOOD.replace("[Unreleased]\n", "[Unreleased]\n\n### Fixed\n\n- More.\n"),
            "v0.2.0",
            ["[Unreleased] is not empty: its entries belong to v0.2.0"],
        ),
        (
            GOOD.replace("0.2.0", "0.2.1"),
            "v0.2.0",
            ["the newest release is [0.2.1] - 2026-03-01, not 0.2.0"],
        ),
        ("## [Unreleased]\n", "v0.2.0", ["the newest release is nothing, not 0.2.0"]),
    ],
)
def test_a_release_has_its_section_and_leaves_nothing_unreleased(
    text: str, tag: str, problems: list[str]
) -> None:
    sections = check_changelog.read_sections(text)
    assert list(check_changelog.find_release_problems(sections, tag, "0.2.0")) == problems


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(check_changelog, "ROOT", tmp_path)
    (tmp_path / "CHANGELOG.md").write_text(GOOD)
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "0.2.0"\n')
    return tmp_path


def test_the_notes_of_a_release_are_its_section(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_changelog.main(["v0.2.0"]) == 0
    assert capsys.readouterr().out == "### Added\n\n- A thing.\n"


def test_a_release_that_does_not_fit_prints_no_notes(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check_changelog.main(["v9.0.0"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert re.findall("^CHANGELOG.md: the tag is v9.0.0", err)
