"""The job for one file, as sent to a process or a cluster, and the reply."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Final

from dockfix.context import Context, ContextSource, Deployment
from dockfix.files.build_context import FolderReader, describe_context, digest_names
from dockfix.files.candidates import Candidate
from dockfix.files.dependencies import NOWHERE, Surroundings, note_surroundings
from dockfix.files.reading import decode
from dockfix.files.stamps import mark
from dockfix.options import Options
from dockfix.results import Failed, Finding
from dockfix.runner.outcome import FileResult, fix_embedded, fix_source

KEPT: Final = 256
"""The number of results that a process keeps for equal files."""


@dataclass(frozen=True, slots=True)
class Job:
    """One file to fix, with its bytes; without a `context`, the worker describes it.

    `folders` are the build contexts on disk that callers name; `deployments` run the image; with
    `embedded`, the file is of another kind and contains Dockerfiles. Links must not lead out of `root`
    (absolute, without links). A file that is `alone` does not belong to any known repository.
    `open_callers` build it from a folder known only during the build.
    """

    path: str
    data: bytes
    options: Options
    folders: tuple[str, ...] = ()
    context: Context | None = None
    embedded: bool = False
    deployments: tuple[Deployment, ...] = ()
    root: str = os.sep
    alone: bool = False
    open_callers: tuple[str, ...] = ()

    @classmethod
    def of(cls, candidate: Candidate, data: bytes, options: Options, context: Context | None = None) -> Job:
        """The job for a candidate that holds these bytes."""
        return cls(
            candidate.path, data, options, candidate.folders, context, candidate.embedded,
            candidate.deployments, candidate.root, candidate.alone, candidate.open_callers,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reply:
    """A worker's reply: the file's result without its bytes, and what else was read.

    A reply that is not `is_final` may differ the next time, and is not cached.
    """

    file: FileResult
    around: Surroundings = NOWHERE
    is_final: bool = True


Item = Job | Reply


def work(job: Job) -> Reply:
    """Fix one file; equal files with equal surroundings are processed once."""
    place = os.path.realpath(os.path.dirname(job.path))
    beside = mark(place)
    context = describe_job(job, place)
    key = _likeness(job, context)
    file = _recall(key, job, context)
    if file is None:
        step = fix_embedded if job.embedded else fix_source
        whole = step(job.path, decode(job.data), job.options, context)
        file = FileResult(whole.path, whole.result, b"", whole.applies, whole.edits)
    around = note_surroundings(context, beside)
    if not context.also:
        _remember(key, (job.options, job.deployments, file, around))
    return Reply(file, around)


def describe_job(job: Job, place: str) -> Context:
    """The context of a job's file; `place` is the real path of the file's folder."""
    context = job.context or describe_disk(job, place)
    deployments = (*job.deployments, *_find_commented(job))
    if not deployments:
        return context
    also = tuple(replace(one, deployments=deployments) for one in context.also)
    return replace(context, deployments=deployments, also=also)


def _find_commented(job: Job) -> tuple[Deployment, ...]:
    """What the comments of a Dockerfile say of the mounts of its image."""
    if job.embedded or b" run " not in job.data or b"#" not in job.data:
        return ()
    text = decode(job.data)
    if isinstance(text, Failed):
        return ()
    from dockfix.repository.run_commands import read_commented_mounts

    return read_commented_mounts(job.path, text.text)


def describe_disk(job: Job, place: str) -> Context:
    """The context of a job's file as found on disk."""
    from dockfix.files.context_search import describe_found

    text = decode(job.data)
    if job.embedded or isinstance(text, Failed):
        return describe_context(job.path, None, place, job.root)
    return describe_found(
        job.path, text.text, job.folders, place, job.root, alone=job.alone, open_callers=job.open_callers
    )


_Likeness = tuple[bytes, bool, str, bool, str, tuple[ContextSource, ...], bool, tuple[str, ...], bool]
_Known = tuple[Options, tuple[Deployment, ...], FileResult, Surroundings]
_recent: Final[dict[_Likeness, _Known]] = {}


def _remember(key: _Likeness, known: _Known) -> None:
    if len(_recent) == KEPT:
        del _recent[next(iter(_recent))]
    _recent[key] = known


def _likeness(job: Job, context: Context) -> _Likeness:
    """Everything that a result depends on, except options, deployments and build context."""
    *folders, name = context.path.split("/")
    names = digest_names(context.siblings)
    return (
        job.data, job.embedded, name, ".devcontainer" in folders, names, context.missing, context.is_alone,
        context.open_callers, context.is_undecided,
    )  # fmt: skip


def _recall(key: _Likeness, job: Job, context: Context) -> FileResult | None:
    """The result of an equal file whose surroundings had the same content."""
    known = _recent.get(key)
    if known is None or context.also or not isinstance(context.read, FolderReader):
        return None
    options, deployments, file, around = known
    if (options, deployments) != (job.options, job.deployments) or not around.hold_in(context.read):
        return None
    return replace(file, path=job.path)


def lose(job: Job, reason: Finding) -> Reply:
    """The reply for a file that could not be processed."""
    return Reply(FileResult(job.path, Failed(reason)), is_final=False)
