"""One run, from the request to the exit code: its files, their results, and their destinations."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from dockfix.config import Config, ConfigError, Settings, bare_folders, facts_folder, name_in, open_settings
from dockfix.confined import session
from dockfix.context import Deployment
from dockfix.diff import patch_name, patch_root
from dockfix.discovery.paths import find_candidates
from dockfix.files.candidates import NAMELESS, Candidate
from dockfix.files.git import find_top
from dockfix.files.reading import read_stream
from dockfix.options import Options
from dockfix.options.request import Inspect, Mode, Request, Volume
from dockfix.output.exit_codes import Exit
from dockfix.output.interrupts import Interrupts
from dockfix.output.sinks import Sink, open_sinks
from dockfix.output.summary import Summary
from dockfix.repository.memory import Deployments, make_key, recall_callers, remember_callers, stamps_of
from dockfix.repository.relations import Relations
from dockfix.results import Finding
from dockfix.runner.outcome import FileResult, applies, hold_back, load_core_meanwhile, wait_for_loading
from dockfix.runner.runner import FEW, fix_many
from dockfix.runner.since import Since
from dockfix.terminal import Terminal

if TYPE_CHECKING:
    from dockfix.files.cache import Cache
    from dockfix.files.patterns import Selection
    from dockfix.inspection.records import Record
    from dockfix.learned import Learned
    from dockfix.output.apply import Writer
    from dockfix.output.baseline import Baseline


def run(request: Request) -> Exit:
    """Carry out a request and return the exit code. Raises ConfigError before anything is written."""
    settings = settings_of(request)
    terminal = Terminal(request.reports.color)
    root = patch_root(request.places)
    sinks = open_sinks(request, root, terminal)
    cache = open_cache_of(request)
    if cache is None or not cache.knows_files:
        load_core_meanwhile()
    summary = Summary(
        terminal, request.mode, request.reports.volume, fails_on_fix=request.output.fails_on_fix
    )
    baseline = _open_baseline(request)
    with session(wait_for_loading, request.execution.seconds):
        candidates, results = fix_files(request, root, cache, terminal, settings, baseline)
        finished = _deliver(request, results, len(candidates), sinks, summary)
    if cache is not None:
        cache.save()
    for sink in sinks:
        sink.close()
    terminal.flush()
    summary.print_notes()
    if baseline is not None and finished:
        baseline.close(terminal)
    if not (finished and request.is_brief(len(candidates))):
        terminal.flush()
        intended = None if finished else len(candidates)
        summary.close(request.paths, intended, since=request.files.since)
    if not (request.files.embedded or request.is_nameless):
        summary.print_hint()
    terminal.flush()
    return summary.exit_code if finished else Exit.INTERRUPTED


class Prepared(NamedTuple):
    """The work of a run: the candidates, the options of each, and why a change of it must wait.

    `deployments` are those of the candidates' images, by the Dockerfile's absolute path; `bases` are the
    Dockerfiles of the repository that they build on, by the candidate's path. `records` are the facts of
    base images that were asked, which `inspect` adds.
    """

    candidates: Sequence[Candidate]
    options: Sequence[Options]
    reasons: Sequence[Finding | None]
    deployments: Mapping[str, tuple[Deployment, ...]]
    bases: Mapping[str, list[str]]
    records: Sequence[Record] = ()


def settings_of(request: Request) -> Settings:
    """Where the options of the request's files come from. Raises ConfigError."""
    chosen = request.configuration
    return open_settings(request.overrides, chosen.file, isolated=chosen.isolated)


def prepare(request: Request, cache: Cache | None, settings: Settings | None = None) -> Prepared:
    """Find the files of a request, and read what their repositories know about them. Raises ConfigError."""
    settings = settings or settings_of(request)
    selection = _selection(request, settings)
    candidates, others = _find_candidates(request, selection, cache)
    options = _options(candidates, settings)
    terms = _asks_languages(request, settings), request.files.manifests, request.overrides.get("numeric")
    key = (
        b""
        if cache is None
        else make_key(selection.searches, [*options, *_options(others, settings)], *terms)
    )
    find = partial(_options, settings=settings)
    known = None if cache is None else recall_callers(cache, key, candidates, options, find)
    if known is None:
        known = _read_callers(request, selection, settings, candidates, options, others, cache, key)
    deployments, relations = known
    bases: dict[str, list[str]] = {}
    for builder, paths in relations.children.items():
        for path in paths:
            bases.setdefault(path, []).append(builder)
    return Prepared(relations.candidates, relations.options, list(relations.reasons()), deployments, bases)


