from __future__ import annotations

from dataclasses import replace

import pytest

from dockfix.checks import codes
from dockfix.results import Changed, Code, Finding, Skipped, Trial
from dockfix.runner.verdict import Ground, Kind, Observation
from dockfix.verify.answers import answer, asks, find_shown, may_be_answered

SEEN = Observation("", "/root", "/app", "", up=True, exit_code=None, seconds=1.0, log_tail=())


def change(*rows: Code) -> Changed:
    return Changed("", ("set-user",), tuple(Finding(row, 3, "unclear", "look") for row in rows))


@pytest.mark.parametrize(
    ("kind", "ground", "shown"),
    [
        (Kind.PROVEN, Ground.ANSWERS, (Trial.BUILDS, Trial.ANSWERS_ALIKE, Trial.MAY_WRITE)),
        (Kind.PROVEN, Ground.HEALTH, (Trial.BUILDS, Trial.ANSWERS_ALIKE, Trial.MAY_WRITE)),
        (Kind.PROVEN, Ground.ENDED, (Trial.BUILDS, Trial.ANSWERS_ALIKE, Trial.MAY_WRITE)),
        (Kind.PROVEN, Ground.STAYED_UP, (Trial.BUILDS, Trial.MAY_WRITE)),
        (Kind.PROVEN, Ground.ERRORS, (Trial.BUILDS, Trial.MAY_WRITE)),
        (Kind.INCOMPARABLE, None, (Trial.BUILDS,)),
        (Kind.BREAKS, None, ()),
    ],
)
def test_what_a_verdict_shows(kind: Kind, ground: Ground | None, shown: tuple[Trial, ...]) -> None:
    assert find_shown(kind, ground, SEEN, SEEN) == shown


def test_files_are_known_only_by_looking_inside() -> None:
    blind = replace(SEEN, asked_inside=False)
    assert Trial.MAY_WRITE not in find_shown(Kind.PROVEN, Ground.ANSWERS, SEEN, blind)


@pytest.mark.parametrize(
    ("rows", "may_be"),
    [
        ((codes.UNKNOWN_BASE,), True),
        ((codes.UNKNOWN_BASE, codes.LOW_PORT), True),
        ((codes.UNKNOWN_BASE, codes.ONBUILD), False),
        ((codes.EXISTING_VOLUMES,), False),
        ((codes.NOT_PYTHON,), False),
        ((), False),
    ],
)
def test_only_changes_whose_every_review_asks_something_are_tried(
    rows: tuple[Code, ...], may_be: bool
) -> None:
    assert may_be_answered(change(*rows)) is may_be


def test_a_file_that_does_not_change_asks_nothing() -> None:
    skipped = Skipped((Finding(codes.LOW_PORT, 1, ""),))
    assert not may_be_answered(skipped)
    assert not asks(skipped, Trial.ANSWERS_WITH_CLOSED_PORTS)
    assert asks(change(codes.LOW_PORT), Trial.ANSWERS_WITH_CLOSED_PORTS)


def test_answered_reviews_are_accepted() -> None:
    done = answer(change(codes.UNKNOWN_BASE), (Trial.BUILDS, Trial.ANSWERS_ALIKE))
    assert done.safe
    (accepted,) = done.accepted
    assert (accepted.code, accepted.line, accepted.message) == ("unknown-base", 3, "unclear")
    assert accepted.help == (
        "the proof shows that the rewrite builds and that the application starts and answers as it did before"
    )


def test_open_reviews_name_what_is_not_shown() -> None:
    done = answer(change(codes.UNKNOWN_BASE, codes.WORKS_IN_ROOT_DIRECTORY), (Trial.BUILDS, Trial.MAY_WRITE))
    assert [one.code for one in done.accepted] == ["works-in-root-directory"]
    (review,) = done.reviews
    expected = "the proof does not show that the application starts and answers as it did before; look"
    assert (review.code, review.help) == ("unknown-base", expected)
