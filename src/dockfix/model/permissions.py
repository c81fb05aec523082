"""POSIX permission checks on a file tree.

Each check takes a path as a command names it, follows its links, and answers for every node that may
exist there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, NewType

from dockfix.model.changes import Change, Id
from dockfix.model.filetree import BASE, FileTree, Kind, Node, Origin, changed, parent_of

READ: Final = 4
WRITE: Final = 2
SEARCH: Final = 1
_STICKY: Final = 0o1000
_ENTRY: Final = WRITE | SEARCH
_ALL: Final = READ | WRITE | SEARCH


@dataclass(frozen=True, slots=True)
class Identity:
    """A user as the kernel sees it: IDs, all groups (with the supplementary ones), and the home."""

    uid: Id
    groups: frozenset[Id]
    gid: Id
    home: str

    @property
    def is_root(self) -> bool:
        """Whether permission checks are bypassed."""
        return self.uid == 0


ROOT: Final = Identity(0, frozenset({0}), 0, "/root")


def permits(node: Node, who: Identity, bits: int) -> bool:
    """Whether a node's mode grants the permission bits (4 read, 2 write, 1 search or execute)."""
    if who.is_root:
        return True
    shift = 6 if node.uid == who.uid else 3 if node.gid in who.groups else 0
    return (node.mode >> shift) & bits == bits


VerdictName = NewType("VerdictName", str)


class Verdict:
    """The outcome of an operation on one possible node."""

    ALLOWED: Final = VerdictName("allowed")
    DENIED: Final = VerdictName("denied")
    ABSENT: Final = VerdictName("absent")


class Answer(NamedTuple):
    """One possible outcome: the step that created the node and, for a denial, the obstructing path."""

    verdict: VerdictName
    origin: Origin = BASE
    obstacle: str = ""


Answers = frozenset[Answer]


def find_denials(answers: Answers) -> list[Answer]:
    """The denials, deepest obstacle first; sorted, because a set has no defined order."""
    denied = [one for one in answers if one.verdict is Verdict.DENIED]
    if len(denied) > 1:
        denied.sort(key=lambda one: (-len(one.obstacle), one.obstacle, str(one.origin)))
    return denied


Judge = Callable[[str, Node], Iterator[Answer]]


def obstacle(tree: FileTree, path: str, who: Identity) -> tuple[str, bool]:
    """(first directory on the way to a path that `who` cannot enter, or "", whether that is certain).

    The path must not contain links. It is uncertain if another node may exist in that directory's place.
    """
    if who.is_root:
        return "", True
    doubtful = ""
    parts = path.split("/")
    for end in range(1, len(parts)):
        directory = "/".join(parts[:end]) or "/"
        closed = [not permits(one, who, SEARCH) for one in tree.look(directory) if one.holds]
        if closed and all(closed):
            return directory, True
        if any(closed):
            doubtful = doubtful or directory
    return doubtful, False


def _obstacle_before(tree: FileTree, path: str, who: Identity, *, last: bool) -> tuple[str, bool]:
    """The same for the links that are followed to resolve a path."""
    for link in tree.passed(path, last=last) if not who.is_root else ():
        closed, is_sure = obstacle(tree, link, who)
        if closed:
            return closed, is_sure
    return "", True


def ask_each(tree: FileTree, path: str, who: Identity, judge: Judge, *, last: bool = True) -> Answers:
    """The judge's answers for each node that may exist at a path, or a denial if the way there is closed."""
    found: set[Answer] = set()
    standing = tree.standing(path, last=last)
    for real, nodes in standing:
        closed, is_sure = obstacle(tree, real, who)
        if not closed:
            closed, is_sure = _obstacle_before(tree, path, who, last=last)
            is_sure = is_sure and len(standing) == 1
        if closed:
            found.update(Answer(Verdict.DENIED, one.origin, closed) for one in nodes)
        if not (closed and is_sure):
            found.update(answer for one in nodes for answer in judge(real, one))
    return frozenset(found)


def _allow(node: Node, path: str, *, is_granted: bool) -> Answer:
    if is_granted:
        return Answer(Verdict.ALLOWED, node.origin)
    return Answer(Verdict.DENIED, node.origin, path)


def may(tree: FileTree, path: str, who: Identity, bits: int) -> Answers:
    """The answers to reading (4), writing (2) or executing (1) what exists at `path`."""

    def judge(real: str, node: Node) -> Iterator[Answer]:
        if node.kind is Kind.ABSENT:
            yield Answer(Verdict.ABSENT)
        else:
            yield _allow(node, real, is_granted=permits(node, who, bits))

    return ask_each(tree, path, who, judge)


def may_change(tree: FileTree, directory: str, who: Identity) -> Answers:
    """The answers to creating, removing or renaming an entry of a directory, which must exist."""
    return may(tree, directory, who, _ENTRY)


