"""The edits of a file's change, and what a subset of them would break, computed in confined processes."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, replace

from dockfix.explain.edit_notes import ChangedImage
from dockfix.explain.walk import EditNote
from dockfix.files.reading import decode
from dockfix.pipeline import ImageFix, trace
from dockfix.provenance import Provenance
from dockfix.results import Changed, Failed, Finding
from dockfix.runner.jobs import Job, describe_job


@dataclass(frozen=True, slots=True)
class Divided:
    """A change that can be decided edit by edit: its edits in order, and the text in pieces."""

    notes: tuple[EditNote, ...]
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Part:
    """A file's text with a subset of the edits, and what it breaks; without faults it may be written."""

    text: str
    faults: tuple[Finding, ...]


def divide(job: Job) -> Divided | None:
    """The edits of a job's change; None if they cannot be separated, for example if several images ship."""
    image = _only_image(job)
    if image is None:
        return None
    changes = image.provenance.changes
    return Divided(tuple(image.note(one, lambda line: line) for one in changes), image.provenance)


def judge(given: tuple[Job, Collection[int]]) -> Part:
    """The part of a job's change that consists of the edits with these numbers.

    Its faults are broken guarantees, and reviews that the whole change does not need.
    """
    job, kept = given
    image = _only_image(job)
    assert image is not None
    whole = {(one.code, one.message) for one in image.faults(range(len(image.provenance.changes)))}
    faults = tuple(one for one in image.faults(kept) if (one.code, one.message) not in whole)
    return Part(image.provenance.text(kept), faults)


def _only_image(job: Job) -> ChangedImage | None:
    source = decode(job.data)
    if isinstance(source, Failed) or job.embedded:
        return None
    context = describe_job(job, os.path.realpath(os.path.dirname(job.path)))
    # As in a run that writes the change, whether or not it needs a review.
    traced = trace(source.text, replace(job.options, unsafe=True), context)
    changed = [one for one in traced.images if isinstance(one.result, Changed)]
    if len(changed) != 1 or not isinstance(traced.result, Changed):
        return None
    return _changed(changed[0])


def _changed(fixed: ImageFix) -> ChangedImage | None:
    return None if fixed.rewrite is None else ChangedImage(fixed, fixed.rewrite)
