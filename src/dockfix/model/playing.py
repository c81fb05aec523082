"""What an operation leaves in the file tree."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from dockfix.model.changes import Change, read_mode
from dockfix.model.filetree import FileTree, Identity, Kind, Node, Origin
from dockfix.model.identities import Accounts
from dockfix.model.operations import Act, Operation
from dockfix.model.outcomes import GLOB, is_directory
from dockfix.model.paths import is_system_directory

_SEEN_BY_ALL: Final = Node(Kind.ANY)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, in which step, under which umask; `optional`: perhaps."""

    who: Identity
    origin: Origin
    umask: int = 0o022
    optional: bool = False

    def makes(self, kind: Kind, mode: int = 0o777, target: str = "") -> Node:
        """A new node of theirs."""
        return Node(kind, self.who.uid, self.who.gid, mode & ~self.umask, self.origin, target)


def perform(tree: FileTree, operation: Operation, actor: Actor, accounts: Accounts) -> None:
    """Change the tree as the operation does where it succeeds."""
    act = operation.act
    if act is Act.OWN:
        _own(tree, operation, actor, accounts)
    elif action := _ACTIONS.get(act):
        action(tree, operation, actor)


def _make(tree: FileTree, operation: Operation, actor: Actor) -> None:
    tree.make_directories(operation.path, actor.makes(Kind.DIRECTORY), weak=actor.optional)


def _write(tree: FileTree, operation: Operation, actor: Actor) -> None:
    path = tree.follow(operation.path)
    if is_directory(tree, path):
        if not is_system_directory(path):
            tree.fill(path, actor.makes(Kind.ANY))
    elif not tree.exists(path):
        tree.make_directories(posixpath.dirname(path), actor.makes(Kind.DIRECTORY), weak=actor.optional)
        node = actor.makes(Kind.FILE, 0o666) if operation.spec else actor.makes(Kind.ANY)
        tree.put(path, node, weak=actor.optional)


def _replace(tree: FileTree, operation: Operation, actor: Actor) -> None:
    """A new file under the old name: it keeps mode and step, and only root can keep its owner."""
    if actor.who.is_root:
        return
    for path in _matched(tree, operation.path):
        change = Change(actor.who.uid, actor.who.gid)
        tree.change(path, change, weak=actor.optional or path == operation.path)


def _remove(tree: FileTree, operation: Operation, actor: Actor) -> None:
    for path in _matched(tree, operation.path):
        tree.remove(path, weak=actor.optional)


def _copy(tree: FileTree, operation: Operation, actor: Actor) -> None:
    target = tree.follow(operation.spec.rstrip("/") or "/")
    if operation.spec.endswith("/") or is_directory(tree, target):
        if GLOB.search(operation.path) or operation.path.endswith("/."):
            tree.fill(target, actor.makes(Kind.ANY))
            return
        target = posixpath.join(target, posixpath.basename(operation.path))
    source = next(
        (one for one in tree.look(tree.follow(operation.path)) if one.kind is not Kind.ABSENT), None
    )
    source = source or _SEEN_BY_ALL
    tree.put(target, actor.makes(source.kind, source.mode), weak=actor.optional)


def _move(tree: FileTree, operation: Operation, actor: Actor) -> None:
    target = tree.follow(operation.spec.rstrip("/") or "/")
    into = operation.spec.endswith("/") or is_directory(tree, target)
    for path in _matched(tree, operation.path):
        to = posixpath.join(target, posixpath.basename(path)) if into else target
        tree.move(path, to, weak=actor.optional)


def _link(tree: FileTree, operation: Operation, actor: Actor) -> None:
    at = operation.path
    if is_directory(tree, at):
        at = posixpath.join(at, posixpath.basename(operation.spec))
    tree.put(at, actor.makes(Kind.LINK, 0o777, operation.spec), weak=actor.optional)


def _mode(tree: FileTree, operation: Operation, actor: Actor) -> None:
    mode = read_mode(operation.spec)
    if mode is not None:
        _change(tree, operation, Change(mode=mode), actor)


def _own(tree: FileTree, operation: Operation, actor: Actor, accounts: Accounts) -> None:
    owner = accounts.owner(operation.spec)
    only = accounts.owner(operation.only) if operation.only else None
    if owner is not None:
        _change(tree, operation, Change(owner[0], owner[1], only=only[0] if only else None), actor)


def _capability(tree: FileTree, operation: Operation, actor: Actor) -> None:
    _change(tree, operation, Change(capable=True), actor)


def _change(tree: FileTree, operation: Operation, change: Change, actor: Actor) -> None:
    for path in _matched(tree, operation.path):
        tree.change(path, change, recursive=operation.recursive, weak=actor.optional)
    if GLOB.search(operation.path):
        tree.change_contents(posixpath.dirname(tree.follow(operation.path)), change)


def _use(tree: FileTree, operation: Operation, actor: Actor) -> None:
    """Code that nobody has read may leave things of its own where it works."""
    if operation.act is Act.INSTALL:
        tree.make_directories(operation.path, actor.makes(Kind.DIRECTORY), weak=actor.optional)
    if tree.may_exist(operation.path) and not is_system_directory(operation.path):
        tree.fill(operation.path, actor.makes(Kind.ANY))


def _matched(tree: FileTree, path: str) -> Iterator[str]:
    real = tree.follow(path, last=False)
    yield from tree.matching(real) if GLOB.search(real) else (real,)


_ACTIONS: Final[dict[Act, Callable[[FileTree, Operation, Actor], None]]] = {
    Act.MAKE: _make,
    Act.WRITE: _write,
    Act.REPLACE: _replace,
    Act.REMOVE: _remove,
    Act.COPY: _copy,
    Act.MOVE: _move,
    Act.LINK: _link,
    Act.MODE: _mode,
    Act.CAPABILITY: _capability,
    Act.CODE: _use,
    Act.INSTALL: _use,
    Act.UNKNOWN: _use,
}
