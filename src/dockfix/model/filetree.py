"""What may stand where in an image, whose it is, and who may do what to it: POSIX's rules, once.

A tree maps absolute, normalised paths to the nodes that may be there: one where that is known, several
where it depends on something that nobody can read (a branch, a glob, a base). What a directory holds
beside the paths that are listed is its `inside`: a node that stands for each of them, or None where
the listing is complete.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from fnmatch import fnmatchcase
from typing import Final

Id = int | str
"""A number, or the name of an account or group whose number is not known."""
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
    inside: Node | None = None

    @property
    def holds(self) -> bool:
        """Whether something may stand in it."""
        return self.kind in (Kind.DIRECTORY, Kind.ANY)


ABSENT: Final = Node(Kind.ABSENT)
Nodes = tuple[Node, ...]


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
            within = parent.inside if parent.kind is Kind.DIRECTORY else parent
            if within is not None and within.holds:
                nodes[within] = None
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
        """What becomes of making `path` and the directories above it that are missing: the nearest decides."""
        path = self.follow(path)
        if self.exists(path):
            return self.may(path, who, _SEARCH)
        return self.may_change(self.nearest(posixpath.dirname(path)), who)

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
            self.put(one, node, weak=weak or self.may_exist(one))
        return path

    def _is_directory(self, path: str) -> bool:
        return all(one.holds for one in self.look(path))

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
            changed = tuple(change(node, recursive=recursive) for node in found)
            self._nodes[one] = tuple(dict.fromkeys((*(found if weak else ()), *changed)))


@dataclass(frozen=True, slots=True)
class Change:
    """A change of owner, group or mode; `only` limits it to what that owner has (`chown --from`)."""

    uid: Id | None = None
    gid: Id | None = None
    mode: Mode | None = None
    only: Id | None = None
    capable: bool | None = None

    def __call__(self, node: Node, *, recursive: bool) -> Node:
        """The node after it; capabilities and set-id bits go with an owner."""
        if node.kind is Kind.ABSENT:
            return node
        inside = self(node.inside, recursive=True) if recursive and node.inside is not None else node.inside
        if self.only is not None and node.uid != self.only:
            return replace(node, inside=inside) if inside is not node.inside else node
        mode = (
            node.mode if self.mode is None else self.mode(node.mode, is_directory=node.kind is Kind.DIRECTORY)
        )
        capable = node.capable if self.capable is None else self.capable
        if self.uid is not None or self.gid is not None:
            capable = False
            mode &= 0o7777 if node.holds else 0o1777
        return replace(
            node,
            uid=node.uid if self.uid is None else self.uid,
            gid=node.gid if self.gid is None else self.gid,
            mode=mode,
            capable=capable,
            inside=inside,
        )


@dataclass(frozen=True, slots=True)
class Mode:
    """A chmod operand: octal, or clauses as (bits taken away, bits added, whether X asks for directories)."""

    octal: int | None
    clauses: tuple[tuple[int, int, int], ...] = ()

    def __call__(self, mode: int, *, is_directory: bool) -> int:
        """The bits after it."""
        if self.octal is not None:
            return self.octal
        for taken, added, wanted in self.clauses:
            searchable = wanted if is_directory or mode & 0o111 else 0
            mode = mode & ~taken | added | searchable
        return mode


_WHO: Final = {"u": 0o4700, "g": 0o2070, "o": 0o1007, "a": 0o7777}
_BITS: Final = {"r": 0o444, "w": 0o222, "x": 0o111, "s": 0o6000, "t": 0o1000}


def read_mode(text: str) -> Mode | None:
    """A chmod operand (`0755`, `u+x,go-w`, `a=rX`), or None where it is not understood (`u=g`)."""
    if text and len(text) <= 5 and all(digit in "01234567" for digit in text):
        return Mode(int(text, 8))
    clauses: list[tuple[int, int, int]] = []
    for clause in text.split(","):
        at = next((index for index, letter in enumerate(clause) if letter in "+-="), -1)
        who, bits = clause[:at] or "a", clause[at + 1 :]
        if at < 0 or not set(who) <= _WHO.keys() or not set(bits) <= _BITS.keys() | {"X"}:
            return None
        scope = _union(_WHO[one] for one in who)
        value = _union(_BITS.get(one, 0) for one in bits) & scope
        wanted = 0o111 & scope if "X" in bits else 0
        if clause[at] == "-":
            clauses.append((value | wanted, 0, 0))
        else:
            clauses.append((scope & 0o777 if clause[at] == "=" else 0, value, wanted))
    return Mode(None, tuple(clauses))


def _union(bits: Iterable[int]) -> int:
    total = 0
    for one in bits:
        total |= one
    return total


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


def listed(tree: FileTree) -> Iterator[tuple[str, Nodes]]:
    """The listed paths with what may stand there, in no order."""
    yield from tree._nodes.items()
