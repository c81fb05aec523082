"""What may stand where in an image, whose it is, and who may do what to it: POSIX's rules, once.

A tree maps absolute, normalised paths to the nodes that may be there: one where that is known, several
where it depends on something that nobody can read (a branch, a glob, a base). What a directory holds
beside the paths that are listed is its `inside`: nodes that each stand for any of them; there are none
where the listing is complete.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from enum import Enum
from fnmatch import fnmatchcase
from typing import Final

from dockfix.model.changes import Change, Id

Origin = int | str
"""The step that made a node; BASE for what the image brought."""
BASE: Final = "base"
_MAX_LINKS: Final = 40
_READ: Final = 4
_WRITE: Final = 2
_SEARCH: Final = 1


class Kind(Enum):
    """What a node is; ANY stands for what nobody has looked at."""

    DIRECTORY = "directory"
    FILE = "file"
    LINK = "link"
    ANY = "any"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Node:
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
ABSENT: Final = Node(Kind.ABSENT)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who does something: numbers, supplementary groups included in `groups`, and the home."""

    uid: Id
    groups: frozenset[Id]
    gid: Id
    home: str

    @property
    def is_root(self) -> bool:
        """Whether permissions do not count."""
        return self.uid == 0


ROOT: Final = Identity(0, frozenset({0}), 0, "/root")


def permits(node: Node, who: Identity, bits: int) -> bool:
    """Whether the permission bits (4 read, 2 write, 1 search or execute) are granted."""
    if who.is_root:
        return True
    shift = 6 if node.uid == who.uid else 3 if node.gid in who.groups else 0
    return (node.mode >> shift) & bits == bits


class Verdict(Enum):
    """What becomes of an operation on one node that may be there."""

    ALLOWED = "allowed"
    DENIED = "denied"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Answer:
    """One possible outcome: on the node of which step, and for a denial, what stands in the way."""

    verdict: Verdict
    origin: Origin = BASE
    obstacle: str = ""


Answers = frozenset[Answer]


