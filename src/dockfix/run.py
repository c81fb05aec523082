"""One run over the files that the user named: look at each, show or write what changes, report."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from dockfix.config import ConfigError, bare_folders, build_options, check_overrides, find_config
from dockfix.context import Context, Deployment
from dockfix.diff import patch_name, patch_root
from dockfix.discovery.paths import find_candidates
from dockfix.files.candidates import Candidate
from dockfix.files.git import find_top
from dockfix.files.reading import read_stream
from dockfix.options import Options
from dockfix.output.diffstat import Statistics
from dockfix.output.exit_codes import Exit
from dockfix.output.interrupts import Interrupts
from dockfix.output.summary import Report
from dockfix.request import STANDARD_INPUT, Mode, Request, VerifyOptions, Volume
from dockfix.results import Failed
from dockfix.runner.outcome import Analysis, analyse, hold_back, load_core_meanwhile
from dockfix.runner.runner import FEW, analyse_many
from dockfix.terminal import Terminal

if TYPE_CHECKING:
    from dockfix.files.cache import Cache
    from dockfix.files.patterns import Selection
    from dockfix.output.apply import Writer


def run(request: Request) -> Exit:
    """Do what was asked and give the exit code. Raises ConfigError before anything is written."""
    check_overrides(request.overrides)
    terminal = Terminal(request.reports.color)
    if STANDARD_INPUT in request.paths:
        code = _filter(request, terminal)
    else:
        code = _run_over_files(request, terminal)
    terminal.flush()
    return code


def _run_over_files(request: Request, terminal: Terminal) -> Exit:
    mode = request.output.mode or Mode.DIFF
    root = patch_root(request.paths)
    sinks = _open_sinks(request, root, terminal)
    cache = _open_cache(request)
    if cache is None or not cache.knows_files:
        load_core_meanwhile()
    selection = _selection(request)
    found = list(find_candidates(request.paths, selection, cache))
    candidates = [candidate for candidate in found if not candidate.outside]
    others = found[len(candidates) :]
    deployments = _find_deployments(selection, candidates, others, cache)
    if deployments:
        candidates = [one._replace(deployments=deployments.get(one.real, ())) for one in candidates]
    options, related = _relate_and_analyse(request, candidates, others, cache)
    analyses = _name(related, candidates, root) if request.needs_texts or request.output.stat else related
    if request.output.verify:
        analyses = _prove(request, request.proof, candidates, analyses, terminal)
    if request.files.manifests and deployments:
        from dockfix.runner.manifests import follow  # noqa: PLC0415  # only where it is asked for

        by_file = {one.real: own for one, own in zip(candidates, options, strict=True)}
        analyses = follow(analyses, deployments, by_file, root)
    report = Report(terminal, mode, request.reports.volume)
    finished = _deliver(request, analyses, len(candidates), sinks, report)
    if cache is not None:
        cache.save()
    for sink in sinks:
        sink.close()
    report.say_notes()
    brief = (
        request.output.mode is Mode.DIFF
        and len(candidates) == 1
        and request.reports.volume is not Volume.VERBOSE
    )
    if not (finished and brief):
        terminal.flush()
        report.close(None if finished else len(candidates))
    return report.exit_code if finished else Exit.INTERRUPTED


def _name(analyses: Iterable[Analysis], candidates: Sequence[Candidate], root: str) -> Iterator[Analysis]:
    """The analyses with what a patch to be applied in `root` calls their files."""
    for candidate, analysis in zip(candidates, analyses, strict=True):
        yield replace(analysis, name=patch_name(candidate.real, root))


def _deliver(
    request: Request, analyses: Iterator[Analysis], count: int, sinks: Sequence[Sink], report: Report
) -> bool:
    """Write what is to be written, tell everybody of each file; whether the run came to its end."""
    writer = _open_writer(request, report.terminal) if request.output.mode is Mode.WRITE else None
    finished = False
    try:
        shown = count if count > FEW and request.reports.volume else 0
        with report.terminal.progress(shown) as progress, Interrupts() as interrupts:
            for analysis in progress(analyses):
                interrupts.hold()
                done = analysis if writer is None else writer.write(analysis)
                for sink in sinks:
                    sink.add(done)
                report.add(done)
                interrupts.release()
        finished = True
    except KeyboardInterrupt:
        pass
    finally:
        if writer is not None:
            writer.close(complete=finished)
    return finished


def _open_writer(request: Request, terminal: Terminal) -> Writer:
    from dockfix.output.apply import Writer  # noqa: PLC0415  # not needed for a patch

    return Writer(request.paths, terminal, allow_dirty=request.output.allow_dirty)


def _open_cache(request: Request) -> Cache | None:
    """What is remembered of the repository that this folder belongs to."""
    if not request.execution.cache:
        return None
    from dockfix.files.cache import open_cache  # noqa: PLC0415  # not needed for standard input

    here = os.path.realpath(os.curdir)
    return open_cache(find_top(here) or here)


def _find_deployments(
    selection: Selection, candidates: Sequence[Candidate], others: Sequence[Candidate], cache: Cache | None
) -> Mapping[str, tuple[Deployment, ...]]:
    """What the repository's manifests say of running the candidates' images, by absolute path."""
    if not selection.repositories:
        return {}
    from dockfix.repository.deployments import find_deployments  # noqa: PLC0415  # not always needed

    return find_deployments(selection.repositories, candidates, cache, others)


def _relate_and_analyse(
    request: Request,
    candidates: Sequence[Candidate],
    others: Sequence[Candidate],
    cache: Cache | None,
) -> tuple[Sequence[Options], Iterator[Analysis]]:
    """The candidates' options and analyses, in the light of what builds and runs them.

    The `others` are Dockerfiles outside of the search.

    Raises ConfigError before the first.
    """
    options = _options(candidates, request.overrides)
    if not any(one.builds or one.deployments for one in (*candidates, *others)):
        return options, _analyses(request, candidates, options, cache)
    from dockfix.repository.bases import relate  # noqa: PLC0415  # not needed for single files

    def by_number(one: Deployment) -> bool:
        asked = one.needs_number or (request.files.manifests and one.is_root and one.kind != "compose")
        return asked and request.overrides.get("numeric") is not False

    relations = relate(
        candidates,
        options,
        others,
        options_of=lambda folder: build_options(folder, request.overrides),
        by_number=by_number,
        cache=cache,
    )
    analyses = _analyses(request, candidates, relations.options, cache)
    return relations.options, hold_back(analyses, relations.reasons())


def _prove(
    request: Request,
    proof: VerifyOptions,
    candidates: Sequence[Candidate],
    analyses: Iterator[Analysis],
    terminal: Terminal,
) -> Iterator[Analysis]:
    from dockfix.output.apply import journal_folder  # noqa: PLC0415
    from dockfix.verify.proofs import prove_all  # noqa: PLC0415  # not needed for a patch

    kept = os.path.join(journal_folder(request.paths), "broken")
    only_proven = request.output.mode is Mode.WRITE
    return prove_all(candidates, analyses, proof, terminal, only_proven=only_proven, kept=kept)


def _open_sinks(request: Request, root: str, terminal: Terminal) -> list[Sink]:
    """Where the changes go, beside the report on the terminal. Raises ConfigError."""
    sinks: list[Sink] = []
    try:
        if request.output.file is not None:
            from dockfix.output.patches import PatchFile, PatchFolder, group_by  # noqa: PLC0415

            if request.output.split_by is None:
                sinks.append(PatchFile(request.output.file))
            else:
                sinks.append(PatchFolder(request.output.file, group_by(request.output.split_by, root)))
        if request.reports.files:
            from dockfix.output.reports import open_report  # noqa: PLC0415

            sinks += map(open_report, request.reports.files)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    except OSError as error:
        raise ConfigError(f"{error.filename}: cannot be written: {error.strerror}") from None
    if request.output.stat:
        sinks.append(_StatisticsSink(terminal))
    elif request.output.diff or (request.output.mode in (None, Mode.DIFF) and request.output.file is None):
        sinks.append(_DiffSink(terminal))
    return sinks


class Sink(Protocol):
    """Takes each file's analysis as it comes."""

    def add(self, analysis: Analysis) -> None:
        """Take one."""

    def close(self) -> None:
        """Finish."""


