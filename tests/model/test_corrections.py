"""The correction for a loss: a step that stays root's, or a directory that the account needs."""

from __future__ import annotations

from trees import APP

from dockfix.model.corrections import NOTHING_LEARNED, Corrections
from dockfix.model.filetree import START, Origin
from dockfix.model.losses import Loss
from dockfix.model.operations import Act, ActName, Operation
from dockfix.model.outcomes import Key, Outcome


def loss(step: Origin, act: ActName, path: str, obstacle: str) -> Loss:
    return Loss(Outcome(Key(step, 0, act, 0), Operation(act, path), APP, frozenset(), 1), None, obstacle)


def test_a_start_gets_the_directory_that_it_writes_to() -> None:
    learned = NOTHING_LEARNED.learn([loss(START, Act.WRITE, "/data/log", "/data")], own=(), relocates=False)
    assert learned == Corrections(directories=frozenset({"/data"}))


def test_a_step_gets_only_directories_that_are_the_accounts_and_stays_roots_otherwise() -> None:
    found = [loss(2, Act.WRITE, "/app/x", "/app"), loss(3, Act.WRITE, "/srv/x", "/srv")]
    learned = NOTHING_LEARNED.learn(found, own=("/app",), relocates=False)
    assert learned == Corrections(frozenset({3}), frozenset({"/app"}))


def test_a_directory_that_did_not_help_is_not_tried_again() -> None:
    again = loss(2, Act.WRITE, "/app/x", "/app")
    learned = NOTHING_LEARNED.learn([again], own=("/app",), relocates=False).learn(
        [again], own=("/app",), relocates=False
    )
    assert learned == Corrections(frozenset({2}), frozenset({"/app"}))


def test_nothing_helps_a_start_that_reads_or_writes_to_the_system() -> None:
    found = [loss(START, Act.READ, "/data/x", "/data"), loss(START, Act.WRITE, "/etc/x", "/etc")]
    assert NOTHING_LEARNED.learn(found, own=(), relocates=False) == NOTHING_LEARNED


def test_what_is_not_found_where_the_image_works_now_keeps_it_where_it_was() -> None:
    found = [
        loss(2, Act.READ, "/pkg/setup.py", "/home/appuser/app/pkg"),
        loss(3, Act.WRITE, "/srv/x", "/srv"),
    ]
    learned = NOTHING_LEARNED.learn(found, own=(), relocates=True)
    assert learned == Corrections(keeps_workdir=True)


def test_what_a_home_lacks_says_nothing_of_the_working_directory() -> None:
    found = [loss(2, Act.HOME, "/root/.netrc", "/home/appuser/.netrc"), loss(3, Act.READ, "/root/x", "/root")]
    learned = NOTHING_LEARNED.learn(found, own=(), relocates=True)
    assert learned == Corrections(frozenset({2, 3}))
