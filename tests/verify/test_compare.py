from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from dockfix.runner.verdict import Answer, Check, Details, Ground, Kind, Observation, Process, Verdict
from dockfix.verify.compare import compare, find_failure, find_ground, judge, judge_repair

ROOT = Observation(
    user="",
    home="/root",
    workdir="/app",
    started="",
    up=True,
    exit_code=None,
    seconds=1.0,
    log_tail=("listening, pid 7",),
    uids=(0,),
    processes=(Process(1, 0, 0, "python app.py"),),
    answers=(Answer(8000, "/", 200, "hello at 12:01", True),),
    scripts=(("flask", True), ("odd", False)),
    pip_check=0,
    health=0,
    checks=(Check("touch x", 0, ""), Check("false", 1, "")),
)
USER = replace(
    ROOT,
    user="appuser",
    home="/home/appuser",
    uids=(1000,),
    processes=(Process(1, 1000, 1000, "python app.py"),),
    log_tail=("listening, pid 12",),
    answers=(Answer(8000, "/", 200, "hello at 12:07", True),),
)


def test_same_behaviour_as_a_user_is_proven() -> None:
    assert compare(ROOT, USER) == ()
    assert judge(ROOT, USER, ()) == (Kind.PROVEN, "")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"processes": (Process(1, 1000, 1000, "sh"), Process(9, 0, 0, "crond"))}, "root-process"),
        ({"processes": (), "uids": (0,)}, "root-process"),
        ({"started": "exec: gunicorn: not found", "up": False, "exit_code": 127}, "start"),
        ({"up": False, "exit_code": 1}, "exit"),
        ({"answers": ()}, "answer"),
        ({"answers": (Answer(8000, "/", 500, "hello at 12:07", True),)}, "answer"),
        ({"answers": (Answer(8000, "/", 200, "bye", True),)}, "answer"),
        ({"log_tail": ("PermissionError: [Errno 13] Permission denied: 'x'",)}, "log"),
        ({"unwritable": ("/app/db.sqlite3",)}, "write"),
        ({"unreadable": ("/app/settings.ini",)}, "read"),
        ({"scripts": (("flask", False),)}, "path"),
        ({"scripts": ()}, "path"),
        ({"pip_check": 1}, "pip-check"),
        ({"health": 1}, "health"),
        ({"checks": (Check("touch x", 1, "denied"),)}, "check"),
        ({"checks": ()}, "check"),
    ],
)
def test_each_difference_breaks(changes: dict[str, Any], code: str) -> None:
    after = replace(USER, **changes)
    differences = compare(ROOT, after)
    assert code in {difference.code for difference in differences if difference.breaks}
    assert judge(ROOT, after, differences)[0] is Kind.BREAKS


def test_rewrite_that_is_to_stay_roots_may() -> None:
    assert compare(ROOT, ROOT, leaves_root=False) == ()
    assert {difference.code for difference in compare(ROOT, ROOT)} == {"root-process"}


def test_no_rewrite_may_go_back_to_root() -> None:
    assert {difference.code for difference in compare(USER, ROOT, leaves_root=False)} == {"root-process"}


@pytest.mark.parametrize(
    "changes",
    [
        {"answers": (Answer(8000, "/", 200, "another token", False),)},
        {"log_tail": ("listening, pid 12", "a further line")},
        {"scripts": (("flask", True), ("odd", False), ("more", True))},
    ],
)
def test_what_varies_by_itself_breaks_nothing(changes: dict[str, Any]) -> None:
    after = replace(USER, **changes)
    assert judge(ROOT, after, compare(ROOT, after)) == (Kind.PROVEN, "")


def test_a_port_that_the_system_chose_may_be_another_one_in_each_run() -> None:
    before = replace(ROOT, answers=(Answer(8000, "/", 200, "page", True), Answer(46839, "/", 200, "x", True)))
    after = replace(USER, answers=(Answer(8000, "/", 200, "page", True), Answer(42531, "/", 200, "x", True)))
    assert compare(before, after) == ()


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ((), "port 46839/ answered before, and does not now"),
        ((Answer(8000, "/", 200, "page", True),), "port 46839/ answered before, and does not now"),
        ((Answer(42531, "/api", 200, "page", True),), "port 46839/ answered before, and does not now"),
        ((Answer(42531, "/", 500, "page", True),), "port 46839/ answered 200 before, and 500 now"),
        ((Answer(42531, "/", 200, "denied", True),), "port 46839/ answers with a different text than before"),
    ],
)
def test_a_port_that_the_system_chose_has_to_answer_alike(answers: tuple[Answer, ...], message: str) -> None:
    before = replace(ROOT, answers=(Answer(46839, "/", 200, "page", True),))
    after = replace(USER, answers=answers)
    assert [one.message for one in compare(before, after)] == [message]


