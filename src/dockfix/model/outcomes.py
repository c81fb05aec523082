"""What becomes of an operation: asked of the file tree, for whoever does it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from dockfix.knowledge.homes import is_cache, is_for_builds
from dockfix.model.filetree import BASE, Answer, Answers, FileTree, Identity, Kind, Origin, Verdict
from dockfix.model.operations import Act, Operation

GLOB: Final = re.compile(r"[*?\[]")
_READ: Final = 4


class Key(NamedTuple):
    """What an operation is, in an original and in its rewrite: the `nth` of its kind of a command."""

    step: Origin
    command: int
    act: Act
    nth: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of one operation. `line` is the command's in the text that was replayed."""

    key: Key
    operation: Operation
    who: Identity
    answers: Answers
    line: int
    command: str = ""

    @property
    def may_succeed(self) -> bool:
        """Whether it is allowed on anything that may be there, or finds nothing to do."""
        return any(one.verdict is not Verdict.DENIED for one in self.answers)

    @property
    def surely_succeeds(self) -> bool:
        """Whether nothing denies it, and what it changes is there."""
        changes = self.operation.act in (Act.OWN, Act.MODE, Act.CAPABILITY)
        return all(
            one.verdict is Verdict.ALLOWED or (one.verdict is Verdict.ABSENT and not changes)
            for one in self.answers
        )

    @property
    def denial(self) -> Answer | None:
        """What denies it, on one of the things that may be there."""
        return next((one for one in self.answers if one.verdict is Verdict.DENIED), None)


def describe(outcome: Outcome) -> str:
    """Why an operation is denied, in a few words."""
    operation = outcome.operation
    if operation.act in (Act.ROOT, Act.UNKNOWN):
        return operation.spec
    return f"{operation.act.value} {operation.path}"


def ask(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    """What becomes of an operation as things stand."""
    if GLOB.search(operation.path) and operation.act not in _PATTERNLESS:
        return _of_pattern(tree, operation, who)
    return _QUESTIONS[operation.act](tree, operation, who)


def _of_root(_tree: FileTree, operation: Operation, who: Identity) -> Answers:
    if who.is_root:
        return frozenset({Answer(Verdict.ALLOWED)})
    return frozenset({Answer(Verdict.DENIED, BASE, operation.spec or operation.path)})


def _of_place(tree: FileTree, path: str) -> Answers:
    """Which steps left a setting or data that a tool looks for."""
    listed = [path, *tree.below(path)]
    nodes = [node for one in listed if one in tree.listed() for node in tree.look(one)]
    left = {node.origin for node in nodes if node.kind in (Kind.FILE, Kind.ANY, Kind.LINK)}
    left.update(inner.origin for node in nodes for inner in node.inside)
    return frozenset(Answer(Verdict.ALLOWED, origin) for origin in left - {BASE})


def _of_home(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    """Which steps left something in the home that is read: settings, credentials, data."""
    home = operation.path
    if home != who.home:
        return _of_place(tree, home)
    is_start = bool(operation.spec)
    left = {
        node.origin
        for path in tree.below(home)
        if not is_cache(place := f"~{path[len(home.rstrip('/')) :]}")
        if not (is_start and is_for_builds(place))
        for node in tree.look(path)
        if node.kind in (Kind.FILE, Kind.ANY, Kind.LINK)
    }
    left.update(inner.origin for node in tree.look(home) for inner in node.inside)
    elsewhere = {one.origin for place in operation.others for one in _of_place(tree, place)}
    return frozenset(Answer(Verdict.ALLOWED, origin) for origin in (left | elsewhere) - {BASE})


def _of_read(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    return tree.may(operation.path, who, _READ)


def _of_write(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    if is_directory(tree, operation.path):
        return tree.may_change(operation.path, who)
    return tree.may_write(operation.path, who)


def _of_make(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    return tree.may_make(operation.path, who)


def _of_removal(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    return tree.may_remove(operation.path, who, recursive=True)


def _of_replacing(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    path = tree.follow(operation.path)
    return both(tree.may(path, who, _READ), tree.may_change(posixpath.dirname(path), who))


def _of_copy(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    source = tree.may(operation.path, who, _READ)
    target = operation.spec
    if target.endswith("/") or is_directory(tree, target):
        return both(source, tree.may_change(target.rstrip("/") or "/", who))
    return both(source, tree.may_write(target, who))


def _of_move(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    return both(tree.may_remove(operation.path, who, recursive=False), _of_copy(tree, operation, who))


def _of_link(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    at = operation.path if is_directory(tree, operation.path) else posixpath.dirname(operation.path)
    return tree.may_change(at, who)


def _of_owner(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    return tree.owned_by(operation.path, who)


def _of_change(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    """A change that only root can make, of something that has to be there."""
    if not who.is_root:
        return _of_root(tree, operation, who)
    return tree.owned_by(operation.path, who)


def _of_use(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    if not tree.may_exist(operation.path):
        return tree.may_make(operation.path, who)
    return tree.may_change(operation.path, who)


def _of_pattern(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    """What a shell pattern matches: the directory decides about names, the owner about modes."""
    directory = posixpath.dirname(GLOB.split(operation.path, maxsplit=1)[0]) or "/"
    if operation.act not in (Act.MODE, Act.TOUCH):
        return tree.may_change(directory, who)
    return frozenset(
        Answer(Verdict.ALLOWED, node.origin)
        if who.is_root or node.uid == who.uid
        else Answer(Verdict.DENIED, node.origin, directory)
        for node in tree.contents(directory)
    )


_PATTERNLESS: Final = frozenset({Act.ROOT, Act.UNKNOWN, Act.OWN, Act.CAPABILITY, Act.COPY, Act.READ})
_QUESTIONS: Final[dict[Act, Callable[[FileTree, Operation, Identity], Answers]]] = {
    Act.READ: _of_read,
    Act.RUN: _of_read,
    Act.WRITE: _of_write,
    Act.MAKE: _of_make,
    Act.REMOVE: _of_removal,
    Act.REPLACE: _of_replacing,
    Act.COPY: _of_copy,
    Act.MOVE: _of_move,
    Act.LINK: _of_link,
    Act.MODE: _of_owner,
    Act.TOUCH: _of_owner,
    Act.CODE: _of_use,
    Act.INSTALL: _of_use,
    Act.HOME: _of_home,
    Act.OWN: _of_change,
    Act.CAPABILITY: _of_change,
    Act.ROOT: _of_root,
    Act.UNKNOWN: _of_root,
}


def is_directory(tree: FileTree, path: str) -> bool:
    """Whether a directory may stand there; nobody knows it of what was never looked at."""
    return any(one.kind is Kind.DIRECTORY for one in tree.look(tree.follow(path)))


def both(first: Answers, second: Answers) -> Answers:
    """Two things that must both succeed: told of the first's nodes, unless the second is denied."""
    denied = [one for one in second if one.verdict is Verdict.DENIED]
    if not denied:
        return first
    if len(denied) < len(second):
        return first | frozenset(denied)
    return frozenset(
        replace(denied[0], origin=one.origin) if one.verdict is Verdict.ALLOWED else one for one in first
    )
