"""Files that were named directly, with what their repository knows about them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dockfix.discovery.memory import recall_search
from dockfix.files.candidates import Candidate
from dockfix.files.git import find_top

if TYPE_CHECKING:
    from dockfix.files.cache import Cache
    from dockfix.files.patterns import Selection


def find_in_repositories(
    named: Sequence[Candidate], selection: Selection, cache: Cache | None = None
) -> Iterator[Candidate]:
    """The named files as a search of their folder would find them, then other files as `outside`.

    Files of one work tree are searched for together, below their common folder. Without git, the extent
    of a repository is unknown, so such files are returned as they are.
    """
    by_top: dict[str | None, list[Candidate]] = {}
    for one in named:
        top = None if one.embedded else find_top(os.path.dirname(one.real))
        by_top.setdefault(top, []).append(one)
    yield from by_top.pop(None, ())
    for own in by_top.values():
        folder = os.path.commonpath([os.path.dirname(one.real) for one in own])
        found = _search(folder, selection, cache)
        known = {one.real: one for one in reversed(found) if one.refusal is None}
        for one in own:
            same = known.get(one.real, one)
            yield one._replace(builds=same.builds, folders=same.folders)
        yield from (one._replace(outside=True) for one in found if one.is_lost)
        asked = {one.real for one in own}
        yield from (one._replace(outside=True) for one in known.values() if one.real not in asked)


def _search(real: str, selection: Selection, cache: Cache | None) -> Sequence[Candidate]:
    """The Dockerfiles that git lists below a folder."""
    chosen = replace(selection, everything=False, embedded=False)
    folder = os.path.relpath(real)
    known = None if cache is None else recall_search(cache, folder, real, chosen)
    if known is not None:
        return known
    from dockfix.discovery.walk import find_in

    stored = len(chosen.searches)
    found = list(find_in(folder, chosen, cache, walks=False))
    if len(chosen.searches) == stored:
        chosen.searches.append(b"")
    return found
