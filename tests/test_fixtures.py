"""Every folder of fixtures/cases: the result a strict maintainer would want, compared with `fix`."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest
from fixture_cases import FIXTURES, read_case

from dockfix import Changed, Context, Failed, Result, Skipped, Unchanged, fix
from dockfix.checks.codes import CODES
from dockfix.output.reports.outcome import findings
from dockfix.pipeline import NAMES
from dockfix.results import Kind
from dockfix.syntax.parser import parse

CASES = sorted(path.name for path in (FIXTURES / "cases").iterdir() if path.is_dir())
KINDS = {"changed": Changed, "unchanged": Unchanged, "skipped": Skipped, "failed": Failed}
NOTES = frozenset(code.name for code in CODES if Kind.NOTE in code.kinds)
# What people hit when they leave root: the numbers of the project's table of real reports.
PITFALLS = tuple(f"A{number}" for number in range(1, 55))

ALL = {name: read_case(name) for name in CASES}
CHANGED = [name for name, case in ALL.items() if case.result == "changed"]


@cache
def fixed(name: str) -> Result:
    """What the case's file becomes."""
    case = ALL[name]
    return case.fix(case.before)


def codes_of(result: Result) -> list[str]:
    match result:
        case Changed():
            return sorted({finding.code for finding in result.reviews})
        case Skipped():
            return sorted({finding.code for finding in result.reasons})
        case Failed():
            return [result.error.code]
        case Unchanged():
            return []


@pytest.mark.parametrize("name", CASES)
def test_case_is_what_its_maintainer_wants(name: str) -> None:
    case = ALL[name]
    result = fixed(name)
    assert isinstance(result, KINDS[case.result]), result
    if isinstance(result, Changed):
        assert case.after is not None
        assert result.text.split("\n") == case.after.split("\n")
        assert case.covers <= set(result.transforms)
    assert codes_of(result) == list(case.codes)
    assert all(0 <= finding.line <= case.before.count("\n") + 1 for _, finding in findings(result))


@pytest.mark.parametrize("name", CASES)
def test_case_gets_its_notes(name: str) -> None:
    case, result = ALL[name], fixed(name)
    found = {note.code for note in result.notes} if isinstance(result, Changed | Unchanged) else set()
    assert case.notes <= found <= NOTES
    assert ("existing-volumes" in found) == ("existing-volumes" in case.notes)


@pytest.mark.parametrize("name", CHANGED)
def test_fixed_file_is_left_alone(name: str) -> None:
    case = ALL[name]
    assert case.after is not None
    assert isinstance(case.fix(case.after), Unchanged)


@pytest.mark.parametrize("name", CASES)
def test_text_survives_the_tree(name: str) -> None:
    case = ALL[name]
    for text in filter(None, (case.before, case.after)):
        assert str(parse(text)) == text


@pytest.mark.parametrize("name", CHANGED)
def test_buildkit_accepts_the_fixed_file(name: str) -> None:
    oracle = pytest.importorskip("dockerfile")
    case = ALL[name]
    assert case.after is not None
    keywords = Counter(command.cmd.upper() for command in oracle.parse_string(case.after))
    assert keywords["USER"] >= 1 or case.options.select
    assert not Counter(command.cmd.upper() for command in oracle.parse_string(case.before)) - keywords


@pytest.mark.parametrize("name", CASES)
def test_case_is_described_in_one_sentence(name: str) -> None:
    case = ALL[name]
    assert case.about.endswith(".")
    assert "\n" not in case.about
    assert (case.after is not None) == (case.result == "changed")
    assert case.before != case.after


def test_every_transform_is_covered() -> None:
    assert frozenset().union(*(case.covers for case in ALL.values())) == NAMES


@pytest.mark.parametrize("pitfall", PITFALLS)
def test_every_pitfall_is_covered(pitfall: str) -> None:
    standing = [case for case in ALL.values() if pitfall in case.pitfalls]
    assert standing
    assert all(case.result in ("changed", "skipped", "unchanged") for case in standing)


def test_pitfalls_are_of_the_table() -> None:
    assert frozenset().union(*(case.pitfalls for case in ALL.values())) <= set(PITFALLS)


MONOREPO = {
    ".devcontainer": "dev-container",
    "services/admin": "drops-privileges",
    "services/api": "",
    "services/backup": "needs-root-process",
    "services/gateway": "low-port",
    "services/mailer": "unchanged",
    "services/orders": "",
    "services/pricing": "",
    "services/reports": "",
    "services/search": "",
    "services/storefront": "",
    "services/thumbnails": "",
    "services/worker": "",
    "tools/check-prices": "github-action",
}


def test_monorepo_is_described_completely() -> None:
    root = FIXTURES / "monorepo"
    assert sorted(path.parent.relative_to(root).as_posix() for path in root.rglob("Dockerfile")) == sorted(
        MONOREPO
    )


@pytest.mark.parametrize("folder", MONOREPO)
def test_monorepo_shows_what_its_readme_says(folder: str) -> None:
    place = FIXTURES / "monorepo" / folder

    def read(path: str) -> str | None:
        return (place / path).read_text(encoding="utf-8") if (place / path).is_file() else None

    context = Context(f"{folder}/Dockerfile", frozenset(path.name for path in place.iterdir()), read)
    result = fix((place / "Dockerfile").read_text(encoding="utf-8"), context=context)
    expected = MONOREPO[folder]
    assert (codes_of(result) or [""]) == [expected.replace("unchanged", "")]
    assert isinstance(result, Unchanged) == (expected == "unchanged")
    assert isinstance(result, Skipped) == (expected not in ("", "low-port", "unchanged"))
