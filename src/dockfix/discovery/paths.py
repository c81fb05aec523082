"""Resolve the paths of a command line to files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from dockfix.files.candidates import Candidate
from dockfix.files.git import find_top

if TYPE_CHECKING:
    from dockfix.files.cache import Cache
    from dockfix.files.patterns import Selection

__all__ = ["Candidate", "find_candidates"]


def find_candidates(
    paths: Iterable[str], selection: Selection | None = None, cache: Cache | None = None
) -> Iterator[Candidate]:
    """Each file that the paths name or contain, once.

    A file that is named directly counts as a Dockerfile whatever its name; files outside the search come
    last. `cache` stores searches.
    """
    from dockfix.files.patterns import Selection

    chosen = selection or Selection()
    seen: set[str] = set()
    outside: dict[str, Candidate] = {}
    places = [path if os.path.isdir(path) else _name(path, chosen) for path in _wanted(paths, chosen)]
    named = [place for place in places if isinstance(place, Candidate)]
    found: dict[str, Candidate] = {}
    if named:
        from dockfix.discovery.named import find_in_repositories

        for candidate in find_in_repositories(named, chosen, cache):
            if candidate.outside:
                outside[candidate.real] = candidate
            else:
                found[candidate.path] = candidate
    for place in places:
        stored = len(chosen.searches)
        for candidate in _find(place, chosen, cache) if isinstance(place, str) else [found[place.path]]:
            if candidate.outside:
                outside[candidate.real] = candidate
            elif candidate.real not in seen:
                seen.add(candidate.real)
                yield candidate
        if isinstance(place, Candidate):
            chosen.searches.append(os.fsencode(place.path))
        elif len(chosen.searches) == stored:
            chosen.searches.append(b"")
    yield from (candidate for real, candidate in outside.items() if real not in seen)


def _wanted(paths: Iterable[str], selection: Selection) -> Iterator[str]:
    """The paths without excluded files, unless those are named by the user."""
    for path in paths:
        if not selection.drops_named or os.path.isdir(path) or not selection.excludes(os.path.realpath(path)):
            yield path


def _name(path: str, selection: Selection) -> Candidate:
    beside = os.path.realpath(os.path.dirname(path))
    real = os.path.realpath(path)
    embedded, top = _is_searched(path, selection), find_top(beside)
    return Candidate(path, real, embedded=embedded, root=top or beside, alone=top is None)


def _is_searched(path: str, selection: Selection) -> bool:
    """Whether to search a named file for Dockerfiles, instead of treating it as one."""
    if not selection.embedded:
        return False
    from dockfix.embedded import can_hold_dockerfile
    from dockfix.files.naming import is_dockerfile_name

    return not is_dockerfile_name(os.path.basename(path)) and can_hold_dockerfile(path)


def _find(folder: str, selection: Selection, cache: Cache | None) -> Iterable[Candidate]:
    from dockfix.discovery.memory import recall_search

    known = None if cache is None else recall_search(cache, folder, os.path.realpath(folder), selection)
    if known is not None:
        return known
    from dockfix.discovery.walk import find_in

    return find_in(folder, selection, cache)
