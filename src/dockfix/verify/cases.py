"""The cases to prove for one file, one for each way in which it is built, and their verdicts as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from dockfix.checks import codes
from dockfix.files.candidates import Candidate
from dockfix.options.request import VerifyOptions
from dockfix.results import Changed, Trial
from dockfix.runner.outcome import FileResult
from dockfix.runner.verdict import Ground, Kind, Verdict
from dockfix.verify.answers import asks, may_be_answered
from dockfix.verify.prover import Case, stage_names
from dockfix.verify.recipes import find_context_above, find_recipes

_GROUNDS: Final = tuple(Ground)
_LEAST_FIRST: Final = (Kind.BREAKS, Kind.ORIGINAL_FAILS, Kind.INCOMPARABLE, Kind.REPAIRED, Kind.PROVEN)


def find_cases(candidate: Candidate, file: FileResult, options: VerifyOptions) -> Iterator[Case]:
    """The cases of a change that applies, or whose reviews a proof may answer."""
    change = file.result
    if candidate.embedded or not isinstance(change, Changed):
        return
    if not (file.applies or may_be_answered(change)):
        return
    before = file.before.decode("utf-8")
    leaves_root = "set-user" in change.transforms
    closes_ports = asks(change, Trial.ANSWERS_WITH_CLOSED_PORTS)
    above = find_context_above(candidate, before) if options.context is None else None
    for recipe in find_recipes(candidate, stage_names(before), options):
        yield Case(
            before,
            change.text,
            Path(file.path),
            leaves_root=leaves_root,
            repairs=codes.finishes_move(change),
            recipe=recipe if recipe.context else replace(recipe, context=above),
            closes_ports=closes_ports,
        )


def sum_up(proofs: Sequence[tuple[Case, Verdict]]) -> Verdict:
    """The worst of a file's verdicts, with the recipe that it is about."""
    case, verdict = min(proofs, key=lambda proof: _rank(proof[1]))
    if len(proofs) == 1:
        return verdict
    if verdict.proven:
        shown = tuple(one for one in Trial if all(one in proof.details.shown for _, proof in proofs))
        return replace(verdict, details=replace(verdict.details, shown=shown))
    reason = f"{verdict.details.reason} (built with {case.recipe})"
    return replace(verdict, details=replace(verdict.details, reason=reason))


def _rank(verdict: Verdict) -> tuple[int, int]:
    """The rank of a verdict; higher is better."""
    ground = verdict.details.ground
    return _LEAST_FIRST.index(verdict.kind), 0 if ground is None else -_GROUNDS.index(ground)
