"""Rewrites proven on a container engine before they are shown or written."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

from dockfix.analysis import Analysis
from dockfix.config import ConfigError
from dockfix.report import BROKEN
from dockfix.results import Changed, Failed, Finding, Skipped
from dockfix.terminal import Terminal, show_path
from dockfix.verify import Case, EngineError, Kind, Prover, Verdict, VerifyOptions

_STYLES: Final = {Kind.PROVEN: "green", Kind.BREAKS: "bold red"}


def prove_all(
    analyses: Iterable[Analysis], options: VerifyOptions, terminal: Terminal, *, only_proven: bool, kept: str
) -> Iterator[Analysis]:
    """The analyses, each change that applies with its verdict, which is also said.

    One that breaks does not apply any more, its patch is kept in the folder `kept`; with
    `only_proven` neither does one that could not be compared. Raises ConfigError where no engine is.
    """
    waiting = list(analyses)
    cases = [_case(analysis) for analysis in waiting if analysis.applies]
    if not cases:
        yield from waiting
        return
    with ExitStack() as stack:
        try:
            prover = stack.enter_context(Prover(options))
        except EngineError as error:
            raise ConfigError(f"--verify: {error}") from None
        say_step = stack.enter_context(terminal.steps(len(cases)))
        verdicts = prover.prove_all(cases, lambda path, step: say_step(show_path(str(path)), step))
        for analysis in waiting:
            if analysis.applies:
                verdict = next(verdicts)
                _say(verdict, terminal)
                yield _judge(replace(analysis, proof=verdict), verdict, only_proven=only_proven, kept=kept)
            else:
                yield analysis


def _case(analysis: Analysis) -> Case:
    return Case(
        analysis.before.decode("utf-8"),
        analysis.after.decode("utf-8"),
        Path(analysis.path),
        leaves_root=isinstance(analysis.result, Changed) and "set-user" in analysis.result.transforms,
    )


def _say(verdict: Verdict, terminal: Terminal) -> None:
    terminal.say(show_path(str(verdict)), _STYLES.get(verdict.kind, "yellow"))
    if verdict.kind in (Kind.BREAKS, Kind.ORIGINAL_FAILS):
        for line in verdict.log_tail:
            terminal.say(f"    {show_path(line)}")


def _judge(analysis: Analysis, verdict: Verdict, *, only_proven: bool, kept: str) -> Analysis:
    if verdict.proven or (verdict.kind is not Kind.BREAKS and not only_proven):
        return analysis
    if verdict.kind is not Kind.BREAKS:
        message = f"not proven: {verdict.kind.replace('-', ' ')}"
        reason = Finding("not-proven", 0, message, "look at the patch; write it without --verify")
        return replace(analysis, result=Skipped((reason,)), applies=False)
    place = os.path.join(kept, f"{analysis.name.replace('/', '-')}.patch")
    try:
        os.makedirs(kept, exist_ok=True)
        Path(place).write_bytes(analysis.patch.encode("utf-8"))
    except OSError as error:
        return replace(analysis, result=Failed(_unkept(place, error)), applies=False)
    reason = Finding(BROKEN, 0, f"the rewrite breaks it: {verdict.details.reason}", f"report it with {place}")
    return replace(analysis, result=Skipped((reason,)), applies=False)


def _unkept(place: str, error: OSError) -> Finding:
    return Finding(BROKEN, 0, f"the rewrite breaks it, and {place} cannot be written: {error.strerror}")
