"""One file's job as it is sent to a process or a cluster, and the reply that comes back."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Final

from dockfix.context import Context, Deployment
from dockfix.files.build_context import FolderReader, describe_context, digest_names
from dockfix.files.dependencies import NOWHERE, Surroundings, note_surroundings
from dockfix.files.reading import decode
from dockfix.files.stamps import mark
from dockfix.options import Options
from dockfix.results import Failed, Finding
from dockfix.runner.outcome import FileResult, fix_embedded, fix_source

KEPT: Final = 256
"""A process keeps this many results for equal files."""


@dataclass(frozen=True, slots=True)
class Job:
    """One file to fix: its bytes are sent along; without a `context`, the worker describes it.

    `folder` is the build context on disk if it is not the file's own folder; `deployments` are what
    runs the image; with `embedded`, the file is of another kind and contains Dockerfiles. No link may
    lead out of `root` (absolute, without links).
    """

    path: str
    data: bytes
    options: Options
    folder: str | None = None
    context: Context | None = None
    embedded: bool = False
    deployments: tuple[Deployment, ...] = ()
    root: str = os.sep


@dataclass(frozen=True, slots=True)
class Reply:
    """What a worker sends back: the file's result without its bytes, and what else it read.

    One that is not `is_final` may be another the next time, and is not remembered.
    """

    file: FileResult
    around: Surroundings = NOWHERE
    is_final: bool = True


Item = Job | Reply


def work(job: Job) -> Reply:
    """Fix one file; equal files with equal surroundings are worked on once."""
    place = os.path.realpath(os.path.dirname(job.path))
    beside = mark(place)
    context = _describe(job, place)
    key = _likeness(job, context)
    file = _recall(key, job, context)
    if file is None:
        step = fix_embedded if job.embedded else fix_source
        whole = step(job.path, decode(job.data), job.options, context)
        file = FileResult(whole.path, whole.result, b"", whole.applies, whole.edits)
    around = note_surroundings(context, beside)
    _remember(key, (job.options, job.deployments, file, around))
    return Reply(file, around)


def _describe(job: Job, place: str) -> Context:
    """The context of a job; `place` is the real path of the file's folder."""
    context = job.context or describe_context(job.path, job.folder, place, job.root)
    return replace(context, deployments=job.deployments) if job.deployments else context


_Likeness = tuple[bytes, bool, str, bool, str]
_Known = tuple[Options, tuple[Deployment, ...], FileResult, Surroundings]
_recent: Final[dict[_Likeness, _Known]] = {}


def _remember(key: _Likeness, known: _Known) -> None:
    if len(_recent) == KEPT:
        del _recent[next(iter(_recent))]
    _recent[key] = known


def _likeness(job: Job, context: Context) -> _Likeness:
    """All that a result depends on, except options, deployments and build context."""
    *folders, name = context.path.split("/")
    return job.data, job.embedded, name, ".devcontainer" in folders, digest_names(context.siblings)


def _recall(key: _Likeness, job: Job, context: Context) -> FileResult | None:
    """The result of an equal file with the same content around it, wherever that was read."""
    known = _recent.get(key)
    if known is None or not isinstance(context.read, FolderReader):
        return None
    options, deployments, file, around = known
    if (options, deployments) != (job.options, job.deployments) or not around.hold_in(context.read):
        return None
    return replace(file, path=job.path)


def lose(job: Job, reason: Finding) -> Reply:
    """The reply on a file whose work was lost."""
    return Reply(FileResult(job.path, Failed(reason)), is_final=False)
