from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dockfix.runner.verdict import Answer, Kind, Observation
from dockfix.verify.engine import Engine
from dockfix.verify.prover import Case, Prover, _Built
from dockfix.verify.session import Session

ORIGINAL, REWRITE = "FROM python\n", "FROM python\nUSER u\n"
PAGE = (Answer(8000, "/", 200, "hello", True),)
ROOT = Observation("", "/root", "/app", "", up=True, exit_code=None, seconds=1.0, log_tail=(), answers=PAGE)
USER = replace(ROOT, user="u", home="/home/u", uids=(1000,))
HANGS = replace(USER, answers=())
DENIED = replace(HANGS, denials=("PermissionError: [Errno 13] Permission denied: '/app/x'",))
CANNOT_WRITE = replace(HANGS, unwritable=("/app/db.sqlite3",))


def prove(monkeypatch: pytest.MonkeyPatch, *runs: Observation | None) -> tuple[Kind, list[str], int]:
    """The verdict if the rewrite's runs are observed so, its differences, and how many runs there were."""
    left = list(runs)

    def build(self: Prover, case: Case, text: str, *_: object) -> _Built:
        return _Built("", ROOT if text == ORIGINAL else left.pop(0))

    monkeypatch.setattr(Prover, "_build", build)
    prover = Prover()
    prover._session = Session(Engine("docker", "docker"))
    prover._hidden = ()
    verdict = prover.prove(Case(ORIGINAL, REWRITE, Path("Dockerfile")))
    return verdict.kind, [one.message for one in verdict.details.differences], len(runs) - len(left)


def test_a_rewrite_that_hangs_once_is_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    kind, differences, runs = prove(monkeypatch, HANGS, USER)
    assert (kind, runs) == (Kind.PROVEN, 2)
    assert differences == ["in the first run: port 8000/ answered before, and does not now"]


def test_a_rewrite_that_hangs_twice_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    kind, differences, runs = prove(monkeypatch, HANGS, HANGS, USER)
    assert (kind, runs) == (Kind.BREAKS, 2)
    assert differences[0] == "port 8000/ answered before, and does not now"


def test_a_rewrite_that_does_not_build_again_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert prove(monkeypatch, HANGS, None)[0] is Kind.BREAKS


@pytest.mark.parametrize("first", [DENIED, CANNOT_WRITE])
def test_a_rewrite_that_is_denied_something_is_not_run_again(
    monkeypatch: pytest.MonkeyPatch, first: Observation
) -> None:
    kind, _, runs = prove(monkeypatch, first, USER)
    assert (kind, runs) == (Kind.BREAKS, 1)
