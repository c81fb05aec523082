"""What a Dockerfile copies from its build context and only its owner may read, or nobody may write."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Final

from dockfix.context import ClosedFile
from dockfix.evidence.image_files import Layout, find_copied
from dockfix.model.filetree import START
from dockfix.model.operations import written_at
from dockfix.model.plan import Plan

_PATTERN: Final = re.compile(r"[*?\[\\]")


def find_closed_sources(plan: Plan, layout: Layout, written: Iterable[str]) -> tuple[ClosedFile, ...]:
    """The closed files in what the file copies, without those that are ignored, each once.

    Modes do not matter in copies that are given to the account, unless the image is for any uid. A copy with
    an owner of its own is not: that may be root, or an account that nobody creates, which counts as root.
    What the application writes (`written`: absolute paths) matters in all of them.
    """
    given = () if plan.serves_any_uid else [one for one in plan.owned_copies if not one.has_owner]
    owned = frozenset(one.step.instruction.line for one in given)
    places = {_literal(one.path) for one in find_copied(plan.tree) if one.line not in owned}
    asked = {""} if "" in places else places
    found = {one: None for place in sorted(asked) for one in plan.context.closed(place)}
    found |= dict.fromkeys(_find_read_only(plan, layout, written))
    return tuple(one for one in found if not layout.ignores(one.path + "/" * one.is_folder))


def _find_read_only(plan: Plan, layout: Layout, written: Iterable[str]) -> Iterator[ClosedFile]:
    """The files that the start writes, and the folders around them, which not even their owner may write."""
    started = (written_at(one.operation) for one in plan.replay.outcomes if one.key.step == START)
    paths = {path.rstrip("/") for path in (*written, *started) if path.startswith("/")}
    for path in sorted(paths.union(map(posixpath.dirname, paths))):
        for source in layout.sources_of(path):
            if source != "." and not posixpath.isabs(source):
                found = plan.context.closed(source)
                yield from (one for one in found if one.path == source and one.is_read_only)


def _literal(source: str) -> str:
    """The source itself or, for a pattern, the folder in which it can match; "" is the build context."""
    if _PATTERN.search(source):
        return posixpath.dirname(_PATTERN.split(source)[0] + "x")
    return "" if source == "." else source
