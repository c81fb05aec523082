"""Prove rewrites on a container engine before they are shown or written."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

from dockfix.checks import codes
from dockfix.config import ConfigError
from dockfix.files.candidates import Candidate
from dockfix.results import Changed, Failed, Finding, Skipped, Trial
from dockfix.runner.outcome import FileResult
from dockfix.terminal import Terminal, show_path
from dockfix.verify import (
    Case,
    EngineError,
    Ground,
    Kind,
    Prover,
    Verdict,
    VerifyOptions,
    find_recipes,
    stage_names,
)
from dockfix.verify.answers import answer, asks, may_be_answered

_REVIEW: Final = "look at the patch: --diff --verify --unproven"
_GROUNDS: Final = tuple(Ground)
_LEAST_FIRST: Final = (Kind.BREAKS, Kind.ORIGINAL_FAILS, Kind.INCOMPARABLE, Kind.REPAIRED, Kind.PROVEN)


def prove_all(
    candidates: Iterable[Candidate],
    results: Iterable[FileResult],
    options: VerifyOptions,
    terminal: Terminal,
    *,
    only_proven: bool,
    kept: str,
) -> Iterator[FileResult]:
    """The candidates' results, with the verdict for each change that applies or that a proof may answer.

    A change that waits for a review applies if the proof answers every question of its reviews. A file
    that is built in several ways is proven in each. A change that breaks no longer applies, and its patch
    is kept in the folder `kept`; with `only_proven`, a change that could not be compared does not apply
    either, and is not kept. Raises ConfigError if there is no engine.
    """
    waiting = [
        (file, list(_cases(candidate, file, options)))
        for candidate, file in zip(candidates, results, strict=True)
    ]
    cases = [case for _, own in waiting for case in own]
    if not cases:
        yield from (_pass_by(file, terminal, only_proven=only_proven) for file, _ in waiting)
        return
    with ExitStack() as stack:
        try:
            prover = stack.enter_context(Prover(options))
        except EngineError as error:
            raise ConfigError(f"--verify: {error}") from None
        show_step = stack.enter_context(terminal.steps(len(cases)))
        verdicts = prover.prove_all(cases, lambda path, step: show_step(show_path(str(path)), step))
        for file, own in waiting:
            if own:
                verdict = _sum_up([(case, next(verdicts)) for case in own])
                yield _judge(replace(file, proof=verdict), verdict, only_proven=only_proven, kept=kept)
            else:
                yield _pass_by(file, terminal, only_proven=only_proven)


def _cases(candidate: Candidate, file: FileResult, options: VerifyOptions) -> Iterator[Case]:
    change = file.result
    if candidate.embedded or not isinstance(change, Changed):
        return
    if not (file.applies or may_be_answered(change)):
        return
    before = file.before.decode("utf-8")
    leaves_root = "set-user" in change.transforms
    closes_ports = asks(change, Trial.ANSWERS_WITH_CLOSED_PORTS)
    for recipe in find_recipes(candidate, stage_names(before), options):
        yield Case(
            before,
            change.text,
            Path(file.path),
            leaves_root=leaves_root,
            repairs=codes.finishes_move(change),
            recipe=recipe,
            closes_ports=closes_ports,
        )


def _sum_up(proofs: Sequence[tuple[Case, Verdict]]) -> Verdict:
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


def _pass_by(file: FileResult, terminal: Terminal, *, only_proven: bool) -> FileResult:
    """A result without a proof: no change applies, or the Dockerfile is embedded in another file."""
    if not file.applies:
        return file
    message = "not proven: it is embedded in another file, which cannot be built"
    if only_proven:
        return _leave(file, message, _REVIEW)
    terminal.print(f"{show_path(file.path)}: {message}", "yellow")
    return file


def _leave(file: FileResult, message: str, help: str) -> FileResult:
    reason = Finding(codes.NOT_PROVEN, 0, message, help)
    return replace(file, result=Skipped((reason,)), applies=False)


def _judge(file: FileResult, verdict: Verdict, *, only_proven: bool, kept: str) -> FileResult:
    if not file.applies and isinstance(file.result, Changed):
        change = answer(file.result, verdict.details.shown)
        return replace(file, result=change, applies=verdict.proven and change.safe)
    if verdict.proven or (verdict.kind is not Kind.BREAKS and not only_proven):
        return file
    if verdict.kind is not Kind.BREAKS:
        return _leave(file, f"not proven: {verdict.sentence}", verdict.details.help or _REVIEW)
    place = os.path.join(kept, f"{file.name.replace('/', '-')}.patch")
    try:
        os.makedirs(kept, exist_ok=True)
        Path(place).write_bytes(file.patch.encode("utf-8"))
    except OSError as error:
        return replace(file, result=Failed(_unkept(place, error)), applies=False)
    reason = Finding(
        codes.REWRITE_BREAKS,
        0,
        f"the rewrite breaks it: {verdict.details.reason}",
        f"please report it with {place}",
    )
    return replace(file, result=Skipped((reason,)), applies=False)


def _unkept(place: str, error: OSError) -> Finding:
    return Finding(
        codes.REWRITE_BREAKS, 0, f"the rewrite breaks it, and {place} cannot be written: {error.strerror}"
    )