@dataclass(frozen=True)
class _DiffSink:
    """Patches on standard output."""

    terminal: Terminal

    def add(self, analysis: Analysis) -> None:
        if analysis.applies:
            self.terminal.write_diff(analysis.patch)

    def close(self) -> None:
        pass


class _StatisticsSink(Statistics):
    """Counts of changed lines on standard output."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__()
        self._terminal = terminal

    def close(self) -> None:
        for line in self.lines():
            self._terminal.write(line)


def _selection(request: Request) -> Selection:
    """What the user and the configuration nearest to this folder say of names."""
    from dockfix.files.patterns import Patterns, Selection  # noqa: PLC0415

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
    """Each candidate's options; those that are equal are one and the same."""
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


def _analyses(
    request: Request, candidates: Sequence[Candidate], options: Sequence[Options], cache: Cache | None
) -> Iterator[Analysis]:
    return analyse_many(
        candidates,
        options,
        jobs=request.execution.jobs,
        seconds=request.execution.seconds,
        cache=cache,
        scheduler=request.execution.scheduler,
        texts=request.needs_texts,
    )


def _filter(request: Request, terminal: Terminal) -> Exit:
    """Standard input to standard output: the rewritten text, or with --diff the patch."""
    path = request.files.stdin_name or "Dockerfile"
    options = build_options(os.path.dirname(os.path.abspath(path)), request.overrides)
    if request.files.stdin_name is None:
        context = Context(path)
    else:
        from dockfix.files.build_context import describe_context  # noqa: PLC0415

        context = describe_context(path)
    analysis = analyse(path, read_stream(sys.stdin.buffer), options, context)
    if request.output.mode is Mode.DIFF or request.output.diff:
        name = patch_name(os.path.realpath(path), os.path.realpath(os.curdir))
        terminal.write_diff(replace(analysis, name=name).patch)
    elif request.output.mode is not Mode.CHECK and not isinstance(analysis.result, Failed):
        terminal.write(analysis.after)
    report = Report(
        terminal, Mode.CHECK if request.output.mode is Mode.CHECK else Mode.DIFF, request.reports.volume
    )
    report.add(replace(analysis, path=request.files.stdin_name or "<stdin>"))
    report.say_notes()
    return report.exit_code
