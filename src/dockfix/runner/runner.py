"""Process many files: known results at once, the rest on all processors."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final

from dockfix.context import Context
from dockfix.files.cache import Cache
from dockfix.files.candidates import Candidate
from dockfix.files.reading import decode, read_stamped_source
from dockfix.files.stamps import Stamp, settled
from dockfix.options import Options
from dockfix.results import Failed
from dockfix.runner.jobs import Item, Job, Reply
from dockfix.runner.outcome import FileResult, skip
from dockfix.runner.recall import Recall

FEW: Final = 24
"""Up to this number of files, one process is faster than several."""


def fix_many(
    candidates: Sequence[Candidate],
    options: Sequence[Options],
    *,
    jobs: int = 0,
    seconds: float,
    cache: Cache | None = None,
    scheduler: str | None = None,
    texts: bool = True,
) -> Iterator[FileResult]:
    """The result of each candidate, in order; `options` are those of each.

    `jobs` is the number of processes (0: one per available processor, but one for up to `FEW` files),
    `scheduler` the address of a Dask scheduler to use instead. Without `texts`, results from the cache
    come without the file's bytes, edits and new text. `cache` must be None for standard input. Raises
    ConfigError if the scheduler does not respond.
    """
    recall = None if cache is None else Recall(cache)
    stamps: dict[str, Stamp | None] = {}

    def finish(job: Job, reply: Reply) -> FileResult:
        if recall is not None and reply.is_final:
            recall.remember(job, reply, stamps.pop(job.path))
        return replace(reply.file, before=job.data, around=reply.around)

    items = (
        _prepare(one, own, recall, stamps, texts=texts) for one, own in zip(candidates, options, strict=True)
    )
    for item in items:
        if isinstance(item, Reply):
            yield item.file
            continue
        for one, reply in _fix_all(chain([item], items), len(candidates), jobs, scheduler, seconds):
            yield finish(one, reply) if isinstance(one, Job) else reply.file


def _fix_all(
    items: Iterator[Item], number: int, jobs: int, scheduler: str | None, seconds: float
) -> Iterator[tuple[Item, Reply]]:
    if scheduler is not None:
        from dockfix.runner import cluster

        return cluster.fix_all(items, scheduler, seconds)
    from dockfix.runner import pool

    return pool.fix_all(items, jobs or (1 if number <= FEW else _processors()), seconds)


def _prepare(
    candidate: Candidate,
    options: Options,
    recall: Recall | None,
    stamps: dict[str, Stamp | None],
    *,
    texts: bool,
) -> Item:
    """The job for a candidate, with its stamp recorded, or the reply if no work is needed."""
    path = candidate.path
    if candidate.refusal is not None:
        return Reply(skip(path, candidate.refusal, failed=candidate.failed))
    if recall is not None:
        known = recall.by_stamps(candidate, options, texts=texts)
        if known is not None:
            return Reply(known)
    if candidate.data is None:
        source, found = read_stamped_source(candidate.real, path)
    else:
        source, found = decode(candidate.data), ()
    if isinstance(source, Failed):
        return Reply(FileResult(path, source))
    context = Context("Dockerfile") if candidate.is_nameless else None
    job = Job.of(candidate, source.data, options, context)
    if recall is None:
        return job
    now = settled(found)
    if (reply := recall.by_content(job, now)) is not None:
        return reply
    stamps[path] = now
    return job


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
