"""The identity that performs operations in a step, and the nodes that result."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from dockfix.model.changes import SET_ID
from dockfix.model.filetree import Kind, KindName, Node, Origin
from dockfix.model.operations import How, HowName
from dockfix.model.permissions import Identity

_GROUP_RUNS = 0o010


@dataclass(frozen=True, slots=True)
class Actor:
    """An identity, the step it acts in and its umask; `optional`: the operations may be skipped.

    `packages`: what they leave belongs to an environment.
    """

    who: Identity
    origin: Origin
    umask: int = 0o022
    optional: bool = False
    packages: bool = False

    def makes(self, kind: KindName, mode: int = 0o777, target: str = "") -> Node:
        """A new node owned by the actor, with the umask applied to `mode`."""
        return Node(
            kind, self.who.uid, self.who.gid, mode & ~self.umask, self.origin, target, packaged=self.packages
        )

    def copies(self, node: Node, how: Collection[HowName] = ()) -> Node:
        """A copy of a node; `how` may preserve owner and mode, as far as the actor is allowed to."""
        inside = tuple(self.copies(one, how) for one in node.inside)
        made = Node(
            node.kind, self.who.uid, self.who.gid, self._copied_mode(node, how), self.origin, node.target,
            inside=inside, packaged=node.packaged,
        )  # fmt: skip
        if How.KEEPS_OWNER not in how:
            return made
        if self.who.is_root:
            return made._replace(uid=node.uid, gid=node.gid, capable=node.capable and How.KEEPS_ALL in how)
        gid = node.gid if node.gid in self.who.groups else self.who.gid
        is_same = node.uid == self.who.uid and node.gid == gid
        return made._replace(gid=gid, mode=made.mode if is_same else made.mode & 0o777)

    def _copied_mode(self, node: Node, how: Collection[HowName]) -> int:
        if How.KEEPS_MODE in how:
            return node.mode
        is_plain = How.PLAIN_MODE in how and node.kind is Kind.FILE
        bits = 0o666 if is_plain else 0o777 if How.PLAIN_MODE in how else node.mode & 0o777
        return bits & ~self.umask

    def edits(self, node: Node) -> Node:
        """The file that replaces another after an edit in place; only root preserves the owner."""
        gid = node.gid if self.who.is_root or node.gid in self.who.groups else self.who.gid
        uid = node.uid if self.who.is_root else self.who.uid
        return self.writes(node)._replace(uid=uid, gid=gid)

    def writes(self, node: Node) -> Node:
        """A file after a write: it loses its capabilities, and its set-id bits unless root is the writer."""
        mode = node.mode
        if not self.who.is_root and node.kind is Kind.FILE:
            mode &= ~SET_ID if mode & _GROUP_RUNS else ~0o4000
        return node._replace(mode=mode, capable=False)
