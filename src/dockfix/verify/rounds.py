"""Rewrite and prove a file again with what its proof has taught, a few times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from dockfix.diff import original_line
from dockfix.files.candidates import Candidate
from dockfix.learned import NOTHING, Learned
from dockfix.results import Changed
from dockfix.runner.outcome import FileResult
from dockfix.runner.verdict import Verdict
from dockfix.verify.answers import may_be_answered
from dockfix.verify.cases import find_cases, sum_up
from dockfix.verify.learning import find_step, learn
from dockfix.verify.prover import Case, Prover

ROUNDS: Final = 3
"""The maximum number of times that a file is rewritten anew."""
Refix = Callable[[Candidate, Learned], FileResult]
"""Fixes a candidate with what was learned, and with all evidence even if the change waits for a review."""
Show = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Tried:
    """A file's change, the cases by which it was tried, and the verdict."""

    file: FileResult
    cases: Sequence[Case]
    verdict: Verdict
    learned: Learned = NOTHING


def read_for_proof(candidate: Candidate, file: FileResult, refix: Refix) -> FileResult:
    """The file as it is to be tried: for a change that waits for a review, no sources were read."""
    if file.applies or candidate.embedded or not may_be_answered(file.result):
        return file
    again = refix(candidate, NOTHING)
    return again if may_be_answered(again.result) else file


def try_again(candidate: Candidate, tried: Tried, prover: Prover, refix: Refix, show: Show) -> Tried:
    """The same, or the last of the rounds in which it was rewritten with what the proof had shown.

    What the last proof has taught is in it, even if no other rewrite follows from that.
    """
    learned = NOTHING
    for number in range(1, ROUNDS + 1):
        more = learned.joined(_learn(tried, prover))
        if more == learned:
            break
        learned = more
        again = _try(candidate, refix(candidate, learned), tried, prover)
        if again is None:
            return replace(tried, learned=learned)
        reason = tried.verdict.details.reason
        show(f"{tried.verdict.path}: round {number}: {reason}; tried again, as {learned}")
        tried = replace(again, learned=learned)
    return tried


def _learn(tried: Tried, prover: Prover) -> Learned:
    return learn(
        tried.verdict,
        lambda line: find_step(tried.cases[0].original, original_line(tried.file.edits, line)),
        lambda: prover.observe_again(tried.cases[0], tried.verdict.details.after),
    )


def _try(candidate: Candidate, file: FileResult, before: Tried, prover: Prover) -> Tried | None:
    """The proof of another rewrite, None if there is none."""
    cases = list(find_cases(candidate, file, prover.options))
    old = before.file.result
    same = isinstance(file.result, Changed) and isinstance(old, Changed) and file.result.text == old.text
    if same or not cases:
        return None
    return Tried(file, cases, sum_up([(case, prover.prove(case)) for case in cases]))
