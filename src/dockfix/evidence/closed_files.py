"""The files that a Dockerfile copies from its build context, and that only their owner may read."""

from __future__ import annotations

import posixpath
import re
from typing import Final

from dockfix.context import ClosedFile
from dockfix.evidence.image_files import Layout, find_copied
from dockfix.model.plan import Plan

_PATTERN: Final = re.compile(r"[*?\[\\]")


def find_closed_sources(plan: Plan, layout: Layout) -> tuple[ClosedFile, ...]:
    """The closed files in what the file copies, without those that are ignored, each once.

    Modes do not matter in copies that are given to the account, unless the image is for any uid. A copy with
    an owner of its own is not: that may be root, or an account that nobody creates, which counts as root.
    """
    given = () if plan.serves_any_uid else [one for one in plan.owned_copies if not one.has_owner]
    owned = frozenset(one.step.instruction.line for one in given)
    places = {_literal(one.path) for one in find_copied(plan.tree) if one.line not in owned}
    asked = {""} if "" in places else places
    found = {one: None for place in sorted(asked) for one in plan.context.closed(place)}
    return tuple(one for one in found if not layout.ignores(one.path + "/" * one.is_folder))


def _literal(source: str) -> str:
    """The source itself or, for a pattern, the folder in which it can match; "" is the build context."""
    if _PATTERN.search(source):
        return posixpath.dirname(_PATTERN.split(source)[0] + "x")
    return "" if source == "." else source