def may_write(tree: FileTree, path: str, who: Identity) -> Answers:
    """The answers to opening a file for writing, which creates it if it does not exist."""

    def judge(real: str, node: Node) -> Iterator[Answer]:
        if node.kind is Kind.ABSENT:
            yield from may_change(tree, parent_of(real), who)
        else:
            yield _allow(node, real, is_granted=permits(node, who, WRITE))

    return ask_each(tree, path, who, judge)


def may_make(tree: FileTree, path: str, who: Identity) -> Answers:
    """The answers to creating `path` and its missing parents; the nearest existing directory decides."""
    found: set[Answer] = set()
    standing = tree.standing(path)
    before, is_sure = _obstacle_before(tree, path, who, last=True)
    if before:
        found.add(Answer(Verdict.DENIED, BASE, before))
    for real, nodes in () if before and is_sure and len(standing) == 1 else standing:
        parts = real.split("/")
        for end in range(2, len(parts) + 1):
            at = "/".join(parts[:end])
            there = tree.look(at)
            if any(one.kind is Kind.ABSENT for one in there):
                found.update(
                    one for one in may_change(tree, parent_of(at), who) if one.verdict is not Verdict.ABSENT
                )
            if all(one.kind is Kind.ABSENT for one in there):
                break
        else:
            closed, _ = obstacle(tree, real, who)
            found.update(
                _allow(one, closed, is_granted=not closed) for one in nodes if one.kind is not Kind.ABSENT
            )
    return frozenset(found)


def may_remove(tree: FileTree, path: str, who: Identity, *, recursive: bool) -> Answers:
    """The answers to removing `path`; its directory decides, and with `recursive` its contents too."""

    def judge(real: str, node: Node) -> Iterator[Answer]:
        if node.kind is Kind.ABSENT:
            yield Answer(Verdict.ABSENT)
        elif recursive and node.holds:
            yield from both(may_unlink(tree, real, node, who), may_empty(tree, real, node, who))
        else:
            yield from may_unlink(tree, real, node, who)

    return ask_each(tree, path, who, judge, last=False)


def may_unlink(tree: FileTree, path: str, node: Node, who: Identity) -> Answers:
    """The answers to removing a directory entry; in a sticky directory, only an owner may."""
    directory = parent_of(path)
    if who.is_root:
        return frozenset({Answer(Verdict.ALLOWED, node.origin)} if tree.may_exist(directory) else ())
    entry = may_change(tree, directory, who)
    found = frozenset(one._replace(origin=node.origin) for one in entry if one.verdict is not Verdict.ABSENT)
    stuck = frozenset(
        _allow(node, directory, is_granted=not _is_stuck(parent, node, who))
        for parent in tree.look(directory)
    )
    return both(found, stuck)


def _is_stuck(parent: Node, node: Node, who: Identity) -> bool:
    return bool(parent.mode & _STICKY) and who.uid not in (node.uid, parent.uid)


def may_empty(tree: FileTree, path: str, node: Node, who: Identity) -> Answers:
    """The answers to removing everything in a directory; the path must not contain links."""

    def judge(one: Found) -> bool | None:
        if one.path != path and _is_kept(tree, one, who):
            return False
        if not one.node.holds or permits(one.node, who, _ALL):
            return True
        is_filled = _is_filled(tree, one)
        return not is_filled if is_filled is not None else None

    return _of_all(judge, who, _and_below(tree, path, node))


def _is_kept(tree: FileTree, one: Found, who: Identity) -> bool:
    """Whether a sticky directory keeps an entry for its owner."""
    above = tree.look(parent_of(one.path))
    return bool(above) and all(_is_stuck(parent, one.node, who) for parent in above if parent.holds)


def may_fill(tree: FileTree, path: str, node: Node, who: Identity) -> Answers:
    """The answers to creating entries in a directory and in every directory below it."""

    def judge(one: Found) -> bool:
        return not one.node.holds or permits(one.node, who, _ENTRY)

    return _of_all(judge, who, _and_below(tree, path, node))


def may_overwrite(tree: FileTree, path: str, node: Node, who: Identity) -> Answers:
    """The answers to writing every file in a directory."""

    def judge(one: Found) -> bool:
        return one.node.kind is Kind.DIRECTORY or permits(one.node, who, WRITE)

    return _of_all(judge, who, _and_below(tree, path, node))


def may_touch_all(tree: FileTree, path: str, node: Node, who: Identity) -> Answers:
    """The answers to writing every file in a directory, and setting the times of the directories."""

    def judge(one: Found) -> bool:
        is_own = one.node.kind is Kind.DIRECTORY and one.node.uid == who.uid
        return is_own or permits(one.node, who, WRITE)

    return _of_all(judge, who, _and_below(tree, path, node))