def fix_files(
    request: Request,
    root: str,
    cache: Cache | None,
    terminal: Terminal,
    settings: Settings | None = None,
    baseline: Baseline | None = None,
) -> tuple[Sequence[Candidate], Iterator[FileResult]]:
    """The candidates, and their results, which are computed lazily.

    Raises ConfigError.
    """
    settings = settings or settings_of(request)
    prepared = inspect(prepare(request, cache, settings), request, cache, terminal, settings)
    candidates, options, reasons = prepared.candidates, prepared.options, prepared.reasons
    if request.files.manifests and prepared.deployments:
        from dockfix.runner.manifests import mark_following

        candidates = mark_following(candidates, root)
    results = _results(request, candidates, options, cache)
    if request.files.since is not None:
        files = list(results)
        kept = Since(request.files.since, settings, prepared.bases).find_concerned(candidates, files)
        candidates, options = [candidates[at] for at in kept], [options[at] for at in kept]
        reasons, results = [reasons[at] for at in kept], (files[at] for at in kept)
    if any(reasons):
        results = hold_back(results, reasons)
    if request.needs_texts or request.output.stat:
        results = map(partial(name_file, root), results, candidates)
    if baseline is not None:
        results = baseline.hold(results, candidates)
    lessons: dict[str, dict[str, Learned]] = {}
    if request.output.verify:
        fixer = Refixer(request, root, {one.real: own for one, own in zip(candidates, options, strict=True)})
        keep = partial(_keep, lessons)
        results = _prove(request, candidates, results, terminal, fixer, keep, cache)
    if request.files.manifests and prepared.deployments:
        from dockfix.runner.manifests import follow

        by_file = {one.real: own for one, own in zip(candidates, options, strict=True)}
        results = follow(results, prepared.deployments, by_file, root)
    return candidates, chain(results, _find_facts(prepared.records, lessons, request, root))


def _find_facts(
    records: Sequence[Record], lessons: dict[str, dict[str, Learned]], request: Request, root: str
) -> Iterator[FileResult]:
    """The changes of what is kept: records of images, and the lessons of the proofs by then."""
    if records or (lessons and not request.configuration.isolated):
        from dockfix.inspection.records import find_changes

        yield from find_changes(records, lessons, root, request.mode)


def _keep(lessons: dict[str, dict[str, Learned]], candidate: Candidate, learned: Learned) -> None:
    """Note what a proof has shown of a file, to be kept with the facts that apply to it."""
    top = facts_folder(os.path.dirname(candidate.real))
    lessons.setdefault(top, {})[name_in(top, candidate.real)] = learned


def inspect(
    prepared: Prepared,
    request: Request,
    cache: Cache | None,
    terminal: Terminal,
    settings: Settings | None = None,
) -> Prepared:
    """What is prepared, with the facts of base images, if they are to be asked. Raises ConfigError.

    Where a configuration asks, and there is no engine, what was recorded has to do.
    """
    asked = request.inspection.inspect
    here = (settings or settings_of(request)).config_in(os.path.realpath(os.curdir))
    how = here.inspect if asked is None else asked
    if how in (None, Inspect.OFF):
        return prepared
    from dockfix.inspection.records import ask_bases
    from dockfix.verify.engine import EngineError

    try:
        options, records = ask_bases(
            prepared.candidates, prepared.options, how, request.proof.engine, cache, terminal
        )
    except EngineError as error:
        if asked is None:
            terminal.print(f"base images are not inspected: {error}", "yellow")
            return prepared
        raise ConfigError(f"--inspect: {error}") from None
    return prepared._replace(options=options, records=records)


def _open_baseline(request: Request) -> Baseline | None:
    if request.reports.baseline is None:
        return None
    from dockfix.output.baseline import Baseline

    return Baseline(request.reports.baseline, update=request.reports.update_baseline)


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
        has_bar = count > FEW and request.reports.volume and not request.output.verify
        shown = count if has_bar else 0
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


def _asks_languages(request: Request, settings: Settings) -> bool:
    """Whether the command line or the configuration asks for other languages than Python."""
    here = settings.config_in(os.path.realpath(os.curdir))
    return bool(request.overrides.get("languages") or here.options.get("languages"))


def _read_callers(
    request: Request,
    selection: Selection,
    settings: Settings,
    candidates: Sequence[Candidate],
    options: Sequence[Options],
    others: Sequence[Candidate],
    cache: Cache | None,
    key: bytes,
) -> tuple[Deployments, Relations]:
    """The deployments of the candidates' images by absolute path, and the candidates with what they imply.

    The `others` are Dockerfiles outside of the search. Files that could not be read become candidates.
    Stored under the `key`. Raises ConfigError.
    """
    lost = [one._replace(outside=False) for one in others if one.is_lost]
    reads = {} if cache is None else stamps_of(cache, [*candidates, *others])
    deployments: Deployments = {}
    if selection.repositories:
        from dockfix.repository.deployments import find_deployments

        any_language = _asks_languages(request, settings)
        deployments = find_deployments(
            selection.repositories, candidates, cache, others, lost, any_language=any_language, reads=reads
        )
    if deployments:
        candidates = [one._replace(deployments=deployments.get(one.real, ())) for one in candidates]
    known = {one.real for one in candidates if one.is_lost}
    added = [one for real, one in {one.real: one for one in lost}.items() if real not in known]
    relations = _relate(
        request, settings, [*candidates, *added], [*options, *_options(added, settings)], others, cache
    )
    if cache is not None:
        remember_callers(cache, key, reads, deployments, options, relations)
    return deployments, relations


