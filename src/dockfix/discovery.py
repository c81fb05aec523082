"""The files that the paths of a command line mean."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from dockfix.candidates import Candidate

if TYPE_CHECKING:
    from dockfix.repository.cache import Cache
    from dockfix.repository.patterns import Selection

__all__ = ["Candidate", "find_candidates"]


def find_candidates(
    paths: Iterable[str], selection: Selection | None = None, cache: Cache | None = None
) -> Iterator[Candidate]:
    """Each file that the paths name or hold, once.

    A file named outright is taken for a Dockerfile whatever its name; those that are outside come
    last. `cache` remembers searches.
    """
    seen: set[str] = set()
    outside: dict[str, Candidate] = {}
    for path in paths:
        for candidate in _find(path, selection, cache):
            if candidate.outside:
                outside[candidate.real] = candidate
            elif candidate.real not in seen:
                seen.add(candidate.real)
                yield candidate
    yield from (candidate for real, candidate in outside.items() if real not in seen)


def _is_searched(path: str, selection: Selection | None) -> bool:
    """Whether a file that the user named is to be searched for Dockerfiles rather than taken for one."""
    if selection is None or not selection.embedded:
        return False
    from dockfix.embedded import can_hold_dockerfile  # noqa: PLC0415  # only where such files are asked for
    from dockfix.naming import is_dockerfile_name  # noqa: PLC0415

    return not is_dockerfile_name(os.path.basename(path)) and can_hold_dockerfile(path)


def _find(path: str, selection: Selection | None, cache: Cache | None) -> Iterator[Candidate]:
    if not os.path.isdir(path):
        yield Candidate(path, os.path.realpath(path), embedded=_is_searched(path, selection))
        return
    from dockfix.repository.patterns import Selection  # noqa: PLC0415  # not needed for single files
    from dockfix.repository.walks import recall_search  # noqa: PLC0415

    chosen = selection or Selection()
    known = None if cache is None else recall_search(cache, path, os.path.realpath(path), chosen)
    if known is None:
        from dockfix.repository.finding import find_in  # noqa: PLC0415  # not needed for what is known

        yield from find_in(path, chosen, cache)
    else:
        yield from known
