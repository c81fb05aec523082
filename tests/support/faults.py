"""Faults during a run, by the sentence with which a case in fixtures/runs requests them."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from dockfix.files import writing
from dockfix.image_facts import ImageFacts
from dockfix.inspection.collect import Answer
from dockfix.inspection.questions import Question
from dockfix.options.request import Inspect
from dockfix.runner.verdict import Details
from dockfix.verify import Case, Kind, Verdict, VerifyOptions


class _BreakingProver:
    """An engine on which every rewrite breaks."""

    def __init__(self, options: VerifyOptions, _logs: object) -> None:
        self.options = options

    def __enter__(self) -> _BreakingProver:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def prove_all(self, cases: Iterable[Case], progress: Callable[[Path, str], None]) -> Iterator[Verdict]:
        for case in cases:
            details = Details("docker", "it stayed up before, and ends with exit code 1 now")
            yield Verdict(Kind.BREAKS, str(case.dockerfile), "compare", (), details)


def _answer_nothing(
    questions: Iterable[Question], _how: Inspect, _engine: str | None, _cache: Any
) -> Iterator[Answer]:
    yield from (Answer(one, None, "the registry says: not found") for one in questions)


def _answer_anew(
    questions: Iterable[Question], _how: Inspect, _engine: str | None, _cache: Any
) -> Iterator[Answer]:
    yield from (Answer(one, ImageFacts(f"sha256:{'a' * 64}", user="worker")) for one in questions)


def _fails_to_open(path: str, *rest: Any, really: Any = os.open, **where: Any) -> int:
    if os.fspath(path) == "Dockerfile":
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    opened: int = really(path, *rest, **where)
    return opened


@contextmanager
def _saved_meanwhile() -> Iterator[None]:
    really = writing.replace_content

    def save_first(path: str, before: bytes, after: bytes) -> None:
        Path(path).write_bytes(before + b"# mine\n")
        really(path, before, after)

    with patch("dockfix.output.journal.replace_content", save_first):
        yield


def _raise_full(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextmanager
def _breaks_and_cannot_be_kept() -> Iterator[None]:
    really = os.makedirs

    def fail_for_it(path: str, *rest: Any, **options: Any) -> None:
        if path.endswith("broken"):
            _raise_full()
        really(path, *rest, **options)

    with patch("dockfix.verify.proofs.Prover", _BreakingProver), patch("os.makedirs", fail_for_it):
        yield


def _raise_mistake(*_: Any) -> None:
    raise ValueError("a mistake of ours")


def _fixing(behaviour: Callable[..., Any]) -> Callable[[], AbstractContextManager[Any]]:
    @contextmanager
    def behaving() -> Iterator[None]:
        with patch("dockfix.pipeline.fix", behaviour), patch("dockfix.runner.outcome._load", lambda: None):
            yield

    return behaving


FAULTS: Final[dict[str, Callable[[], AbstractContextManager[Any]]]] = {
    "Dockerfile may not be read": lambda: patch("os.open", _fails_to_open),
    "Dockerfile is saved by somebody else meanwhile": _saved_meanwhile,
    "the disk is full": lambda: patch("os.replace", _raise_full),
    "the rewrite hangs": _fixing(lambda *_: time.sleep(30)),
    "the process dies": _fixing(lambda *_: os._exit(1)),
    "the rewrite raises an error": _fixing(_raise_mistake),
    "no engine and no registry has the base": lambda: patch(
        "dockfix.inspection.records.ask_all", _answer_nothing
    ),
    "the base has another user now": lambda: patch("dockfix.inspection.records.ask_all", _answer_anew),
    "the engine says that the rewrite breaks": lambda: patch("dockfix.verify.proofs.Prover", _BreakingProver),
    "the engine says that the rewrite breaks, and its patch cannot be kept": _breaks_and_cannot_be_kept,
}