class FileTree:
    """The tree itself; every change is in place, `fork` gives one that can be changed by itself."""

    __slots__ = ("_links", "_nodes")

    def __init__(self, nodes: dict[str, Nodes]) -> None:
        self._nodes = nodes
        self._links = any(one.kind is Kind.LINK for found in nodes.values() for one in found)

    def fork(self) -> FileTree:
        """A copy; nodes are shared, since none ever changes."""
        other = FileTree.__new__(FileTree)
        other._nodes, other._links = self._nodes.copy(), self._links
        return other

    # -- looking -------------------------------------------------------------------------------

    def look(self, path: str) -> Nodes:
        """What may stand at a path, links not followed."""
        found = self._nodes.get(path)
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
        return tuple(nodes)

    def follow(self, path: str, *, last: bool = True) -> str:
        """The path with every link on the way followed (the last component too, with `last`)."""
        if not self._links:
            return path
        for _ in range(_MAX_LINKS):
            step = self._first_link(path, last=last)
            if step is None:
                return path
            at, target = step
            path = posixpath.normpath(posixpath.join(posixpath.dirname(at), target) + path[len(at) :])
        return path

    def _first_link(self, path: str, *, last: bool) -> tuple[str, str] | None:
        parts = path.split("/")
        for end in range(2, len(parts) + (1 if last else 0)):
            at = "/".join(parts[:end])
            for one in self._nodes.get(at, ()):
                if one.kind is Kind.LINK:
                    return at, one.target
        return None

    def exists(self, path: str) -> bool:
        """Whether something surely stands there."""
        return all(one.kind is not Kind.ABSENT for one in self.look(self.follow(path)))

    def may_exist(self, path: str) -> bool:
        """Whether something may stand there."""
        return any(one.kind is not Kind.ABSENT for one in self.look(self.follow(path)))

    def nearest(self, path: str) -> str:
        """The nearest directory upwards, the path itself included, that surely exists."""
        path = self.follow(path)
        while path != "/" and not self.exists(path):
            path = posixpath.dirname(path)
        return path

    def below(self, path: str) -> list[str]:
        """The listed paths strictly below a directory."""
        start = path.rstrip("/") + "/"
        return [one for one in self._nodes if one.startswith(start) and one != path]

    def matching(self, pattern: str) -> list[str]:
        """The listed paths that a shell pattern with its wildcards in the last component matches."""
        return [
            one for one in self._nodes if fnmatchcase(one, pattern) and one.count("/") == pattern.count("/")
        ]

    # -- asking --------------------------------------------------------------------------------

    def obstacle(self, path: str, who: Identity) -> str:
        """The first directory on the way to `path` that `who` may not enter, or ""."""
        if who.is_root:
            return ""
        parts = path.split("/")
        for end in range(1, len(parts)):
            directory = "/".join(parts[:end]) or "/"
            if any(one.holds and not permits(one, who, _SEARCH) for one in self.look(directory)):
                return directory
        return ""

    def may(self, path: str, who: Identity, bits: int) -> Answers:
        """What becomes of reading (4), writing (2) or running (1) what stands at `path`."""
        path = self.follow(path)
        if closed := self.obstacle(path, who):
            return frozenset(Answer(Verdict.DENIED, one.origin, closed) for one in self.look(path))
        return frozenset(_answer(one, who, bits, path) for one in self.look(path))

    def may_change(self, directory: str, who: Identity) -> Answers:
        """What becomes of creating, removing or renaming something in a directory that must be there."""
        return self.may(directory, who, _WRITE | _SEARCH)

    def may_make(self, path: str, who: Identity) -> Answers:
        """What becomes of making `path` and what is missing above it: the nearest directory decides."""
        path = self.follow(path)
        if self.exists(path):
            return self.may(path, who, _SEARCH)
        return self.may_change(self.nearest(posixpath.dirname(path)), who)

    def may_remove(self, path: str, who: Identity, *, recursive: bool) -> Answers:
        """What becomes of removing `path`: its directory decides, and what is in it with `recursive`."""
        path = self.follow(path, last=False)
        directory = posixpath.dirname(path)
        answers: set[Answer] = set()
        for one in self.look(path):
            if one.kind is Kind.ABSENT:
                answers.add(Answer(Verdict.ABSENT))
                continue
            answers |= {
                replace(answer, origin=one.origin)
                for answer in self.may_change(directory, who)
                if answer.verdict is not Verdict.ABSENT
            }
            sticky = any(parent.mode & 0o1000 for parent in self.look(directory))
            closed = recursive and one.kind is Kind.DIRECTORY and not permits(one, who, _WRITE | _SEARCH)
            if not who.is_root and ((sticky and one.uid != who.uid) or (closed and self.contents(path))):
                answers.add(Answer(Verdict.DENIED, one.origin, path))
        return frozenset(answers)

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

    def may_write(self, path: str, who: Identity) -> Answers:
        """What becomes of opening a file to write, which is created where it is not there."""
        path = self.follow(path)
        answers: set[Answer] = set()
        for one in self.may(path, who, _WRITE):
            if one.verdict is Verdict.ABSENT:
                answers |= self.may_change(posixpath.dirname(path), who)
            else:
                answers.add(one)
        return frozenset(answers)

    def owned_by(self, path: str, who: Identity) -> Answers:
        """What becomes of a change that only the owner may make (chmod, utime)."""
        path = self.follow(path)
        closed = self.obstacle(path, who)
        return frozenset(_owner_answer(one, who, path, closed) for one in self.look(path))

    # -- changing ------------------------------------------------------------------------------

    def put(self, path: str, node: Node, *, weak: bool = False) -> None:
        """Let a node stand at a path; `weak`: it may, and what was there may as well."""
        before = self.look(path) if weak else ()
        self._nodes[path] = tuple(dict.fromkeys((*before, node)))
        self._links = self._links or node.kind is Kind.LINK

    def make_directories(self, path: str, node: Node, *, weak: bool = False) -> str:
        """Make a directory and what is missing above it (`mkdir -p`); the path it really has."""
        path = self.follow(path)
        missing: list[str] = []
        at = path
        while at != "/" and not self._is_directory(at):
            missing.append(at)
            at = posixpath.dirname(at)
        for one in reversed(missing):
            there = tuple(other for other in self.look(one) if other.holds)
            unsure = (ABSENT,) if weak else ()
            self._nodes[one] = tuple(dict.fromkeys((*there, *unsure, node)))
        return path

    def _is_directory(self, path: str) -> bool:
        return all(one.holds for one in self.look(path))

    def listed(self) -> dict[str, Nodes]:
        """What is known to stand, or to be gone, by path."""
        return self._nodes

    def fill(self, directory: str, content: Node) -> None:
        """Let unlisted things stand in a directory and in those below it, beside or over what is listed."""
        top = self.follow(directory)
        for path in (top, *self.below(top)):
            nodes = self.look(path)
            if path == top or any(node.kind is Kind.DIRECTORY for node in nodes):
                self._nodes[path] = tuple(_filled(node, content) if node.holds else node for node in nodes)

    def change_contents(self, directory: str, change: Change) -> None:
        """Apply a change to what may stand in a directory unlisted, not to itself."""
        path = self.follow(directory)
        self._nodes[path] = tuple(
            replace(node, inside=tuple(changed(one, change, recursive=True) for one in _within(node)))
            for node in self.look(path)
        )

    def remove(self, path: str, *, weak: bool = False) -> None:
        """Take a path and all below it away."""
        for one in (path, *self.below(path)):
            self._nodes[one] = tuple(dict.fromkeys((*self.look(one), ABSENT))) if weak else (ABSENT,)

    def move(self, source: str, destination: str, *, weak: bool = False) -> None:
        """Rename; owners, modes and origins go along."""
        nodes = {one: self.look(one) for one in (source, *self.below(source))}
        self.remove(destination, weak=weak)
        for path, found in nodes.items():
            for node in found:
                self.put(destination + path[len(source) :], node, weak=weak or len(found) > 1)
        self.remove(source, weak=weak)

    def change(self, path: str, change: Change, *, recursive: bool = False, weak: bool = False) -> None:
        """Apply an owner's or mode's change to what stands at a path, and below it."""
        path = self.follow(path)
        for one in (path, *(self.below(path) if recursive else ())):
            found = self.look(one)
            after = tuple(changed(node, change, recursive=recursive) for node in found)
            self._nodes[one] = tuple(dict.fromkeys((*(found if weak else ()), *after)))


