"""Many files: what is known from earlier runs at once, the rest on all processors."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace

from dockfix.analysis import Analysis, skip
from dockfix.discovery import Candidate
from dockfix.options import Options
from dockfix.reading import read_source
from dockfix.repository.cache import Cache, open_cache
from dockfix.repository.git import find_top
from dockfix.repository.pool import Crew, Item, Job, Verdict, Workers, analyse_all
from dockfix.results import Failed


def analyse_many(
    candidates: Sequence[Candidate],
    options: Sequence[Options],
    *,
    jobs: int = 0,
    seconds: float,
    cached: bool = True,
    scheduler: str | None = None,
) -> Iterator[Analysis]:
    """The analysis of each candidate, in order; `options` are theirs.

    `jobs` is the number of processes (0: one for each processor we may use), `scheduler` the
    address of a Dask scheduler to use instead. Raises ConfigError where it does not answer.
    """
    crew = _find_crew(jobs, scheduler)
    here = os.path.realpath(os.curdir)
    cache = open_cache(find_top(here) or here) if cached else None
    items = (_prepare(one, own, cache) for one, own in zip(candidates, options, strict=True))
    try:
        for item, verdict in analyse_all(items, crew, seconds):
            if isinstance(item, Job):
                if cache is not None:
                    cache.store(item, verdict)
                yield replace(verdict.analysis, before=item.data)
            else:
                yield verdict.analysis
    finally:
        if cache is not None:
            cache.save()


def _find_crew(jobs: int, scheduler: str | None) -> Crew:
    if scheduler is None:
        return Workers(jobs or _processors())
    from dockfix.repository.cluster import Cluster  # noqa: PLC0415  # an extra

    return Cluster(scheduler)


def _prepare(candidate: Candidate, options: Options, cache: Cache | None) -> Item:
    """The work that a candidate needs, or what is known of it without any."""
    path = candidate.path
    if candidate.refusal is not None:
        return Verdict(skip(path, candidate.refusal, failed=candidate.failed))
    source = read_source(path)
    if isinstance(source, Failed):
        return Verdict(Analysis(path, source))
    job = Job(path, source.data, options, candidate.folder, embedded=candidate.embedded)
    return (None if cache is None else cache.find(job)) or job


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
