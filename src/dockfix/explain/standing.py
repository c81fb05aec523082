"""Describe the nodes at a path of a replayed image and their owners, in the notation of `ls -l`."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from typing import Final

from dockfix.model.filetree import BASE, Kind, Node, Origin
from dockfix.model.replay import Replay

_TYPES: Final = {Kind.DIRECTORY: stat.S_IFDIR, Kind.FILE: stat.S_IFREG, Kind.LINK: stat.S_IFLNK}


def describe_standing(replay: Replay, path: str) -> Iterator[tuple[str, str]]:
    """(permissions, owner) for each possible node at a path; empty strings for an absent one."""
    nodes = replay.tree.look(replay.tree.follow(path))
    for node in dict.fromkeys(one._replace(origin=BASE, inside=()) for one in nodes):
        if node.kind is Kind.ABSENT:
            yield "", ""
        else:
            yield stat.filemode(_TYPES.get(node.kind, 0) | node.mode), name_owner(replay, node)


def name_owner(replay: Replay, node: Node) -> str:
    """`user:group` of a node, by name if the image has names for them."""
    account = replay.accounts.find(str(node.uid))
    user = "root" if node.uid == 0 else account.name if account else str(node.uid)
    if node.gid == 0:
        return f"{user}:root"
    is_own = account is not None and replay.accounts.primary_group(account) == node.gid
    return f"{user}:{account.group or account.name}" if account and is_own else f"{user}:{node.gid}"


def find_owners(replay: Replay, origin: Origin) -> list[str]:
    """The distinct owners of what a step has put into the image, before it starts."""
    return sorted({name_owner(replay, node) for node in _left_by(replay, origin)})


def _left_by(replay: Replay, origin: Origin) -> Iterator[Node]:
    for nodes in replay.end.listed().values():
        for node in nodes:
            yield from (
                one for one in (node, *node.inside) if one.origin == origin and one.kind is not Kind.ABSENT
            )
