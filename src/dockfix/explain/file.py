"""Walk through one file as a run would treat it: `--explain FILE`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from dockfix.config import ConfigError
from dockfix.confined import Loss, finding_of, session, work
from dockfix.diff import compare_lines, original_line
from dockfix.explain.images import walk_image
from dockfix.explain.outside import find_looked_at, find_outside
from dockfix.explain.walk import Outside, Unshipped, Walk
from dockfix.files.candidates import Build, Candidate
from dockfix.files.reading import decode, read_source
from dockfix.options import Options
from dockfix.options.request import Request
from dockfix.output.reports.outcome import findings, outcome
from dockfix.pipeline import ImageFix, trace
from dockfix.results import Changed, Failed, Finding
from dockfix.run import inspect, open_cache_of, prepare
from dockfix.runner.jobs import Job, describe_job
from dockfix.runner.outcome import fix_source, hold_back, wait_for_loading
from dockfix.terminal import Terminal


def explain_file(request: Request) -> Walk:
    """Walk through the one file of a request. Raises ConfigError if it names none, or several."""
    with session(wait_for_loading, request.execution.seconds):
        cache = open_cache_of(request)
        prepared = inspect(prepare(request, cache), request, cache, Terminal(request.reports.color))
        if cache is not None:
            cache.save()
        kept = [at for at, one in enumerate(prepared.candidates) if not one.is_lost]
        if len(kept) != 1:
            raise ConfigError(f"--explain: {request.paths[0]} holds {len(kept)} Dockerfiles: name one")
        at = kept[0]
        return _explain(
            prepared.candidates[at], prepared.options[at], prepared.reasons[at], request.execution.seconds
        )


def _explain(candidate: Candidate, options: Options, reason: Finding | None, seconds: float) -> Walk:
    if candidate.refusal is not None:
        kind = "error" if candidate.failed else "reason"
        outcome = "failed" if candidate.failed else "skipped"
        return Walk(candidate.path, outcome, (), ((kind, candidate.refusal),))
    source = read_source(candidate.real) if candidate.data is None else decode(candidate.data)
    if isinstance(source, Failed):
        return Walk(candidate.path, "failed", (), (("error", source.error),))
    job = Job.of(candidate, source.data, options)
    found = work(walk_job, (job, candidate.builds, reason), seconds=seconds)
    if isinstance(found, Loss):
        return Walk(candidate.path, "failed", (), (("error", finding_of(found, seconds)),))
    return found


def walk_job(given: tuple[Job, tuple[Build, ...], Finding | None]) -> Walk:
    """The walk of one job; its images are those of the change, even if that needs a review."""
    job, builds, reason = given
    context = describe_job(job, os.path.realpath(os.path.dirname(job.path)))
    file = fix_source(job.path, decode(job.data), job.options, context)
    (file,) = hold_back([file], [reason])
    text = decode(job.data)
    assert not isinstance(text, Failed)
    traced = trace(text.text, replace(job.options, unsafe=True), context)
    images = tuple(walk_image(one, partial(_line_on_disk, text.text, one)) for one in traced.images)
    outside: tuple[Outside, ...] = ()
    looked_at: tuple[str, ...] = ()
    if traced.images:
        plan = traced.images[-1].original
        outside = tuple(find_outside(plan, builds))
        looked_at = find_looked_at(plan, {one.place for one in outside})
    transforms = file.result.transforms if isinstance(file.result, Changed) else ()
    unshipped = tuple(_find_unshipped(traced.images)) if traced.images else ()
    return Walk(
        job.path,
        outcome(file),
        transforms,
        tuple(findings(file.result)),
        images,
        unshipped,
        outside,
        looked_at,
    )


def _line_on_disk(text: str, fixed: ImageFix, line: int) -> int:
    """The line of the file for a line of the text that earlier images have changed."""
    before = fixed.original.tree.text
    return line if before == text else original_line(compare_lines(text, before), line)


def _find_unshipped(images: tuple[ImageFix, ...]) -> Iterator[Unshipped]:
    """The stages that belong to no lineage."""
    walked = {stage.index for one in images for stage in one.original.lineage.stages}
    for stage in images[0].original.stages:
        if stage.index not in walked:
            first, last = stage.instructions[0], stage.instructions[-1]
            yield Unshipped(stage.name or str(stage.index), first.line, last.last_line)
