from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import pytest

from dockfix.verify.engine import Engine
from dockfix.verify.inspecting import Inspector, StuckError, has_observer, read_report
from dockfix.verify.session import TIMED_OUT, Done, Session

HELPER, IMAGE = "a" * 64, "b" * 64
ASKED: Mapping[str, Any] = {"files": True, "health": ["ok"], "checks": ["test -w /"]}


class FakeSession:
    """An engine in which each container answers by its own Python, unless it has none."""

    def __init__(self, *, helps: bool = True, python: bool = True, slow: bool = False) -> None:
        self.engine = Engine("docker", "docker")
        self.label = "l=1"
        self.helps, self.python, self.slow = helps, python, slow
        self.calls: list[list[str]] = []

    def call(self, argv: list[str], timeout: float = 120.0, stdin: str | None = None) -> Done:
        self.calls.append(argv)
        match argv[1:]:
            case ["create", *_]:
                return Done(0, f"WARNING: odd\n{HELPER}\n") if self.helps else Done(1, "no such image")
            case ["start", _]:
                return Done(0, "")
            case ["exec", "--interactive", container, program, *rest]:
                if stdin is None:
                    return Done(0 if program == "ok" else 1, f"{program} ran")
                if self.slow:
                    return Done(TIMED_OUT, "")
                is_helper = container == HELPER
                assert ('"outside": true' in rest[-1]) is is_helper
                if not (is_helper or self.python):
                    return Done(127, "not found")
                report: dict[str, Any] = {"uid": 7 if is_helper else 5, "answers": []}
                own = {
                    "sites": ["/s"],
                    "scripts": {"x": True},
                    "pip_check": [0, ""],
                    "health": 3,
                    "checks": [],
                }
                return Done(0, json.dumps({**report, **({} if is_helper else own)}))
        raise AssertionError(argv)


def inspector(session: FakeSession, observer: str = "python:3") -> Inspector:
    return Inspector(cast(Session, session), observer, IMAGE)


def test_the_view_from_outside_is_believed_before_the_images_own() -> None:
    session = FakeSession()
    one = inspector(session)
    assert one.helper == HELPER
    create = session.calls[0]
    assert create[create.index("--pid") + 1] == create[create.index("--network") + 1] == f"container:{IMAGE}"
    assert create[create.index("--cap-drop") + 1] == "ALL"
    assert "none" not in create
    report = one.ask({"ask": ["/"]})
    assert report is not None
    assert report["uid"] == 7
    whole = one.ask_all(ASKED)
    assert whole is not None
    assert (whole["uid"], whole["scripts"], whole["health"]) == (7, {"x": True}, 3)
    assert json.loads(session.calls[-1][-1])["sites"] == ["/s"]


def test_an_image_without_python_is_seen_from_outside() -> None:
    whole = inspector(FakeSession(python=False)).ask_all(ASKED)
    assert whole is not None
    assert (whole["uid"], whole["scripts"], whole["pip_check"]) == (7, {}, [None, ""])
    assert whole["health"] == 0
    assert whole["checks"] == [["test -w /", 1, "sh ran"]]


@pytest.mark.parametrize("observer", ["python:3", ""])
def test_without_an_observer_the_images_own_python_is_asked(observer: str) -> None:
    one = inspector(FakeSession(helps=False), observer)
    assert one.helper == ""
    whole = one.ask_all(ASKED)
    assert whole is not None
    assert (whole["uid"], whole["health"]) == (5, 3)
    assert inspector(FakeSession(helps=False, python=False), observer).ask_all(ASKED) is None


def test_a_container_that_leaves_no_time_is_given_up() -> None:
    with pytest.raises(StuckError):
        inspector(FakeSession(slow=True)).ask({"ask": ["/"]})


@pytest.mark.parametrize(
    ("codes", "found", "calls"), [((0,), True, 1), ((1, 0), True, 2), ((1, 1), False, 2)]
)
def test_an_observer_is_pulled_once(codes: tuple[int, ...], found: bool, calls: int) -> None:
    class Pulling(FakeSession):
        def call(self, argv: list[str], timeout: float = 120.0, stdin: str | None = None) -> Done:
            self.calls.append(argv)
            return Done(codes[len(self.calls) - 1], "")

    session = Pulling()
    assert has_observer(cast(Session, session), "python:3") is found
    assert len(session.calls) == calls
    assert not has_observer(cast(Session, session), "")


def test_a_report_is_found_among_other_lines() -> None:
    assert read_report('warning\n{"uid": 1}\nmore\n') == {"uid": 1}
    assert read_report('{"user": 1}\n') is None
