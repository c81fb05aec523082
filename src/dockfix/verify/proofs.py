"""Prove rewrites on a container engine before they are shown or written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

from dockfix.checks import codes
from dockfix.config import ConfigError
from dockfix.files.candidates import Candidate
from dockfix.learned import NOTHING, Learned
from dockfix.results import Changed, Failed, Finding, Skipped
from dockfix.runner.outcome import FileResult
from dockfix.terminal import Terminal, show_path
from dockfix.verify import EngineError, Kind, Prover, Verdict, VerifyOptions
from dockfix.verify.answers import answer
from dockfix.verify.cases import find_cases, sum_up
from dockfix.verify.rounds import Refix, Tried, read_for_proof, try_again

_REVIEW: Final = "look at the patch: --diff --verify --unproven"


def prove_all(
    candidates: Iterable[Candidate],
    results: Iterable[FileResult],
    options: VerifyOptions,
    terminal: Terminal,
    refix: Refix,
    keep: Callable[[Candidate, Learned], None],
    *,
    only_proven: bool,
    verbose: bool,
    kept: str,
    logs: MutableMapping[str, str] | None = None,
) -> Iterator[FileResult]:
    """The candidates' results, with the verdict for each change that applies or that a proof may answer.

    A change that waits for a review applies if the proof answers every question of its reviews. A file
    that is built in several ways is proven in each. One that breaks is fixed again by `refix` with what the
    proof has taught. A change that still breaks no longer applies, and its patch is kept in the folder
    `kept`; with `only_proven`, a change that could not be compared does not apply either, and is not kept.
    `keep` is called with what a proof that holds in the end has taught, and with what is read in root's home;
    `logs` is what build steps have printed.
    Raises ConfigError if there is no engine.
    """
    waiting = [
        (candidate, read_for_proof(candidate, file, refix))
        for candidate, file in zip(candidates, results, strict=True)
    ]
    by_file = [list(find_cases(candidate, file, options)) for candidate, file in waiting]
    cases = [case for own in by_file for case in own]
    if not cases:
        yield from (_pass_by(file, terminal, only_proven=only_proven) for _, file in waiting)
        return

    def show_round(text: str) -> None:
        if verbose:
            terminal.print(show_path(text))

    with ExitStack() as stack:
        try:
            prover = stack.enter_context(Prover(options, logs))
        except EngineError as error:
            raise ConfigError(f"--verify: {error}") from None
        show_step = stack.enter_context(terminal.steps(len(cases)))
        verdicts = prover.prove_all(cases, lambda path, step: show_step(show_path(str(path)), step))
        for (candidate, file), own in zip(waiting, by_file, strict=True):
            if not own:
                yield _pass_by(file, terminal, only_proven=only_proven)
                continue
            first = Tried(file, own, sum_up([(case, next(verdicts)) for case in own]))
            last = try_again(candidate, first, prover, refix, show_round)
            taught = last.learned if last.verdict.proven else Learned(reads=last.learned.reads)
            if taught != NOTHING:
                keep(candidate, taught)
            tried = replace(last.file, proof=last.verdict)
            yield _judge(tried, last.verdict, taught, only_proven=only_proven, kept=kept)


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


def _judge(
    file: FileResult, verdict: Verdict, taught: Learned, *, only_proven: bool, kept: str
) -> FileResult:
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
    help = f"please report it with {place}"
    if taught.reads:
        help = (
            f"the original reads {', '.join(taught.reads)} in root's home: put it where every user reads it"
        )
    reason = Finding(codes.REWRITE_BREAKS, 0, f"the rewrite breaks it: {verdict.details.reason}", help)
    return replace(file, result=Skipped((reason,)), applies=False)


def _unkept(place: str, error: OSError) -> Finding:
    return Finding(
        codes.REWRITE_BREAKS, 0, f"the rewrite breaks it, and {place} cannot be written: {error.strerror}"
    )
