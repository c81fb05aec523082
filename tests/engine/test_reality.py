"""Random scripts, stages and rewrites, run for real and compared with the replay: a part of the bench."""

from __future__ import annotations

import pytest
from applications import engine, has_image

from tests.reality.chroots import IMAGE, why_not
from tests.reality.trials import try_pairs, try_scripts, try_stages

SCRIPTS = range(40_000, 40_060)
STAGES = (41_000, 24)
PAIRS = (42_000, 8)


@pytest.fixture(autouse=True)
def _docker() -> None:
    if engine().name != "docker":
        pytest.skip("needs docker with BuildKit")
    if not has_image(IMAGE):
        pytest.skip(f"no image {IMAGE} on this engine")


@pytest.mark.engine
def test_scripts_leave_what_the_replay_says() -> None:
    if reason := why_not():
        pytest.skip(reason)
    trials = try_scripts(SCRIPTS)
    assert trials.counts.commands["allowed, as said"] > 10 * len(SCRIPTS)
    assert not trials.wrong, "\n\n".join(trials.wrong)


@pytest.mark.engine
def test_stages_are_what_the_replay_says() -> None:
    trials = try_stages(*STAGES)
    assert trials.counts.scripts > STAGES[1] // 2
    assert not trials.wrong, "\n\n".join(trials.wrong)


@pytest.mark.engine
def test_safe_rewrites_start_as_their_originals_do() -> None:
    tally = try_pairs(*PAIRS)
    assert tally.outcomes["starts alike"] > PAIRS[1] // 2
    assert not tally.broken, "\n\n".join(f"{fault}\n{pair.rewrite}" for pair, fault in tally.broken)
