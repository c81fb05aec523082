from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockfix.confined import AHEAD, CHUNK
from dockfix.context import Context
from dockfix.options import Options
from dockfix.results import Changed, Failed, Result, Unchanged
from dockfix.runner.jobs import Item, Job, Reply
from dockfix.runner.outcome import FileResult
from dockfix.runner.pool import fix_all

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the stand-in travels by fork")


def misbehave(text: str, _options: Options, _context: Context) -> Result:
    """A fix that does what the text says."""
    order, _, rest = text.partition(" ")
    if order == "crash":
        os._exit(3)
    if order == "hang":
        while True:
            pass
    if order == "cling":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        while True:
            time.sleep(0.01)
    if order == "sleep":
        time.sleep(float(rest))
    if order == "grow":
        return Changed(text + "more\n", ("grow",))
    return Unchanged()


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dockfix.pipeline.fix", misbehave)
    monkeypatch.setattr("dockfix.runner.outcome._load", lambda: None)


def outcomes(items: list[Item], seconds: float = 5.0, count: int = 2) -> dict[str, str]:
    """The outcome of each path, in the order of the replies."""
    found = {}
    for _, reply in fix_all(items, count, seconds):
        path, result = reply.file.path, reply.file.result
        found[path] = result.error.code if isinstance(result, Failed) else type(result).__name__
    return found


def jobs(**texts: str) -> list[Item]:
    return [Job(path, text.encode(), Options()) for path, text in texts.items()]


@pytest.mark.integration
def test_order_is_that_of_the_items() -> None:
    items: list[Item] = []
    for number in range(10 * CHUNK):
        path = f"{number:03}"
        if number % 7 == 0:
            items.append(Reply(FileResult(path, Unchanged())))
        else:
            items.append(Job(path, b"grow \n" if number % 3 else b"sleep 0.01", Options()))
    found = outcomes(items)
    assert list(found) == [f"{number:03}" for number in range(10 * CHUNK)]
    assert found["001"] == "Changed"
    assert found["003"] == "Unchanged"


def test_what_is_known_already_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dockfix.confined._Process", None)
    items: list[Item] = [Reply(FileResult(str(number), Unchanged())) for number in range(2000)]
    assert len(outcomes(items)) == 2000


@pytest.mark.integration
def test_a_crash_loses_one_file() -> None:
    texts = {f"good{number}": "grow \n" for number in range(3 * CHUNK)}
    found = outcomes(jobs(**texts, bad="crash", **{f"late{number}": "grow \n" for number in range(CHUNK)}))
    assert {path for path, outcome in found.items() if outcome != "Changed"} == {"bad"}
    assert found["bad"] == "crash"


@pytest.mark.integration
def test_an_endless_file_is_given_up() -> None:
    found = outcomes(jobs(a="grow \n", b="hang", c="grow \n"), seconds=0.2)
    assert found == {"a": "Changed", "b": "timeout", "c": "Changed"}


@pytest.mark.integration
def test_one_that_cannot_be_stopped_is_killed() -> None:
    found = outcomes(jobs(a="grow \n", b="cling", c="grow \n"), seconds=0.1)
    assert found == {"a": "Changed", "b": "timeout", "c": "Changed"}


def test_items_are_taken_as_they_are_needed() -> None:
    taken = 0

    def source() -> Iterator[Item]:
        nonlocal taken
        for number in range(100_000):
            taken += 1
            yield Job(str(number), b"grow \n", Options())

    replies = fix_all(source(), 1, 5.0)
    next(replies)
    assert taken <= AHEAD + CHUNK
    replies.close()  # type: ignore[attr-defined]  # it is a generator


@pytest.mark.integration
def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = textwrap.dedent(f"""
        import os, time
        from dockfix import pipeline
        from dockfix.runner import outcome
        from dockfix.options import Options
        from dockfix.runner.jobs import Job
        from dockfix.runner.pool import fix_all
        from dockfix.results import Unchanged

        def report_and_wait(text, options, context):
            open({str(tmp_path)!r} + "/" + str(os.getpid()), "w").close()
            time.sleep(60)
            return Unchanged()

        pipeline.fix, outcome._load = report_and_wait, lambda: None
        list(fix_all([Job(str(n), b"x", Options()) for n in range(99)], 2, 60.0))
    """)
    parent = subprocess.Popen([sys.executable, "-c", script])
    deadline = time.monotonic() + 30
    while len(workers := os.listdir(tmp_path)) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    parent.kill()
    parent.wait()
    while any(map(lives, workers)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(workers) == 2
    assert not any(map(lives, workers))


def lives(pid: str) -> bool:
    """Whether a process runs (one that has ended and waits to be collected does not)."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
