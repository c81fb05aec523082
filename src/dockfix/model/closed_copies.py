"""Copied files that only their owner may use when the image starts, and how its group gets to use them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from typing import Final

from dockfix.model.filetree import Kind, Node, Nodes
from dockfix.model.paths import is_ownable, is_system_directory
from dockfix.model.permissions import READ, SEARCH, permits
from dockfix.model.plan import Plan

_NAMED: Final = 5
"""The maximum number of files that a command names one by one."""
_LITERAL: Final = re.compile(r"/[\w./+@=,-]+")


def find_closed(plan: Plan) -> dict[str, int]:
    """The copied paths that the image's user may not use when it starts, and the index of the copy."""
    tree, who = plan.rehearsal.end, plan.rehearsal.who
    copies = {plan.origins[copy.step.index]: copy for copy in plan.copies if not copy.may_be_download}
    return {
        path: copies[node.origin].step.index
        for path, nodes in tree.listed().items()
        for node in nodes
        if node.origin in copies and tree.exists(path) and not permits(node, who, _needed(node, nodes))
    }


def _needed(node: Node, nodes: Nodes) -> int:
    # Of what a change of mode has told apart, the file shows whether a copy can be run.
    is_told_apart = node.kind is Kind.ANY and any(one.kind is Kind.FILE for one in nodes)
    may_be_run = node.kind is Kind.DIRECTORY or (node.mode & 0o100 and not is_told_apart)
    return READ | SEARCH if may_be_run else READ


def open_to_group(closed: Iterable[str]) -> str:
    """The command that lets the group read these paths, "" for none; many of them by their directory."""
    paths = list(filter(_LITERAL.fullmatch, closed))
    if not paths:
        return ""
    above = posixpath.commonpath([posixpath.dirname(path) for path in paths])
    if len(paths) > _NAMED and is_ownable(above) and not is_system_directory(above):
        return f"chmod -R g+rX {above}"
    return f"chmod g+rX {' '.join(paths)}"
