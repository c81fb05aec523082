"""Each reader handles its mutated inputs: a few here, and for a minute with `-m bench`."""

from __future__ import annotations

import random

import pytest

from tests.fuzz import fuzzing
from tests.fuzz.fuzzing import fuzz, inputs
from tests.fuzz.targets import TARGETS, Target


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize(
    "most", [pytest.param(60, marks=pytest.mark.integration), pytest.param(None, marks=pytest.mark.bench)]
)
def test_reader_takes_what_is_mutated(name: str, most: int | None) -> None:
    count, failure = fuzz(name, 60.0, most=most)
    assert not failure
    assert count > 0


def misbehave(text: str) -> None:
    if "raise" in text:
        raise ValueError(text)
    while "hang" in text:
        pass


@pytest.mark.parametrize(
    ("seed", "reason"), [("raise", "ValueError: raise"), ("hang", "not finished in time")]
)
@pytest.mark.integration
def test_a_find_is_reported_with_its_input(seed: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzzing, "LIMIT", 0.2)
    monkeypatch.setitem(TARGETS, "odd", Target(misbehave, ("good", seed), ("x",)))
    count, failure = fuzz("odd", 1.0)
    assert count == 1
    assert reason in failure
    assert failure.endswith(f"on {seed!r}")


def test_the_same_seed_gives_the_same_inputs() -> None:
    target = TARGETS["dockerfile"]
    first, second = (inputs(target, random.Random(7)) for _ in range(2))
    rows = [next(first) for _ in range(500)]
    assert [next(second) for _ in range(500)] == rows
    assert len(set(rows)) > 400
