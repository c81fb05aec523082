"""What may stand where in an image and whose it is.

A tree maps absolute, normalised paths to the nodes that may be there: one where that is known, several
where it depends on something that nobody can read (a branch, a glob, a base). What a directory holds
beside the paths that are listed is its `inside`: nodes that each stand for any of them; there are none
where the listing is complete. model/permissions.py says who may do what.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final, NamedTuple

from dockfix.model.changes import SET_ID, Change, Id

Origin = int | str
"""The step that made a node; BASE for what the image brought, START for what its start makes, VOLUME for
a directory that nothing makes before something is mounted there."""
BASE: Final = "base"
START: Final = "start"
VOLUME: Final = "volume"
_MAX_LINKS: Final = 40
_SET_GROUP: Final = 0o2000
_GROUP_RUNS: Final = 0o010


class Kind(StrEnum):
    """What a node is; ANY stands for what nobody has looked at."""

    DIRECTORY = "directory"
    FILE = "file"
    LINK = "link"
    ANY = "any"
    ABSENT = "absent"


class Node(NamedTuple):
    """One thing that may stand at a path; `mode` holds 12 bits, `capable` file capabilities.

    `inside` says what stands in a directory beside what is listed.
    """

    kind: Kind
    uid: Id = 0
    gid: Id = 0
    mode: int = 0o755
    origin: Origin = BASE
    target: str = ""
    capable: bool = False
    inside: Nodes = ()

    @property
    def holds(self) -> bool:
        """Whether something may stand in it."""
        return self.kind in (Kind.DIRECTORY, Kind.ANY)


Nodes = tuple[Node, ...]
Standing = tuple[tuple[str, Nodes], ...]
"""Where a path may lead once its links are followed, each with what may stand there."""
ABSENT: Final = Node(Kind.ABSENT)


class FileTree:
    """The tree itself; every change is in place, `fork` gives one that can be changed by itself."""

    __slots__ = ("_below", "_links", "_looked", "_names", "_nodes", "_size")

    def __init__(self, nodes: dict[str, Nodes]) -> None:
        self._nodes = nodes
        self._below: dict[str, list[str]] = {}
        self._looked: dict[str, Nodes] = {}
        self._names: frozenset[str] = frozenset()
        self._size = 0
        self._links = any(one.kind is Kind.LINK for found in nodes.values() for one in found)

    def fork(self) -> FileTree:
        """A copy; nodes are shared, since none ever changes."""
        other = FileTree.__new__(FileTree)
        other._nodes, other._links = self._nodes.copy(), self._links
        other._below, other._looked, other._names, other._size = {}, {}, frozenset(), 0
        return other

    # -- looking -------------------------------------------------------------------------------

    def look(self, path: str) -> Nodes:
        """What may stand at a path, links not followed."""
        found = self._nodes.get(path)
        if found is None:
            found = self._looked.get(path)
        if found is not None:
            return found
        if path == "/":
            return (Node(Kind.DIRECTORY),)
        nodes: dict[Node, None] = {}
        for parent in self.look(posixpath.dirname(path)):
            if parent.kind is Kind.ANY:
                nodes[parent] = None
            nodes.update(dict.fromkeys(parent.inside))
        nodes[ABSENT] = None
        found = self._looked[path] = tuple(nodes)
        return found

    def standing(self, path: str, *, last: bool = True) -> Standing:
        """Where a path may lead (its last component followed too, with `last`), and what stands there."""
        if not self._links:
            return ((path, self.look(path)),)
        found: dict[str, Nodes] = {}
        for at, _, reached in self._walked(path, last=last):
            if reached:
                nodes = self.look(at)
                found[at] = tuple(one for one in nodes if one.kind is not Kind.LINK) if last else nodes
        return tuple(found.items())

    def passed(self, path: str, *, last: bool = True) -> list[str]:
        """The links that may be followed to where a path leads, each by a path without links."""
        return [link for _, link, _ in self._walked(path, last=last) if link] if self._links else []

    def _walked(self, path: str, *, last: bool) -> Iterator[tuple[str, str, bool]]:
        """The path and those that its links may lead to: each with its first link, or "".

        And whether it may be walked without that link.
        """
        todo = [(path, 0)]
        while todo:
            at, count = todo.pop()
            reached, link, targets = self._first_link(at, last=last)
            if count < _MAX_LINKS:
                todo += ((target, count + 1) for target in targets)
            yield at, link, reached

    def _first_link(self, path: str, *, last: bool) -> tuple[bool, str, list[str]]:
        """Whether the path may be walked without a link, its first link or "", and where that may lead."""
        parts = path.split("/")
        for end in range(2, len(parts) + (1 if last else 0)):
            at = "/".join(parts[:end])
            nodes = self._nodes.get(at, ())
            links = [one for one in nodes if one.kind is Kind.LINK]
            if links:
                above, rest = posixpath.dirname(at), path[len(at) :]
                targets = [posixpath.normpath(posixpath.join(above, one.target) + rest) for one in links]
                return len(links) < len(nodes), at, targets
        return True, "", []

    def follow(self, path: str, *, last: bool = True) -> str:
        """The path with every link on the way followed (the last component too, with `last`)."""
        standing = self.standing(path, last=last)
        return standing[-1][0] if standing else path

    def exists(self, path: str) -> bool:
        """Whether something surely stands there."""
        found = self.standing(path)
        return bool(found) and all(one.kind is not Kind.ABSENT for _, nodes in found for one in nodes)

    def may_exist(self, path: str) -> bool:
        """Whether something may stand there."""
        return any(one.kind is not Kind.ABSENT for _, nodes in self.standing(path) for one in nodes)

    def nearest(self, path: str) -> str:
        """The nearest directory upwards, the path itself included, that surely exists."""
        path = self.follow(path)
        while path != "/" and not self.exists(path):
            path = posixpath.dirname(path)
        return path

    def below(self, path: str) -> list[str]:
        """The listed paths strictly below a directory."""
        self._refresh()
        found = self._below.get(path)
        if found is None:
            start = path.rstrip("/") + "/"
            found = self._below[path] = [one for one in self._nodes if one.startswith(start) and one != path]
        return found

    def links(self, path: str) -> list[str]:
        """The links that may stand at a path or below it."""
        paths = (path, *self.below(path)) if self._links else ()
        return [one for one in paths if any(node.kind is Kind.LINK for node in self.look(one))]

    def lists_name(self, name: str) -> bool:
        """Whether any listed path ends in that name."""
        self._refresh()
        if not self._names:
            self._names = frozenset(path.rpartition("/")[2] for path in self._nodes)
        return name in self._names

    def _refresh(self) -> None:
        # What is gone stays listed, so that only a new path changes an answer.
        if self._size != len(self._nodes):
            self._below, self._names, self._size = {}, frozenset(), len(self._nodes)

    def contents(self, directory: str) -> list[Node]:
        """What may stand below a directory, listed or not."""
        directory = self.follow(directory)
        found = [
            node
            for path in self.below(directory)
            for node in self._nodes[path]
            if node.kind is not Kind.ABSENT
        ]
        found += (one for node in self.look(directory) for one in node.inside)
        found += (node for node in self.look(directory) if node.kind is Kind.ANY)
        return found

    def listed(self) -> dict[str, Nodes]:
        """What is known to stand, or to be gone, by path."""
        return self._nodes

    def _assign(self, path: str, nodes: Nodes) -> None:
        self._nodes[path] = nodes
        if self._looked:
            self._looked = {}

    # -- changing ------------------------------------------------------------------------------

    def set(self, path: str, nodes: Iterable[Node], *, weak: bool = False) -> None:
        """Let one of some nodes stand at a path; `weak`: or what was there."""
        before = self.look(path) if weak else ()
        found = tuple(dict.fromkeys((*before, *nodes)))
        self._assign(path, found)
        self._links = self._links or any(one.kind is Kind.LINK for one in found)

    def put(self, path: str, node: Node, *, weak: bool = False) -> None:
        """Let a node stand at a path; `weak`: it may, and what was there may as well."""
        self.set(path, (node,), weak=weak)

    def born(self, path: str, node: Node) -> Nodes:
        """A new node as its directory makes it: one that sets the group hands that down."""
        parents = self.look(posixpath.dirname(path))
        return tuple(dict.fromkeys(_inherit(node, one) for one in parents if one.holds)) or (node,)

    def confirm(self, path: str) -> None:
        """Take for known that something stands at a path, and the directories above it."""
        nodes = self.look(path)
        there = tuple(each(nodes))
        if there and len(there) < len(nodes):
            self._assign(path, there)
        self.settle(posixpath.dirname(path))

    def settle(self, path: str) -> None:
        """Take for known that a directory and those above it are there."""
        while path != "/":
            nodes = self._nodes.get(path, ())
            there = tuple(one for one in nodes if one.holds)
            if there and len(there) < len(nodes):
                self._assign(path, there)
            path = posixpath.dirname(path)

    def make_directories(
        self, path: str, node: Node, *, above: Node | None = None, weak: bool = False
    ) -> str:
        """Make a directory and what is missing above it (`mkdir -p`); the path it really has."""
        paths = [real for real, _ in self.standing(path)]
        for real in paths:
            self._make(real, node, above or node, weak=weak or len(paths) > 1)
        return self.follow(path)

    def _make(self, path: str, node: Node, above: Node, *, weak: bool) -> None:
        missing: list[str] = []
        at = path
        while at != "/" and not all(one.holds for one in self.look(at)):
            missing.append(at)
            at = posixpath.dirname(at)
        for one in reversed(missing):
            there = tuple(other for other in self.look(one) if weak or other.holds)
            self.set(one, (*there, *self.born(one, node if one == path else above)))

    def fill(self, directory: str, content: Node) -> None:
        """Let unlisted things stand in a directory and in those below it, or where something was removed."""
        top = self.follow(directory)
        for path in (top, *self.below(top)):
            nodes = self.look(path)
            if path == top or any(node.kind is Kind.DIRECTORY for node in nodes):
                self._assign(path, tuple(_filled(node, content) if node.holds else node for node in nodes))
            elif ABSENT in nodes:
                self.put(path, content, weak=True)

    def remove(self, path: str, *, weak: bool = False) -> None:
        """Take a path and all below it away."""
        for one in (path, *self.below(path)):
            self.set(one, (ABSENT,), weak=weak)

    def restore(self, path: str, other: FileTree) -> None:
        """Let the same stand at a path and below it as in another tree."""
        for one in (path, *self.below(path)):
            self._nodes.pop(one, None)
        self._below, self._looked, self._size = {}, {}, 0
        for one in (path, *other.below(path)):
            if one in other._nodes:
                self.set(one, other._nodes[one])

    def branch(self, path: str) -> dict[str, Nodes]:
        """What may stand at a path and below it, as far as it is listed."""
        return {one: self.look(one) for one in (path, *self.below(path))}

    def graft(self, nodes: dict[str, Nodes], source: str, path: str, *, weak: bool = False) -> None:
        """Put the branch of `source` in the place of what stands at a path; owners, modes, origins stay."""
        self.remove(path, weak=weak)
        for one, found in nodes.items():
            self.set(path + one[len(source) :], found, weak=weak)

    def change(
        self, path: str, change: Change, *, recursive: bool = False, weak: bool = False, last: bool = True
    ) -> None:
        """Apply an owner's or mode's change to what stands at a path, and below it."""
        standing = self.standing(path, last=last)
        for real, _ in standing:
            for one in (real, *(self.below(real) if recursive else ())):
                after = [
                    made for node in self.look(one) for made in changed(node, change, recursive=recursive)
                ]
                self.set(one, after, weak=weak or len(standing) > 1)

    def change_contents(self, directory: str, change: Change) -> None:
        """Apply a change to some of what may stand in a directory unlisted, not to itself."""
        path = self.follow(directory)
        self._assign(path, tuple(_with_changed_contents(node, change) for node in self.look(path)))


def _with_changed_contents(node: Node, change: Change) -> Node:
    inside = (made for one in _within(node) for made in (one, *changed(one, change, recursive=True)))
    return node._replace(inside=tuple(dict.fromkeys(inside)))


def changed(node: Node, change: Change, *, recursive: bool) -> Nodes:
    """What a node may be after a change; capabilities and set-id bits of a file go with its owner."""
    if node.kind is Kind.ABSENT:
        return (node,)
    if recursive and node.inside:
        inside = dict.fromkeys(made for one in node.inside for made in changed(one, change, recursive=True))
        node = node._replace(inside=tuple(inside))
    if not _is_meant(node, change):
        return (node,)
    made = Node(
        node.kind,
        node.uid if change.uid is None else change.uid,
        node.gid if change.gid is None else change.gid,
        _changed_mode(node, change),
        node.origin,
        node.target,
        (node.capable if change.capable is None else change.capable) and not change.gives,
        node.inside,
    )
    is_sure = change.kind == "" or node.kind is not Kind.ANY
    is_sure = is_sure and change.only in (None, node.uid) and change.only_group in (None, node.gid)
    return (made,) if is_sure else (node, made)


def _changed_mode(node: Node, change: Change) -> int:
    mode = node.mode
    if change.mode is not None and node.kind is not Kind.LINK:
        mode = change.mode(mode, is_directory=node.kind is Kind.DIRECTORY)
        if change.groups is not None and node.gid not in change.groups:
            mode &= ~_SET_GROUP
    if change.gives and node.kind is Kind.ANY:
        mode &= ~0o4000
    elif change.gives and not node.holds:
        # Without the right to run it, the bit that sets the group means something else, and stays.
        mode &= ~SET_ID if mode & _GROUP_RUNS else ~0o4000
    return mode


def _is_meant(node: Node, change: Change) -> bool:
    if not (_may_be(node.uid, change.only) and _may_be(node.gid, change.only_group)):
        return False
    if node.kind is Kind.LINK and change.follows:
        return False
    return change.kind in ("", node.kind.value) or node.kind is Kind.ANY


def _may_be(has: Id, wanted: Id | None) -> bool:
    """Whether an owner is the one that is wanted; a name may be any number."""
    return wanted is None or has == wanted or isinstance(has, str) is not isinstance(wanted, str)


def _inherit(node: Node, parent: Node) -> Node:
    if not parent.mode & _SET_GROUP:
        return node
    mode = node.mode | (_SET_GROUP if node.kind is Kind.DIRECTORY else 0)
    return node._replace(gid=parent.gid, mode=mode)


def _filled(node: Node, content: Node) -> Node:
    inside = tuple(dict.fromkeys((*_within(node), content)))
    return node._replace(kind=Kind.DIRECTORY, inside=inside)


def _within(node: Node) -> Nodes:
    return (node, *node.inside) if node.kind is Kind.ANY else node.inside


def each(nodes: Iterable[Node]) -> Iterator[Node]:
    """The nodes that stand for something that is there."""
    return (one for one in nodes if one.kind is not Kind.ABSENT)
