"""One run, from the request to the exit code: its files, their results, and their destinations."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from dockfix.config import bare_folders, build_options, check_overrides, find_config
from dockfix.confined import session
from dockfix.context import Deployment
from dockfix.diff import patch_name, patch_root
from dockfix.discovery.paths import find_candidates
from dockfix.files.candidates import NAMELESS, Candidate
from dockfix.files.git import find_top
from dockfix.files.reading import read_stream
from dockfix.options import Options
from dockfix.options.request import Mode, Request
from dockfix.output.exit_codes import Exit
from dockfix.output.interrupts import Interrupts
from dockfix.output.sinks import Sink, open_sinks
from dockfix.output.summary import Summary
from dockfix.results import Finding
from dockfix.runner.outcome import FileResult, hold_back, load_core_meanwhile, wait_for_loading
from dockfix.runner.runner import FEW, fix_many
from dockfix.terminal import Terminal

if TYPE_CHECKING:
    from dockfix.files.cache import Cache
    from dockfix.files.patterns import Selection
    from dockfix.output.apply import Writer


def run(request: Request) -> Exit:
    """Carry out a request and return the exit code. Raises ConfigError before anything is written."""
    check_overrides(request.overrides)
    terminal = Terminal(request.reports.color)
    root = patch_root(request.places)
    sinks = open_sinks(request, root, terminal)
    cache = open_cache_of(request)
    if cache is None or not cache.knows_files:
        load_core_meanwhile()
    summary = Summary(terminal, request.mode, request.reports.volume)
    with session(wait_for_loading, request.execution.seconds):
        candidates, results = fix_files(request, root, cache, terminal)
        finished = _deliver(request, results, len(candidates), sinks, summary)
    if cache is not None:
        cache.save()
    for sink in sinks:
        sink.close()
    terminal.flush()
    summary.print_notes()
    if not (finished and request.is_brief(len(candidates))):
        terminal.flush()
        summary.close(None if finished else len(candidates))
    if not (request.files.embedded or request.is_nameless):
        summary.print_hint()
    terminal.flush()
    return summary.exit_code if finished else Exit.INTERRUPTED


class Prepared(NamedTuple):
    """The work of a run: the candidates, the options of each, and why a change of it must wait.

    `deployments` are those of the candidates' images, by the Dockerfile's absolute path.
    """

    candidates: Sequence[Candidate]
    options: Sequence[Options]
    reasons: Sequence[Finding | None]
    deployments: Mapping[str, tuple[Deployment, ...]]


def prepare(request: Request, cache: Cache | None) -> Prepared:
    """Find the files of a request, and read what their repositories know about them. Raises ConfigError."""
    selection = _selection(request)
    candidates, others = _find_candidates(request, selection, cache)
    lost = [one._replace(outside=False) for one in others if one.is_lost]
    deployments = _find_deployments(selection, candidates, others, cache, lost)
    if deployments:
        candidates = [one._replace(deployments=deployments.get(one.real, ())) for one in candidates]
    candidates = [*candidates, *lost]
    return _relate(request, candidates, others, deployments, cache)


def fix_files(
    request: Request, root: str, cache: Cache | None, terminal: Terminal
) -> tuple[Sequence[Candidate], Iterator[FileResult]]:
    """The candidates, and their results, which are computed lazily.

    Raises ConfigError.
    """
    prepared = prepare(request, cache)
    candidates, options = prepared.candidates, prepared.options
    if request.files.manifests and prepared.deployments:
        from dockfix.runner.manifests import mark_following

        candidates = mark_following(candidates, root)
    results = _results(request, candidates, options, cache)
    if any(prepared.reasons):
        results = hold_back(results, prepared.reasons)
    if request.needs_texts or request.output.stat:
        results = map(partial(name_file, root), results, candidates)
    if request.output.verify:
        results = _prove(request, candidates, results, terminal)
    if request.files.manifests and prepared.deployments:
        from dockfix.runner.manifests import follow

        by_file = {one.real: own for one, own in zip(candidates, options, strict=True)}
        results = follow(results, prepared.deployments, by_file, root)
    return candidates, results


def _find_candidates(
    request: Request, selection: Selection, cache: Cache | None
) -> tuple[Sequence[Candidate], Sequence[Candidate]]:
    """The files to process, and those outside the search that only provide context."""
    if request.is_nameless:
        real = os.path.realpath(request.places[0])
        return [Candidate(NAMELESS, real, data=read_stream(sys.stdin.buffer))], []
    found = list(find_candidates(request.places, selection, cache))
    candidates = [one for one in found if not one.outside]
    if request.reads_standard_input:
        data = read_stream(sys.stdin.buffer)
        candidates = [one._replace(data=data) for one in candidates]
    return candidates, found[len(candidates) :]


def name_file(root: str, file: FileResult, candidate: Candidate) -> FileResult:
    """A file's result with its name in a patch for `root`, and the path to write to."""
    return replace(file, name=patch_name(candidate.real, root), real=candidate.real)