def may_read_all(
    tree: FileTree, path: str, node: Node, who: Identity, *, only_directories: bool = False
) -> Answers:
    """The answers to reading everything in a directory; the path must not contain links."""

    def judge(one: Found) -> bool:
        if only_directories and not one.node.holds:
            return True
        bits = READ | SEARCH if one.node.kind is Kind.DIRECTORY else READ
        return one.node.kind is Kind.LINK or permits(one.node, who, bits)

    return _of_all(judge, who, _and_below(tree, path, node))


def may_change_modes(tree: FileTree, path: str, node: Node, who: Identity, change: Change) -> Answers:
    """The answers to a recursive chmod, which only owners may make, applied to one node after another."""

    def judge(one: Found) -> bool | None:
        if one.node.kind is Kind.LINK:
            return True
        if one.node.uid != who.uid:
            return False
        after = changed(one.node, change, recursive=False)
        if one.node.kind is not Kind.DIRECTORY or all(permits(node, who, READ | SEARCH) for node in after):
            return True
        return None

    return _of_all(judge, who, _and_below(tree, path, node))


class Found(NamedTuple):
    """A node that may exist at or below a directory; `is_sure`: it certainly does."""

    path: str
    node: Node
    is_sure: bool


def walk(tree: FileTree, path: str, node: Node) -> Iterator[Found]:
    """The nodes that may exist below a node; unlisted ones come with the path of their directory."""
    yield from (Found(path, one, is_sure=False) for one in node.inside)
    for at in tree.below(path):
        nodes = tree.look(at)
        for one in nodes:
            if one.kind is not Kind.ABSENT:
                yield Found(at, one, is_sure=len(nodes) == 1)
                yield from (Found(at, inner, is_sure=False) for inner in one.inside)


def _and_below(tree: FileTree, path: str, node: Node) -> Iterator[Found]:
    """A node that exists, and those that may exist below it."""
    yield Found(path, node, is_sure=True)
    yield from walk(tree, path, node)


def _of_all(judge: Callable[[Found], bool | None], who: Identity, found: Iterable[Found]) -> Answers:
    """Allowed if `judge` grants every node, denied if a certain node is refused, both if that is uncertain.

    `judge` returns None if it cannot tell.
    """
    answers = {Answer(Verdict.ALLOWED)}
    for one in found if not who.is_root else ():
        granted = judge(one)
        if granted is True:
            continue
        denied = Answer(Verdict.DENIED, one.node.origin, one.path)
        if granted is False and one.is_sure:
            return frozenset({denied})
        answers.add(denied)
    return frozenset(answers)


def _is_filled(tree: FileTree, found: Found) -> bool | None:
    """Whether a directory has entries, None if that is unknown."""
    path, node, _ = found
    start = path.rstrip("/") + "/"
    nodes = [tree.look(one) for one in tree.below(path) if "/" not in one[len(start) :]]
    if any(all(other.kind is not Kind.ABSENT for other in one) for one in nodes):
        return True
    may_be = (
        node.kind is Kind.ANY
        or node.inside
        or any(other.kind is not Kind.ABSENT for one in nodes for other in one)
    )
    return None if may_be else False


def owned_by(
    tree: FileTree, path: str, who: Identity, change: Change | None = None, *, last: bool = True
) -> Answers:
    """The answers to what only the owner may do (chmod, utime); with `change`, to a whole tree."""

    def judge(real: str, node: Node) -> Iterator[Answer]:
        if node.kind is Kind.ABSENT:
            yield Answer(Verdict.ABSENT)
            return
        answer = _allow(node, real, is_granted=who.is_root or node.uid == who.uid)
        if change is None or not node.holds:
            yield answer
        else:
            yield from both(frozenset({answer}), may_change_modes(tree, real, node, who, change))

    return ask_each(tree, path, who, judge, last=last)


def may_replace(tree: FileTree, path: str, who: Identity) -> Answers:
    """The answers to renaming a new file to an existing path, which may itself be a link."""

    def judge(real: str, node: Node) -> Iterator[Answer]:
        if node.kind is Kind.ABSENT:
            yield Answer(Verdict.ABSENT)
        else:
            yield from may_unlink(tree, real, node, who)

    return ask_each(tree, path, who, judge, last=False)


def every(parts: Iterable[Answers]) -> Answers:
    """The combined answers of several operations that must all succeed: denied if one is certain to be."""
    known = [part for part in parts if part]
    denied = [part for part in known if all(one.verdict is Verdict.DENIED for one in part)]
    return frozenset(one for part in denied or known for one in part)


def both(first: Answers, second: Answers) -> Answers:
    """The combined answers of two operations that must both succeed, for the nodes of the first."""
    denied = find_denials(second)
    if not denied:
        return first
    if len(denied) < len(second):
        return first | frozenset(denied)
    return frozenset(
        denied[0]._replace(origin=one.origin) if one.verdict is Verdict.ALLOWED else one for one in first
    )