def _relate(
    request: Request,
    settings: Settings,
    candidates: Sequence[Candidate],
    options: list[Options],
    others: Sequence[Candidate],
    cache: Cache | None,
) -> Relations:
    """The candidates' options, adjusted to their builds and deployments, and which image builds on which."""
    if not any(one.builds or one.deployments for one in (*candidates, *others)):
        return Relations(candidates, options, {})
    from dockfix.repository.bases import relate

    def by_number(one: Deployment) -> bool:
        asked = one.needs_number or (
            request.files.manifests and one.is_root and one.kind in ("kubernetes", "helm")
        )
        return asked and request.overrides.get("numeric") is not False

    return relate(
        candidates,
        options,
        others,
        options_of=settings.options_of,
        by_number=by_number,
        cache=cache,
    )


@dataclass(frozen=True)
class Refixer:
    """Fixes files again with what a proof has taught; `options` are by the files' absolute paths."""

    request: Request
    root: str
    options: Mapping[str, Options]

    def __call__(self, candidate: Candidate, learned: Learned) -> FileResult:
        """The result with all evidence, which is also read for a change that waits for a review."""
        own = self.options[candidate.real]
        more = replace(own, unsafe=True, learned=own.learned.joined(learned))
        (file,) = fix_many([candidate], [more], jobs=1, seconds=self.request.execution.seconds)
        return replace(name_file(self.root, file, candidate), applies=applies(file.result, own))


def _prove(
    request: Request,
    candidates: Sequence[Candidate],
    results: Iterator[FileResult],
    terminal: Terminal,
    refix: Refixer,
    keep: Callable[[Candidate, Learned], None],
    cache: Cache | None,
) -> Iterator[FileResult]:
    from dockfix.files.cache import Texts
    from dockfix.output.apply import journal_folder
    from dockfix.verify.proofs import prove_all

    kept = os.path.join(journal_folder(request.places), "broken")
    only_proven = not request.output.unproven
    return prove_all(
        candidates,
        results,
        request.proof,
        terminal,
        refix,
        keep,
        only_proven=only_proven,
        verbose=request.reports.volume is Volume.VERBOSE,
        kept=kept,
        logs=None if cache is None else Texts(cache, "step-logs"),
    )


def _selection(request: Request, settings: Settings) -> Selection:
    """The patterns of the command line and of the configuration nearest to the current folder."""
    from dockfix.files.patterns import Patterns, Selection

    here = os.path.realpath(os.curdir)
    config = settings.config_in(here)
    return Selection(
        (Patterns(here, request.files.include), Patterns(config.folder, config.include)),
        (Patterns(here, request.files.exclude), Patterns(config.folder, config.exclude)),
        request.files.everything,
        request.files.embedded,
        [] if request.overrides.get("evidence", True) else None,
        request.files.force_exclude or config.force_exclude,
    )


def _options(candidates: Sequence[Candidate], settings: Settings) -> list[Options]:
    """Each candidate's options; equal ones are the same object."""
    by_folder: dict[str, Config] = {}
    plain: dict[tuple[int, str], Options] = {}
    found = []
    for candidate in candidates:
        config = _find_config(candidate, settings, by_folder)
        if config.overrides or settings.has_learned(candidate.real):
            found.append(settings.options_of(candidate.real, config))
            continue
        key = id(config), candidate.root
        if key not in plain:
            plain[key] = settings.options_of(candidate.real, config)
        found.append(plain[key])
    return found


def _find_config(candidate: Candidate, settings: Settings, by_folder: dict[str, Config]) -> Config:
    """The configuration of a candidate; `by_folder` caches those of folders."""
    folder = candidate.path.rpartition(os.sep)[0]
    config = by_folder.get(folder)
    if config is None:
        if candidate.real.rpartition(os.sep)[0] in bare_folders and folder.count(os.sep):
            nearest = folder.rpartition(os.sep)[0]
        else:
            nearest = folder
        config = by_folder.get(nearest) or settings.config_in(os.path.abspath(nearest))
        by_folder[folder] = by_folder[nearest] = config
    return config


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