def test_packages_may_log_from_another_site() -> None:
    before = replace(ROOT, log_tail=("/usr/local/lib/python3.12/site-packages/bell.py:7: UserWarning",))
    after = replace(USER, log_tail=("/home/me/.local/lib/python3.12/site-packages/bell.py:9: UserWarning",))
    assert compare(before, after) == ()


def test_jobs_are_compared_by_their_exit_code() -> None:
    ended: dict[str, Any] = {"up": False, "exit_code": 0, "answers": ()}
    before, after = replace(ROOT, **ended), replace(USER, **ended)
    assert judge(before, after, compare(before, after)) == (Kind.PROVEN, "")
    failed = replace(after, exit_code=2)
    assert judge(before, failed, compare(before, failed))[0] is Kind.BREAKS
    stays = replace(USER, answers=())
    assert judge(before, stays, compare(before, stays))[0] is Kind.BREAKS


def answers(*statuses: int) -> tuple[Answer, ...]:
    return tuple(Answer(8000, f"/{status}", status, "", True) for status in statuses)


@pytest.mark.parametrize(
    ("changes", "ground", "words"),
    [
        ({}, Ground.ANSWERS, ""),
        ({"answers": answers(0)}, Ground.ANSWERS, ""),
        ({"answers": answers(500, 404), "health": None}, Ground.ANSWERS, ""),
        ({"answers": ()}, Ground.HEALTH, " (no port answered; its health check passed)"),
        ({"answers": answers(500), "health": None}, Ground.ERRORS, " (it answered with errors only)"),
        ({"answers": (), "health": 1}, Ground.STAYED_UP, " (stayed up; no port answered)"),
        (
            {"answers": (), "health": None, "up": False, "exit_code": 0},
            Ground.ENDED,
            " (ended with 0; no port answered)",
        ),
    ],
)
def test_the_ground_of_a_proof_is_reported(changes: dict[str, Any], ground: Ground, words: str) -> None:
    before, after = replace(ROOT, **changes), replace(USER, **changes)
    assert judge(before, after, compare(before, after)) == (Kind.PROVEN, "")
    assert find_ground(before, after) is ground
    verdict = Verdict(Kind.PROVEN, "Dockerfile", details=Details(ground=ground))
    assert str(verdict) == f"Dockerfile: proven{words}"
    assert json.loads(json.dumps(verdict.as_json()))["details"]["ground"] == ground.value


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"up": False, "exit_code": 3, "answers": (), "health": None, "log_tail": ("no database",)},
            "the original itself ends with exit code 3: no database",
        ),
        ({"asked_inside": False}, "the image has no Python to inspect it with"),
        ({"asked_inside": False, "obstacle": "it is too busy", "processes": ()}, "it is too busy"),
        ({"started": "no command specified"}, "the original does not start: no command specified"),
    ],
)
def test_what_shows_nothing_cannot_be_compared(changes: dict[str, Any], reason: str) -> None:
    before, after = replace(ROOT, **changes), replace(USER, **changes)
    assert judge(before, after, compare(before, after)) == (Kind.INCOMPARABLE, reason)


def test_a_rewrite_that_cannot_be_inspected_is_not_called_broken() -> None:
    after = replace(USER, answers=(), processes=(), asked_inside=False, obstacle="it is too busy")
    assert judge(ROOT, after, compare(ROOT, after)) == (Kind.INCOMPARABLE, "it is too busy")


ENDED: dict[str, Any] = {"up": False, "exit_code": 3, "log_tail": ("starting", "no database")}


@pytest.mark.parametrize(
    ("changes", "failure"),
    [
        ({}, ""),
        ({"up": False, "exit_code": 0}, ""),
        ({"started": "no such user"}, "the original does not start: no such user"),
        (ENDED, "the original ends with exit code 3: no database"),
        ({"log_tail": ("x: Permission denied", "y")}, "the original's log complains: x: Permission denied"),
    ],
)
def test_an_original_that_fails_is_recognized(changes: dict[str, Any], failure: str) -> None:
    assert find_failure(replace(USER, **changes)) == failure


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, (Kind.REPAIRED, "it failed")),
        ({"started": "no such user"}, (Kind.BREAKS, "the image does not start: no such user")),
        (ENDED, (Kind.BREAKS, "the rewrite ends with exit code 3: no database")),
        ({"log_tail": ("Permission denied",)}, (Kind.BREAKS, "its log complains: Permission denied")),
        ({"processes": ROOT.processes}, (Kind.BREAKS, "a process still runs as root: python app.py")),
    ],
)
def test_a_repair_has_to_work_as_a_user(changes: dict[str, Any], verdict: tuple[Kind, str]) -> None:
    assert judge_repair("it failed", replace(USER, **changes)) == verdict