def _deliver(
    request: Request, results: Iterator[FileResult], count: int, sinks: Sequence[Sink], summary: Summary
) -> bool:
    """Write the changes and pass each result on to the sinks; return whether the run finished."""
    writer = _open_writer(request, summary.terminal) if request.mode is Mode.WRITE else None
    finished = False
    try:
        shown = count if count > FEW and request.reports.volume else 0
        showing = summary.terminal.progress(shown, attrgetter("path"))
        with showing as progress, Interrupts() as interrupts:
            for file in progress(results):
                interrupts.hold()
                done = file if writer is None else writer.write(file)
                for sink in sinks:
                    sink.add(done)
                summary.add(done)
                interrupts.release()
        finished = True
    except KeyboardInterrupt:
        pass
    finally:
        if writer is not None:
            writer.close(complete=finished)
    return finished


def _open_writer(request: Request, terminal: Terminal) -> Writer:
    from dockfix.output.apply import Writer

    return Writer(request.places, terminal, allow_dirty=request.output.allow_dirty)


def open_cache_of(request: Request) -> Cache | None:
    """The cache of the repository that contains the current folder."""
    if not request.execution.cache or request.is_nameless:
        return None
    from dockfix.files.cache import open_cache

    here = os.path.realpath(os.curdir)
    return open_cache(find_top(here) or here)


def _find_deployments(
    selection: Selection,
    candidates: Sequence[Candidate],
    others: Sequence[Candidate],
    cache: Cache | None,
    lost: list[Candidate],
) -> Mapping[str, tuple[Deployment, ...]]:
    """The deployments of the candidates' images in the repository's manifests, by absolute path.

    Manifests that could not be read are added to `lost`.
    """
    if not selection.repositories:
        return {}
    from dockfix.repository.deployments import find_deployments

    return find_deployments(selection.repositories, candidates, cache, others, lost)


def _relate(
    request: Request,
    candidates: Sequence[Candidate],
    others: Sequence[Candidate],
    deployments: Mapping[str, tuple[Deployment, ...]],
    cache: Cache | None,
) -> Prepared:
    """The candidates' options, adjusted to their builds and deployments, and why some must wait.

    The `others` are Dockerfiles outside of the search. Raises ConfigError.
    """
    options = _options(candidates, request.overrides)
    if not any(one.builds or one.deployments for one in (*candidates, *others)):
        return Prepared(candidates, options, [None] * len(candidates), deployments)
    from dockfix.repository.bases import relate

    def by_number(one: Deployment) -> bool:
        asked = one.needs_number or (
            request.files.manifests and one.is_root and one.kind in ("kubernetes", "helm")
        )
        return asked and request.overrides.get("numeric") is not False

    relations = relate(
        candidates,
        options,
        others,
        options_of=lambda folder: build_options(folder, request.overrides),
        by_number=by_number,
        cache=cache,
    )
    return Prepared(candidates, relations.options, list(relations.reasons()), deployments)


def _prove(
    request: Request, candidates: Sequence[Candidate], results: Iterator[FileResult], terminal: Terminal
) -> Iterator[FileResult]:
    from dockfix.output.apply import journal_folder
    from dockfix.verify.proofs import prove_all

    kept = os.path.join(journal_folder(request.places), "broken")
    only_proven = request.output.write
    return prove_all(candidates, results, request.proof, terminal, only_proven=only_proven, kept=kept)


def _selection(request: Request) -> Selection:
    """The patterns of the command line and of the configuration nearest to the current folder."""
    from dockfix.files.patterns import Patterns, Selection

    here = os.path.realpath(os.curdir)
    config = find_config(here)
    return Selection(
        (Patterns(here, request.files.include), Patterns(config.folder, config.include)),
        (Patterns(here, request.files.exclude), Patterns(config.folder, config.exclude)),
        request.files.everything,
        request.files.embedded,
        [] if request.overrides.get("evidence", True) else None,
    )


def _options(candidates: Sequence[Candidate], overrides: Mapping[str, Any]) -> list[Options]:
    """Each candidate's options; equal ones are the same object."""
    by_folder: dict[str, Options] = {}
    found = []
    for candidate in candidates:
        folder = candidate.path.rpartition(os.sep)[0]
        own = by_folder.get(folder)
        if own is None:
            if candidate.real.rpartition(os.sep)[0] in bare_folders and folder.count(os.sep):
                nearest = folder.rpartition(os.sep)[0]
            else:
                nearest = folder
            own = by_folder.get(nearest) or build_options(os.path.abspath(nearest), overrides)
            by_folder[folder] = by_folder[nearest] = own
        found.append(own)
    return found


def _results(
    request: Request, candidates: Sequence[Candidate], options: Sequence[Options], cache: Cache | None
) -> Iterator[FileResult]:
    return fix_many(
        candidates,
        options,
        jobs=request.execution.jobs,
        seconds=request.execution.seconds,
        cache=None if request.reads_standard_input else cache,
        scheduler=request.execution.scheduler,
        texts=request.needs_texts,
    )
