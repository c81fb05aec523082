"""The outcome of an operation: allowed, denied or absent, for a given identity and file tree."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from dockfix.knowledge.homes import find_kind, is_cache, is_for_builds
from dockfix.model.changes import Change, read_mode
from dockfix.model.filetree import BASE, FileTree, Kind, Node, Origin, each
from dockfix.model.operations import ARRIVING, Act, ActName, How, Operation
from dockfix.model.patterns import GLOB, expand, is_pattern
from dockfix.model.permissions import (
    READ,
    SEARCH,
    Answer,
    Answers,
    Identity,
    Verdict,
    ask_each,
    both,
    every,
    find_denials,
    may,
    may_change,
    may_empty,
    may_fill,
    may_make,
    may_overwrite,
    may_read_all,
    may_remove,
    may_replace,
    may_touch_all,
    may_write,
    owned_by,
)
from dockfix.model.transfers import may_copy, may_link, may_move


class Key(NamedTuple):
    """Identifies an operation in the original and the rewrite: the `nth` of its kind in a command."""

    step: Origin
    command: int
    act: ActName
    nth: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one operation. `line` is the command's line in the text that was replayed.

    `optional`: the command may be skipped, or may fail without consequence.
    """

    key: Key
    operation: Operation
    who: Identity
    answers: Answers
    line: int
    command: str = ""
    optional: bool = False

    @property
    def may_succeed(self) -> bool:
        """Whether some possible node allows it, or leaves it nothing to do."""
        return any(one.verdict is not Verdict.DENIED for one in self.answers)

    @property
    def happens(self) -> bool:
        """Whether it may have an effect."""
        return any(one.verdict is Verdict.ALLOWED for one in self.answers)

    @property
    def surely_succeeds(self) -> bool:
        """Whether it is never denied, and what it changes exists."""
        changes = self.operation.act in (Act.OWN, Act.MODE, Act.CAPABILITY)
        return all(
            one.verdict is Verdict.ALLOWED or (one.verdict is Verdict.ABSENT and not changes)
            for one in self.answers
        )

    @property
    def denial(self) -> Answer | None:
        """The first denial among the possible answers, or None."""
        return next(iter(find_denials(self.answers)), None)


def describe(outcome: Outcome) -> str:
    """The denied operation in a few words."""
    operation = outcome.operation
    if operation.act in (Act.ROOT, Act.UNKNOWN):
        return operation.spec
    return f"{operation.act} {operation.path}"


