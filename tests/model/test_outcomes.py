"""The outcome of an operation, and what it means."""

from __future__ import annotations

import pytest
from trees import APP, plant

from dockfix.model.filetree import BASE
from dockfix.model.operations import Act, ActName, Operation
from dockfix.model.outcomes import Key, Outcome, ask, describe, is_directory
from dockfix.model.permissions import ROOT, Answer, Verdict

ALLOWED, DENIED = Answer(Verdict.ALLOWED), Answer(Verdict.DENIED, BASE, "/d")
ABSENT = Answer(Verdict.ABSENT)


def outcome(*answers: Answer, act: ActName = Act.WRITE, spec: str = "") -> Outcome:
    return Outcome(Key(0, 0, act, 0), Operation(act, "/d/f", spec), APP, frozenset(answers), 1)


@pytest.mark.parametrize(
    ("found", "may", "surely", "happens"),
    [
        (outcome(ALLOWED), True, True, True),
        (outcome(ALLOWED, DENIED), True, False, True),
        (outcome(DENIED), False, False, False),
        (outcome(ABSENT), True, True, False),
        # A change of what is not there fails, where another operation merely finds nothing to do.
        (outcome(ABSENT, act=Act.OWN), True, False, False),
    ],
)
def test_what_an_outcome_means(found: Outcome, may: bool, surely: bool, happens: bool) -> None:
    assert (found.may_succeed, found.surely_succeeds, found.happens) == (may, surely, happens)
    assert found.denial == (DENIED if DENIED in found.answers else None)


def test_description() -> None:
    assert describe(outcome(DENIED)) == "writes /d/f"
    assert describe(outcome(DENIED, act=Act.ROOT, spec="uses sudo")) == "uses sudo"


def test_a_pattern_is_granted_if_all_that_it_matches_is() -> None:
    tree = plant("/d dir 10001", "/d/a file 10001 600", "/d/b file 0 600")
    assert ask(tree, Operation(Act.READ, "/d/a"), APP) == {ALLOWED}
    assert [one.verdict for one in ask(tree, Operation(Act.READ, "/d/*"), APP)] == [Verdict.DENIED]
    assert ask(tree, Operation(Act.READ, "/d/x*"), APP) == {ABSENT}


def test_what_needs_root_is_denied_to_everybody_else() -> None:
    one = Operation(Act.ROOT, "/", "uses sudo")
    assert ask(plant(), one, ROOT) == {ALLOWED}
    assert ask(plant(), one, APP) == {Answer(Verdict.DENIED, BASE, "uses sudo")}


def test_a_directory_is_one_wherever_its_link_leads() -> None:
    tree = plant("/d dir", "/l link /d", "/f file")
    assert is_directory(tree, "/l")
    assert not is_directory(tree, "/f")
