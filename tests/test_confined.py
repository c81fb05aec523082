from __future__ import annotations

import gc
import os
import re
import signal
import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from dockfix import confined
from dockfix.confined import Known, Loss, session, work, work_all

_kept: list[bytearray] = []


def keep(name: str) -> str:
    _kept.append(bytearray(confined.MEMORY * 2 // 5))
    return name


def wear_out(name: str) -> str:
    """Kill the process on its fourth thing, whichever that is."""
    _kept.append(bytearray())
    if len(_kept) == 4:
        os.kill(os.getpid(), signal.SIGSEGV)
    return name


def obey(order: str) -> str:
    """What a function may do to the process it runs in."""
    word, _, rest = order.partition(" ")
    match word:
        case "crash":
            os._exit(3)
        case "abort":
            os.abort()
        case "grow":
            return str(len(bytearray(2 * confined.MEMORY)))
        case "hang":
            time.sleep(60)
        case "backtrack":  # C code, which no handler of a signal interrupts
            re.match("(a*)*b", "a" * 60)
        case "deaf":
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
            time.sleep(60)
        case "raise":
            raise ValueError(rest)
        case "print":
            os.write(2, rest.encode())
            warnings.warn(rest, stacklevel=1)
        case "pid":
            return str(os.getpid())
    return rest


def test_order_is_that_of_the_things() -> None:
    def things() -> Iterator[Any]:
        yield Known("0")
        yield from (f"say {number}" for number in range(1, 99))
        yield Known("99")

    found = list(work_all(obey, things(), count=2))
    assert found == [str(number) for number in range(100)]


@pytest.mark.parametrize(
    ("order", "loss"),
    [
        ("crash", Loss.CRASH),
        ("abort", Loss.CRASH),
        ("grow", Loss.MEMORY),
        ("hang", Loss.TIMEOUT),
        ("backtrack", Loss.TIMEOUT),
        ("deaf", Loss.TIMEOUT),
    ],
)
@pytest.mark.parametrize("count", [1, 2])
def test_what_is_lost_is_lost_alone(order: str, loss: Loss, count: int) -> None:
    orders = [*["say a"] * 5, order, *["say b"] * 20]
    found = list(work_all(obey, orders, seconds=0.3, count=count))
    assert found == [*["a"] * 5, loss, *["b"] * 20]


@pytest.mark.integration
def test_memory_that_earlier_things_keep_is_not_charged_to_a_later_one() -> None:
    assert list(work_all(keep, ["a"] * 7, seconds=5)) == ["a"] * 7


def test_a_crash_that_earlier_things_cause_is_not_charged_to_a_later_one() -> None:
    assert list(work_all(wear_out, ["a"] * 7, seconds=5)) == ["a"] * 7


@pytest.mark.integration
def test_everything_may_be_lost() -> None:
    assert list(work_all(obey, ["crash"] * 20, count=2)) == [Loss.CRASH] * 20


def test_an_error_is_raised_here() -> None:
    with pytest.raises(ValueError, match="mine"):
        work(obey, "raise mine")


@pytest.mark.integration
def test_a_large_thing_and_a_large_result_pass() -> None:
    text = "say " + "x" * 5_000_000
    assert list(work_all(obey, [text] * 9, count=2)) == [text[4:]] * 9


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    assert work(obey, "print secret") == "secret"
    assert capfd.readouterr() == ("", "")


@pytest.mark.integration
def test_a_session_keeps_its_process_and_ends_it() -> None:
    prepared = []
    with session(lambda: prepared.append(1)):
        first, second = work(obey, "pid"), work(obey, "pid")
        assert first == second
        os.kill(int(str(first)), 0)
    assert prepared == [1]
    assert not _is_there(str(first))
    assert work(obey, "pid") != work(obey, "pid")


def test_an_abandoned_search_leaves_no_process() -> None:
    rows: Iterator[object] = work_all(obey, ["pid", "hang", "hang"], seconds=30)
    pid = str(next(rows))
    assert _is_there(pid)
    rows.close()  # type: ignore[attr-defined]  # it is a generator
    gc.collect()
    assert not _is_there(pid)


def _is_there(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    return True
