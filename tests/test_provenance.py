"""Which transform wrote what: every change can be attributed, and left out on its own."""

from __future__ import annotations

import pytest
from fixture_cases import FIXTURES, read_case

from dockfix import Changed
from dockfix.edits import Edit
from dockfix.pipeline import trace
from dockfix.provenance import Pass, Provenance, trace_changes

SOURCE = "one two\nthree\n"
PLACES = [(0, 8), (8, 14)]
CASES = sorted(path.name for path in (FIXTURES / "cases").iterdir())[::12]


def traced(*rounds: tuple[Pass, ...]) -> Provenance:
    return trace_changes(SOURCE, rounds, PLACES)


def test_text_under_all_changes_and_under_none() -> None:
    found = traced((Pass("a", (Edit(4, 7, "2"),)), Pass("b", (Edit(8, 8, "new\n"),))))
    assert found.text() == "one 2\nnew\nthree\n"
    assert found.text(()) == SOURCE
    assert found.text([0]) == "one 2\nthree\n"
    assert found.text([1]) == "one two\nnew\nthree\n"


def test_changes_are_numbered_as_they_stand_in_the_text() -> None:
    found = traced(
        (Pass("a", (Edit(8, 8, "x\n"),)), Pass("b", (Edit(8, 8, "y\n"),))), (Pass("c", (Edit(0, 3, "1"),)),)
    )
    assert found.text() == "1 two\nx\ny\nthree\n"
    assert [one.transform for one in found.changes] == ["c", "a", "b"]


def test_change_within_the_text_of_another_needs_it() -> None:
    found = traced((Pass("a", (Edit(8, 8, "new\n"),)),), (Pass("b", (Edit(11, 11, " && more"),)),))
    assert found.text() == "one two\nnew && more\nthree\n"
    assert [(one.transform, one.needs) for one in found.changes] == [("a", frozenset()), ("b", {0})]
    assert found.text([1]) == SOURCE
    assert found.text([0]) == "one two\nnew\nthree\n"
    assert found.within(0) == {0, 1}


def test_what_a_change_takes_away_of_another_comes_back_without_it() -> None:
    found = traced((Pass("a", (Edit(8, 8, "old\n"),)),), (Pass("b", (Edit(8, 11, "young"),)),))
    assert found.text() == "one two\nyoung\nthree\n"
    assert found.text([0]) == "one two\nold\nthree\n"


def test_edits_of_one_transform_within_an_instruction_are_one_change() -> None:
    found = traced((Pass("a", (Edit(3, 3, "!"), Edit(6, 6, "?"), Edit(10, 10, "#"))),))
    assert [one.start for one in found.changes] == [6, 10]
    assert found.text([0]) == "one! tw?o\nthree\n"


@pytest.mark.parametrize(
    ("kept", "offset", "there"), [((0,), 3, 3), ((0,), 4, 7), ((0,), 6, 8), ((), 6, 6), ((0,), 9, 11)]
)
def test_offsets_lead_back_to_the_original(kept: tuple[int, ...], offset: int, there: int) -> None:
    found = traced((Pass("a", (Edit(4, 7, "2"),)),))
    assert found.original_offset(offset, kept) == there


@pytest.mark.parametrize("name", CASES)
def test_changes_of_real_rewrites_add_up(name: str) -> None:
    case = read_case(name)
    traced = trace(case.before, case.options, case.context)
    changed = [one for one in traced.images if one.rewrite is not None and one.rewrite.names]
    for image in changed:
        assert image.rewrite is not None
        places = [(one.start, one.end) for one in image.original.tree.instructions]
        found = trace_changes(image.original.tree.text, image.rewrite.rounds, places)
        assert found.text() == image.rewrite.plan.tree.text
        assert found.text(()) == image.original.tree.text
        assert {one.transform for one in found.changes} == set(image.rewrite.names)
        assert all(max(one.needs, default=-1) < one.number for one in found.changes)
    assert bool(changed) or not isinstance(traced.result, Changed)