def changed(node: Node, change: Change, *, recursive: bool) -> Node:
    """The node after a change; capabilities and set-id bits of a file go with its owner."""
    if node.kind is Kind.ABSENT:
        return node
    inside = tuple(changed(one, change, recursive=True) for one in node.inside) if recursive else node.inside
    if change.only is not None and node.uid != change.only:
        return replace(node, inside=inside)
    mode = node.mode
    if change.mode is not None:
        mode = change.mode(mode, is_directory=node.kind is Kind.DIRECTORY)
    if change.gives and not node.holds:
        mode &= 0o1777
    capable = node.capable if change.capable is None else change.capable
    return Node(
        node.kind,
        node.uid if change.uid is None else change.uid,
        node.gid if change.gid is None else change.gid,
        mode,
        node.origin,
        node.target,
        capable and not change.gives,
        inside,
    )


def _filled(node: Node, content: Node) -> Node:
    inside = tuple(dict.fromkeys((*_within(node), content)))
    return replace(node, kind=Kind.DIRECTORY, inside=inside)


def _within(node: Node) -> Nodes:
    return (node, *node.inside) if node.kind is Kind.ANY else node.inside


def _answer(node: Node, who: Identity, bits: int, path: str) -> Answer:
    if node.kind is Kind.ABSENT:
        return Answer(Verdict.ABSENT)
    if permits(node, who, bits):
        return Answer(Verdict.ALLOWED, node.origin)
    return Answer(Verdict.DENIED, node.origin, path)


def _owner_answer(node: Node, who: Identity, path: str, closed: str) -> Answer:
    if node.kind is Kind.ABSENT:
        return Answer(Verdict.ABSENT)
    if closed or not (who.is_root or node.uid == who.uid):
        return Answer(Verdict.DENIED, node.origin, closed or path)
    return Answer(Verdict.ALLOWED, node.origin)