def ask(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    """The answers to an operation on the current tree.

    Everything that a shell pattern matches must be allowed.
    """
    question = _QUESTIONS[operation.act]
    is_whole = operation.act in _EXPANDING
    if (is_whole and who.is_root) or not is_pattern(operation.path):
        return question(tree, operation, who)
    if closed := _of_expanding(tree, operation.path, who):
        return closed
    if is_whole:
        return question(tree, operation, who)
    found = expand(tree, operation.path)
    answers = every(question(tree, operation._replace(path=path), who) for path in found)
    return answers or frozenset({Answer(Verdict.ABSENT)})


def _of_expanding(tree: FileTree, pattern: str, who: Identity) -> Answers:
    """The denials of a pattern in a directory that cannot be entered: then it is a name that is not there."""
    directory = posixpath.dirname(GLOB.split(pattern, maxsplit=1)[0]) or "/"
    answers = may(tree, directory, who, SEARCH)
    verdicts = {one.verdict for one in answers}
    return answers if Verdict.DENIED in verdicts and Verdict.ALLOWED not in verdicts else frozenset()


def _of_root(_tree: FileTree, operation: Operation, who: Identity) -> Answers:
    if who.is_root:
        return frozenset({Answer(Verdict.ALLOWED)})
    return frozenset({Answer(Verdict.DENIED, BASE, operation.spec or operation.path)})


def _of_place(tree: FileTree, path: str) -> Answers:
    """The steps that left a setting or data that a tool looks for."""
    listed = tree.listed()
    nodes = [node for one in (path, *tree.below(path)) for node in listed.get(one, ())]
    if not nodes:
        return frozenset()
    left = {node.origin for node in nodes if node.kind in (Kind.FILE, Kind.ANY, Kind.LINK)}
    left.update(inner.origin for node in nodes for inner in node.inside)
    return frozenset(Answer(Verdict.ALLOWED, origin) for origin in left - {BASE})


def _of_home(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    """The steps that left settings, credentials or data in the home that is read."""
    home = operation.path
    if home != who.home:
        return _of_place(tree, home)
    is_start, is_read = bool(operation.spec), How.READ_OUT in operation.how
    left = {
        node.origin
        for path in tree.below(home)
        if not is_cache(place := f"~{path[len(home.rstrip('/')) :]}")
        if not (is_start and is_for_builds(place))
        for node in tree.look(path)
        if node.kind in (Kind.FILE, Kind.ANY, Kind.LINK)
        if not (is_read and node.kind in (Kind.FILE, Kind.LINK) and _is_plain(place))
    }
    left.update(inner.origin for node in tree.look(home) for inner in node.inside)
    elsewhere = {one.origin for place in operation.others for one in _of_place(tree, place)}
    return frozenset(Answer(Verdict.ALLOWED, origin) for origin in (left | elsewhere) - {BASE})


def _is_plain(place: str) -> bool:
    """Whether a path `~/...` is one that no package looks for: directly in the home, and not hidden."""
    return place.count("/") == 1 and not place.startswith("~/.") and find_kind(place) is None


def _of_read(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    if not operation.recursive:
        answers = may(tree, operation.path, who, READ)
        return answers | _of_listing(tree, operation.path, answers)

    def judge(real: str, node: Node) -> Iterator[Answer]:
        if node.kind is Kind.ABSENT:
            yield Answer(Verdict.ABSENT)
        else:
            allowed = frozenset({Answer(Verdict.ALLOWED, node.origin)})
            only = operation.kind == Kind.DIRECTORY
            yield from both(allowed, may_read_all(tree, real, node, who, only_directories=only))

    return ask_each(tree, operation.path, who, judge)


def _of_listing(tree: FileTree, path: str, answers: Answers) -> Answers:
    """The steps that left the entries of a readable directory."""
    if not any(one.verdict is Verdict.ALLOWED for one in answers):
        return frozenset()
    nodes = [one for _, found in tree.standing(path) for one in found if one.kind is Kind.DIRECTORY]
    return frozenset(Answer(Verdict.ALLOWED, inner.origin) for one in nodes for inner in one.inside)


def _of_entering(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    return may(tree, operation.path, who, SEARCH)


def _of_write(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    if operation.spec and How.ONE_BY_ONE in operation.how:
        question = may_overwrite if operation.kind == Kind.FILE else may_touch_all
        return _of_contents(tree, operation, who, question)
    if works_inside(tree, operation):
        answers = may_change(tree, operation.path, who)
        if How.UNPACKED in operation.how:
            # The archive may have files for directories that exist.
            below = _of_contents(tree, operation, who, may_fill) | owned_by(tree, operation.path, who)
            answers |= frozenset(find_denials(below))
        elif How.COPIED in operation.how:
            below = _of_contents(tree, operation, who, may_overwrite)
            answers |= frozenset(find_denials(below))
        return answers
    answers = may_write(tree, operation.path, who)
    if operation.spec or operation.how & ARRIVING:
        return answers
    # A program creates missing directories.
    there = frozenset(one for one in answers if one.verdict is not Verdict.ABSENT)
    return answers if there == answers else there | may_make(tree, operation.path, who)


def _of_make(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    answers = may_make(tree, operation.path, who)
    if How.NEW not in operation.how:
        return answers
    # Where it may have been there already, the original failed: only what is certain to be there counts.
    there = [one for _, nodes in tree.standing(operation.path, last=False) for one in nodes]
    taken = [Answer(Verdict.DENIED, one.origin, operation.path) for one in each(there)]
    return answers if len(taken) < len(there) else frozenset(taken)


def _of_removal(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    if How.CONTENTS not in operation.how:
        return may_remove(tree, operation.path, who, recursive=True)
    return _of_contents(tree, operation, who, may_empty)


def _of_contents(
    tree: FileTree,
    operation: Operation,
    who: Identity,
    question: Callable[[FileTree, str, Node, Identity], Answers],
) -> Answers:
    """The answers for some entries of a directory; it is unknown which, so none may be affected."""

    def judge(real: str, node: Node) -> Iterator[Answer]:
        if node.kind is Kind.ABSENT:
            yield Answer(Verdict.ABSENT)
            return
        yield Answer(Verdict.ALLOWED, node.origin)
        yield from question(tree, real, node, who)

    return ask_each(tree, operation.path, who, judge)


def _of_replacing(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    if operation.recursive:
        return _of_contents(tree, operation, who, _may_edit_all)
    return both(may(tree, operation.path, who, READ), may_replace(tree, operation.path, who))


def _may_edit_all(tree: FileTree, path: str, node: Node, who: Identity) -> Answers:
    return both(may_empty(tree, path, node, who), may_read_all(tree, path, node, who))


def _of_mode(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    change = Change(mode=read_mode(operation.spec)) if operation.recursive else None
    answers = owned_by(tree, operation.path, who, change)
    if How.ONE_BY_ONE in operation.how:
        found = [one for path in tree.links(operation.path) for one in owned_by(tree, path, who)]
        answers |= frozenset(one for one in found if one.verdict is Verdict.DENIED)
    return answers


def _of_time(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    """`touch -d`: a missing file is created."""
    answers = owned_by(tree, operation.path, who)
    there = frozenset(one for one in answers if one.verdict is not Verdict.ABSENT)
    if there == answers or How.CREATES_NOTHING in operation.how:
        return answers
    return there | may_write(tree, operation.path, who)


def _of_change(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    """A change that only root can make, and whose object must exist."""
    if not who.is_root:
        return _of_root(tree, operation, who)
    return owned_by(tree, operation.path, who, last=How.KEEPS_LINKS not in operation.how)


def _of_control(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    """Git asks for the owner of a repository and of its `.git`, even as root."""

    def judge(real: str, node: Node) -> Iterator[Answer]:
        if node.kind is Kind.ABSENT:
            yield Answer(Verdict.ABSENT)
        elif operation.spec or node.uid == who.uid:
            yield Answer(Verdict.ALLOWED, node.origin)
        else:
            yield Answer(Verdict.DENIED, node.origin, real)

    path = operation.path
    return every(ask_each(tree, one, who, judge) for one in (f"{path}/.git", path))


def _of_use(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    answers = may_change(tree, operation.path, who)
    there = frozenset(one for one in answers if one.verdict is not Verdict.ABSENT)
    return answers if there == answers else there | may_make(tree, operation.path, who)


_EXPANDING: Final = frozenset({Act.ROOT, Act.UNKNOWN, Act.COPY, Act.MOVE, Act.LINK})
_QUESTIONS: Final[dict[ActName, Callable[[FileTree, Operation, Identity], Answers]]] = {
    Act.READ: _of_read,
    Act.PACK: _of_read,
    Act.RUN: _of_read,
    Act.ENTER: _of_entering,
    Act.WRITE: _of_write,
    Act.MAKE: _of_make,
    Act.REMOVE: _of_removal,
    Act.REPLACE: _of_replacing,
    Act.COPY: may_copy,
    Act.MOVE: may_move,
    Act.LINK: may_link,
    Act.MODE: _of_mode,
    Act.TOUCH: _of_time,
    Act.CONTROL: _of_control,
    Act.CODE: _of_use,
    Act.INSTALL: _of_use,
    Act.HOME: _of_home,
    Act.OWN: _of_change,
    Act.CAPABILITY: _of_change,
    Act.ROOT: _of_root,
    Act.UNKNOWN: _of_root,
}


_INSIDE: Final = frozenset({How.UNPACKED, How.ONE_BY_ONE})


def works_inside(tree: FileTree, operation: Operation) -> bool:
    """Whether a write goes into a directory.

    A redirection opens a file unless the path must be a directory.
    """
    nodes = [one for _, found in tree.standing(operation.path) for one in found]
    if operation.how & _INSIDE:
        return any(one.holds for one in nodes)
    kinds = [one.kind is Kind.DIRECTORY for one in nodes]
    return bool(kinds) and all(kinds) if operation.spec else any(kinds)


def is_directory(tree: FileTree, path: str) -> bool:
    """Whether there may be a directory at a path; an unknown node does not count."""
    return any(one.kind is Kind.DIRECTORY for _, nodes in tree.standing(path) for one in nodes)
