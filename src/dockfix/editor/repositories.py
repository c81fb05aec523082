"""What its repository knows about an open file, read as in a run over it and cached until it changes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from dockfix.config import Settings, forget_configs
from dockfix.context import Context
from dockfix.files.candidates import Candidate
from dockfix.options import Options
from dockfix.options.request import Request
from dockfix.results import Finding
from dockfix.run import open_cache_of, prepare
from dockfix.runner.jobs import Job
from dockfix.runner.outcome import FileResult, hold_back, load_core
from dockfix.runner.pool import fix_all

SECONDS = 10.0
"""The time limit of a run for one file."""


@dataclass(frozen=True, slots=True)
class Place:
    """A file in its repository: its builds and deployments, its options, and why a change must wait."""

    candidate: Candidate
    options: Options
    reason: Finding | None = None


class Repositories:
    """The places of the files that are open in the editor."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}

    def forget(self) -> None:
        """Drop the cache, because something has changed on disk."""
        self._places.clear()
        forget_configs()

    def find(self, path: str) -> Place:
        """The place of the file at a path, which need not exist. Raises ConfigError."""
        place = self._places.get(path)
        if place is None:
            place = self._places[path] = _read(path)
        return place


def _read(path: str) -> Place:
    request = Request(paths=[path])
    cache = open_cache_of(request)
    prepared = prepare(request, cache)
    if cache is not None:
        cache.save()
    return Place(prepared.candidates[0], prepared.options[0], prepared.reasons[0])


def nowhere(folder: str) -> Place:
    """The place of a text without a file, with the options of a folder. Raises ConfigError."""
    options = Settings().options_of(os.path.join(os.path.realpath(folder), "Dockerfile"))
    return Place(Candidate("Dockerfile", "", data=b""), options)


def fix_at(place: Place, text: str) -> FileResult:
    """The result for a text as the content of the file at that place."""
    candidate = place.candidate
    data = text.encode("utf-8", "surrogatepass")
    context = None if candidate.real else Context("Dockerfile")
    job = Job.of(candidate, data, place.options, context)
    _load()
    ((_, reply),) = fix_all([job], 1, SECONDS)
    (result,) = hold_back([reply.file], [place.reason])
    return result


@cache
def _load() -> None:
    """Import what reads files and sources, because each text is fixed in a process forked from this one."""
    for name in ("dockfix.evidence.assess", "dockfix.evidence.python.application"):
        import_module(name)
    load_core()
