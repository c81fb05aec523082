"""Rewrites proven on a container engine before they are shown or written."""

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
from dockfix.results import Changed, Failed, Finding, Skipped
from dockfix.runner.outcome import Analysis
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

_STYLES: Final = {Kind.PROVEN: "green", Kind.BREAKS: "bold red"}
_GROUNDS: Final = tuple(Ground)
_LEAST_FIRST: Final = (Kind.BREAKS, Kind.ORIGINAL_FAILS, Kind.INCOMPARABLE, Kind.PROVEN)


def prove_all(
    candidates: Iterable[Candidate],
    analyses: Iterable[Analysis],
    options: VerifyOptions,
    terminal: Terminal,
    *,
    only_proven: bool,
    kept: str,
) -> Iterator[Analysis]:
    """The candidates' analyses, each change that applies with its verdict, which is also said.

    A file that is built in several ways is proven in each. One that breaks does not apply any more,
    its patch is kept in the folder `kept`; with `only_proven` neither does one that could not be
    compared. Raises ConfigError where no engine is.
    """
    waiting = [
        (analysis, list(_cases(candidate, analysis, options)))
        for candidate, analysis in zip(candidates, analyses, strict=True)
    ]
    cases = [case for _, own in waiting for case in own]
    if not cases:
        yield from (_pass_by(analysis, terminal, only_proven=only_proven) for analysis, _ in waiting)
        return
    with ExitStack() as stack:
        try:
            prover = stack.enter_context(Prover(options))
        except EngineError as error:
            raise ConfigError(f"--verify: {error}") from None
        show_step = stack.enter_context(terminal.steps(len(cases)))
        verdicts = prover.prove_all(cases, lambda path, step: show_step(show_path(str(path)), step))
        for analysis, own in waiting:
            if own:
                verdict = _sum_up([(case, next(verdicts)) for case in own])
                _print(verdict, terminal)
                yield _judge(replace(analysis, proof=verdict), verdict, only_proven=only_proven, kept=kept)
            else:
                yield _pass_by(analysis, terminal, only_proven=only_proven)


def _cases(candidate: Candidate, analysis: Analysis, options: VerifyOptions) -> Iterator[Case]:
    if not analysis.applies or candidate.embedded:
        return
    before, after = analysis.before.decode("utf-8"), analysis.after.decode("utf-8")
    leaves_root = isinstance(analysis.result, Changed) and "set-user" in analysis.result.transforms
    for recipe in find_recipes(candidate, stage_names(before), options):
        yield Case(before, after, Path(analysis.path), leaves_root=leaves_root, recipe=recipe)


def _sum_up(proofs: Sequence[tuple[Case, Verdict]]) -> Verdict:
    """The least good of a file's verdicts, with the way of building that it is about."""
    case, verdict = min(proofs, key=lambda proof: _rank(proof[1]))
    if len(proofs) == 1 or verdict.proven:
        return verdict
    reason = f"{verdict.details.reason} (built with {case.recipe})"
    return replace(verdict, details=replace(verdict.details, reason=reason))


def _rank(verdict: Verdict) -> tuple[int, int]:
    """The higher, the better."""
    ground = verdict.details.ground
    return _LEAST_FIRST.index(verdict.kind), 0 if ground is None else -_GROUNDS.index(ground)


def _pass_by(analysis: Analysis, terminal: Terminal, *, only_proven: bool) -> Analysis:
    """An analysis without a proof: nothing applies, or Dockerfiles inside of a file that nobody builds."""
    if not analysis.applies:
        return analysis
    message = "not proven: it is embedded in another file, which cannot be built"
    terminal.print(f"{show_path(analysis.path)}: {message}", "yellow")
    return _leave(analysis, message) if only_proven else analysis


def _leave(analysis: Analysis, message: str) -> Analysis:
    reason = Finding(codes.NOT_PROVEN, 0, message, "review the patch, then write it without --verify")
    return replace(analysis, result=Skipped((reason,)), applies=False)


def _print(verdict: Verdict, terminal: Terminal) -> None:
    terminal.print(show_path(str(verdict)), _STYLES.get(verdict.kind, "yellow"))
    if verdict.kind in (Kind.BREAKS, Kind.ORIGINAL_FAILS):
        for line in verdict.log_tail:
            terminal.print(f"    {show_path(line)}")


def _judge(analysis: Analysis, verdict: Verdict, *, only_proven: bool, kept: str) -> Analysis:
    if verdict.proven or (verdict.kind is not Kind.BREAKS and not only_proven):
        return analysis
    if verdict.kind is not Kind.BREAKS:
        return _leave(analysis, f"not proven: {verdict.kind.replace('-', ' ')}")
    place = os.path.join(kept, f"{analysis.name.replace('/', '-')}.patch")
    try:
        os.makedirs(kept, exist_ok=True)
        Path(place).write_bytes(analysis.patch.encode("utf-8"))
    except OSError as error:
        return replace(analysis, result=Failed(_unkept(place, error)), applies=False)
    reason = Finding(
        codes.REWRITE_BREAKS,
        0,
        f"the rewrite breaks it: {verdict.details.reason}",
        f"please report it with {place}",
    )
    return replace(analysis, result=Skipped((reason,)), applies=False)


def _unkept(place: str, error: OSError) -> Finding:
    return Finding(
        codes.REWRITE_BREAKS, 0, f"the rewrite breaks it, and {place} cannot be written: {error.strerror}"
    )
