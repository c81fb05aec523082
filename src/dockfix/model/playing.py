"""The effect of operations on the file tree."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import reduce
from operator import and_
from typing import Final

from dockfix.model.actors import Actor
from dockfix.model.changes import Change, read_mode
from dockfix.model.filetree import (
    ABSENT,
    ADDED,
    BASE,
    SET_GROUP,
    FileTree,
    Kind,
    Node,
    Nodes,
    each,
    parent_of,
)
from dockfix.model.identities import Accounts
from dockfix.model.operations import ARRIVING, STREAM, Act, ActName, How, Operation
from dockfix.model.outcomes import works_inside
from dockfix.model.paths import is_system_directory
from dockfix.model.patterns import expand, is_pattern
from dockfix.model.transfers import copy, link, move

ARCHIVED: Final = "an archive's"
"""Stands for the owners in an archive, which root keeps when unpacking."""
UNKNOWN_OWNER: Final = "an unknown owner"
"""Stands for an owner that only a variable or the output of a command names."""
_PARENTS: Final = 0o300
_PRIVATE: Final = 0o700
_UNNAMED: Final = frozenset({How.FLAT, How.UNNAMED})
_MAX_MEMBERS: Final = 16
"""More kinds of nodes are not told apart in an archive."""


def perform(tree: FileTree, operation: Operation, actor: Actor, accounts: Accounts) -> None:
    """Change the tree as the operation does if it succeeds."""
    if How.PACKAGES in operation.how:
        actor = replace(actor, packages=True)
    if operation.act in _BY_ACCOUNT:
        _BY_ACCOUNT[operation.act](tree, operation, actor, accounts)
    elif action := _ACTIONS.get(operation.act):
        action(tree, operation, actor)


def _is_weak(operation: Operation, actor: Actor) -> bool:
    return actor.optional or How.PERHAPS in operation.how


def _enter(tree: FileTree, operation: Operation, actor: Actor) -> None:
    """An entered path exists and is a directory."""
    standing = tree.standing(operation.path)
    if len(standing) == 1 and not _is_weak(operation, actor):
        for path, nodes in standing:
            tree.set(path, tuple(one for one in nodes if one.holds) or nodes)
            tree.settle(posixpath.dirname(path))


def _make(tree: FileTree, operation: Operation, actor: Actor) -> None:
    made = above = actor.makes(Kind.DIRECTORY)
    if How.INSTALLED in operation.how:
        made = above = made._replace(mode=0o755)
    elif mode := read_mode(operation.mode, actor.umask):
        made = made._replace(mode=mode(0o777, is_directory=True))
    above = above._replace(mode=above.mode | _PARENTS)
    if How.NEW in operation.how and not _is_weak(operation, actor) and not tree.exists(operation.path):
        tree.remove(tree.follow(operation.path))
    tree.make_directories(operation.path, made, above=above, weak=_is_weak(operation, actor))
    if operation.mode and not actor.who.is_root:
        _clear_foreign_group(tree, operation.path, actor)
    _adopt(tree, operation.path, actor)


def _clear_foreign_group(tree: FileTree, path: str, actor: Actor) -> None:
    """`mkdir -m` sets the mode afterwards, which takes a directory of another group its set-group-ID bit."""
    for real, nodes in tree.standing(path):
        after = (
            one._replace(mode=one.mode & ~SET_GROUP)
            if one.origin == actor.origin and one.gid not in actor.who.groups
            else one
            for one in nodes
        )
        tree.set(real, tuple(after))


def _adopt(tree: FileTree, path: str, actor: Actor) -> None:
    """A directory that an added step has prepared counts as made by the original's own step."""
    for real, nodes in tree.standing(path):
        (node, *others) = nodes
        is_added = isinstance(node.origin, str) and node.origin.startswith(ADDED)
        if not others and is_added and node.kind is Kind.DIRECTORY:
            tree.set(real, (node._replace(origin=actor.origin),))


def _write(tree: FileTree, operation: Operation, actor: Actor, accounts: Accounts) -> None:
    """After a redirection or `touch`, the file exists; other programs may write anything there."""
    weak = _is_weak(operation, actor)
    is_inside = works_inside(tree, operation)
    if operation.how & _UNNAMED:
        _write_unnamed(tree, operation, actor, _finishing(operation, accounts))
        return
    if is_inside and _is_of_system(tree, operation.path):
        return
    if operation.how & ARRIVING:
        _gather(tree, operation, actor, _finishing(operation, accounts), is_inside=is_inside)
        return
    if is_inside:
        if How.UNPACKED in operation.how:
            _unpack(tree, operation, actor)
        else:
            tree.fill(operation.path, actor.makes(Kind.ANY), inherits=True)
        return
    is_file = operation.spec != ""
    made = actor.makes(Kind.FILE, 0o666) if is_file else actor.makes(Kind.ANY)
    standing = tree.standing(operation.path)
    for path, nodes in standing:
        above = posixpath.dirname(path)
        if not is_file or not tree.may_exist(above):
            tree.make_directories(above, actor.makes(Kind.DIRECTORY), weak=weak)
        elif not weak and len(standing) == 1:
            tree.settle(above)
        there = [_opened(actor.writes(one), is_file=is_file) for one in each(nodes)]
        new = tree.born(path, made) if len(there) < len(nodes) else ()
        tree.set(path, (*there, *new), weak=weak or len(standing) > 1)
        for other in tree.others(path):
            tree.set(other, [actor.writes(one) for one in each(tree.look(other))], weak=True)


def _write_unnamed(
    tree: FileTree, operation: Operation, actor: Actor, finish: Callable[[Node], Node]
) -> None:
    """Add a file of an unknown name to a directory: a new one, or perhaps one that exists."""
    if How.FLAT in operation.how:
        tree.fill(operation.path, actor.makes(Kind.FILE, 0o666), flat=True, inherits=True)
        return
    for real in tree.places(operation.path):
        _spread(tree, real, [finish(actor.makes(Kind.ANY))], inherits=True)


def _is_of_system(tree: FileTree, directory: str) -> bool:
    """Whether it is a system directory of the base, whose single entries are not tracked."""
    path = tree.follow(directory)
    return is_system_directory(path) and all(one.origin == BASE for one in tree.look(path))


def _opened(node: Node, *, is_file: bool) -> Node:
    """The node after a redirection: a file, even if it was unknown before."""
    return node._replace(kind=Kind.FILE, inside=()) if is_file and node.kind is Kind.ANY else node


def _unpack(tree: FileTree, operation: Operation, actor: Actor) -> None:
    """Add the contents of an archive to a directory; they may replace files.

    Root preserves the archive's owners and modes, which may include those of the directory itself.
    """
    keeps = How.ARCHIVED in operation.how and actor.who.is_root
    for real, _ in tree.standing(operation.path):
        # It exists, or tar fails.
        weak = _is_weak(operation, actor)
        tree.make_directories(parent_of(real), actor.makes(Kind.DIRECTORY), weak=weak)
    contents, modes = _members(tree, operation, actor, keeps=keeps)
    for real in tree.places(operation.path):
        _spread(tree, real, contents, inherits=not keeps)
        if keeps:
            owned = [one._replace(uid=ARCHIVED, gid=ARCHIVED) for one in each(tree.look(real))]
            tree.set(real, owned, weak=True)
            if any(one.mode & SET_GROUP for one in owned):
                # Directories that are not members are made like any other.
                tree.fill(real, actor.makes(Kind.DIRECTORY), inherits=True)
        for path in (real, *tree.below(real)) if modes else ():
            there = [one for one in tree.look(path) if one.kind is Kind.DIRECTORY]
            tree.set(path, [one._replace(mode=mode) for one in there for mode in sorted(modes)], weak=True)


def _members(
    tree: FileTree, operation: Operation, actor: Actor, *, keeps: bool
) -> tuple[list[Node], set[int]]:
    """What an archive brings, and the modes that it may give to directories."""
    packed = [node for path in operation.others for node in tree.packed(path)]
    if 0 < len(packed) <= _MAX_MEMBERS:
        # Directories that are not members themselves are made at any depth.
        around = actor.makes(Kind.ANY)
        contents = [
            one._replace(inside=(*one.inside, around)) if one.holds else one
            for one in (*_unpacked(packed, actor, keeps=keeps), around)
        ]
        return contents, {one.mode for one in contents if one.kind is Kind.DIRECTORY}
    content = actor.makes(Kind.ANY)
    if keeps:
        content = content._replace(uid=ARCHIVED, gid=ARCHIVED)
    if not packed and not _is_ours(tree, operation, actor):
        return [content], set()
    private = reduce(and_, (one.mode for one in packed), _PRIVATE)
    return [content, content._replace(mode=private)], {content.mode, private}


def _unpacked(packed: Iterable[Node], actor: Actor, *, keeps: bool) -> Iterator[Node]:
    """The files of an archive as they are unpacked: with their modes, or without what the umask takes."""
    who = actor.who
    for node in packed:
        inside = tuple(_unpacked(node.inside, actor, keeps=keeps))
        made = node._replace(origin=actor.origin, capable=False, inside=inside)
        if not keeps:
            made = made._replace(uid=who.uid, gid=who.gid)
        yield from dict.fromkeys((made, made._replace(mode=made.mode & 0o777 & ~actor.umask)))


def _spread(tree: FileTree, directory: str, contents: Sequence[Node], *, inherits: bool) -> None:
    """Add nodes whose names are unknown to a directory tree; they may replace its files.

    Those that are not changed afterwards inherit the group of a set-group-ID directory.
    """
    tree.fill(directory, *contents, inherits=inherits)
    contents = [one for one in contents if one.kind is not Kind.DIRECTORY]
    for path in tree.below(directory):
        there = tree.look(path)
        is_free = ABSENT in there or not tree.below(path)
        if is_free or any(one.kind in (Kind.FILE, Kind.LINK) for one in there):
            arrived = [made for one in contents for made in (tree.born(path, one) if inherits else (one,))]
            tree.set(path, arrived, weak=True)


def _is_ours(tree: FileTree, operation: Operation, actor: Actor) -> bool:
    """Whether root unpacks an archive of an earlier step, whose files may be private.

    What a step fetches itself was made for everybody.
    """
    archives = [path for path in operation.others if path != STREAM]
    nodes = [node for path in archives for node in each(tree.look(tree.follow(path)))]
    return actor.who.is_root and any(node.origin not in (BASE, actor.origin) for node in nodes)


def _pack(tree: FileTree, operation: Operation, _actor: Actor, accounts: Accounts) -> None:
    """Remember the modes and owners of what goes into an archive."""
    finish = _finishing(operation, accounts, as_is=True)
    for path in expand(tree, operation.path):
        top = tree.follow(path, last=False)
        nodes = tuple(map(finish, (*each(tree.look(top)), *tree.contents(top))))
        for archive in operation.others:
            tree.pack(archive, (*tree.packed(archive), *nodes))


def _gather(
    tree: FileTree, operation: Operation, actor: Actor, finish: Callable[[Node], Node], *, is_inside: bool
) -> None:
    """Add what find has chosen elsewhere to a directory, as copies or as it is.

    Where no directory is, one of them after the other gets its name.
    """
    found = [node for place in operation.others for node in tree.contents(place)]
    chosen = [one._replace(inside=()) for one in found if one.kind is not Kind.DIRECTORY]
    if How.COPIED in operation.how:
        chosen = [actor.copies(one, operation.how) for one in chosen]
    arrived = tuple(dict.fromkeys(map(finish, (*chosen, actor.makes(Kind.ANY)))))
    if is_inside:
        _spread(tree, tree.follow(operation.path), arrived, inherits=How.COPIED in operation.how)
    for path, nodes in tree.standing(operation.path):
        if not all(one.kind is Kind.DIRECTORY for one in nodes) and tree.may_exist(parent_of(path)):
            tree.set(path, arrived, weak=True)


def _touch(tree: FileTree, operation: Operation, actor: Actor, accounts: Accounts) -> None:
    creates = How.CREATES_NOTHING not in operation.how
    if creates and not operation.recursive and not is_pattern(operation.path):
        _write(tree, operation._replace(spec="file"), actor, accounts)


def _replace(tree: FileTree, operation: Operation, actor: Actor) -> None:
    """A new file under the old name, with its mode and origin; it replaces a link by a copy of the target."""
    weak = _is_weak(operation, actor)
    for path in expand(tree, operation.path):
        if is_pattern(path) or operation.recursive:
            uid, gid = (None, None) if actor.who.is_root else (actor.who.uid, actor.who.gid)
            change = Change(uid, gid, capable=False)
            directory = posixpath.dirname(path) if is_pattern(path) else path
            tree.change_contents(directory, change)
            for one in tree.below(directory) if operation.recursive else ():
                tree.change(one, replace(change, kind="file"), weak=True)
            continue
        read = [one for _, nodes in tree.standing(path) for one in each(nodes)]
        for real, nodes in tree.standing(path, last=False):
            made = (
                [new for one in read for new in _edited(tree, real, one, actor)] if any(each(nodes)) else []
            )
            # perl -i skips files that do not exist.
            missing = [one for one in nodes if one.kind is Kind.ABSENT]
            tree.set(real, (*made, *missing) if made else nodes, weak=weak)


def _edited(tree: FileTree, path: str, node: Node, actor: Actor) -> Nodes:
    """The file that replaces another; its group is that of a new file, if it cannot be kept."""
    made = actor.edits(node)
    keeps = actor.who.is_root or node.gid in actor.who.groups
    return (made,) if keeps else tree.born(path, made)


def _remove(tree: FileTree, operation: Operation, actor: Actor) -> None:
    weak = _is_weak(operation, actor)
    for path in expand(tree, operation.path):
        standing = tree.standing(path, last=False)
        for real, nodes in standing:
            if How.FOLLOWS in operation.how and any(one.kind is Kind.LINK for one in nodes):
                for behind in tree.places(real):
                    _remove_contents(tree, behind, operation, weak=True)
            elif How.CONTENTS in operation.how:
                _remove_contents(tree, tree.follow(real), operation, weak=weak)
            elif not is_pattern(real):
                # `rm -rf FILE/` finds no directory.
                is_skipped = How.FOLLOWS in operation.how and any(one.kind is Kind.FILE for one in nodes)
                tree.remove(real, weak=weak or is_skipped or len(standing) > 1)


def _remove_contents(tree: FileTree, directory: str, operation: Operation, *, weak: bool) -> None:
    """`find -delete`: remove what is below a directory, if it is of the given kind."""
    for path in tree.below(directory):
        if operation.name and not _has_name(path[len(directory) :], operation):
            continue
        nodes = tree.look(path)
        chosen = [one for one in nodes if operation.kind in ("", one.kind)]
        if chosen or (operation.kind and any(one.kind is Kind.ANY for one in nodes)):
            kept = nodes if weak else [one for one in nodes if one not in chosen]
            tree.set(path, (*kept, ABSENT))


def _has_name(path: str, operation: Operation) -> bool:
    """Whether `find -name` selects a path, or a directory above it that is removed with its contents."""
    names = path.strip("/").split("/")
    return any(fnmatchcase(one, operation.name) for one in (names if operation.recursive else names[-1:]))


def _finishing(operation: Operation, accounts: Accounts, *, as_is: bool = False) -> Callable[[Node], Node]:
    """What gives new files the mode and owner that a command names (`install -m -o`).

    A symbolic mode changes the mode of what is taken `as_is`, and otherwise sets one.
    """
    mode = read_mode(operation.mode)
    owner = (accounts.owner(operation.owner) if operation.owner else None) or (None, None)

    def finish(node: Node) -> Node:
        if node.kind is Kind.ABSENT:
            return node
        uid, gid = (old if new is None else new for old, new in zip((node.uid, node.gid), owner, strict=True))
        before = node.mode if as_is else 0
        bits = node.mode if mode is None else mode(before, is_directory=node.kind is Kind.DIRECTORY)
        return node._replace(uid=uid, gid=gid, mode=bits)

    return finish


def _copy(tree: FileTree, operation: Operation, actor: Actor, accounts: Accounts) -> None:
    copy(tree, operation, actor, _finishing(operation, accounts), weak=_is_weak(operation, actor))


def _move(tree: FileTree, operation: Operation, actor: Actor) -> None:
    move(tree, operation, weak=_is_weak(operation, actor))


def _link(tree: FileTree, operation: Operation, actor: Actor) -> None:
    link(tree, operation, actor, weak=_is_weak(operation, actor))


def _mode(tree: FileTree, operation: Operation, actor: Actor, accounts: Accounts) -> None:
    groups = None if actor.who.is_root else actor.who.groups
    mode = read_mode(operation.spec, actor.umask)
    if mode is not None:
        _change(tree, operation, Change(mode=mode, groups=groups), actor, accounts)
        return
    reference = _reference(tree, operation)
    bits = [one.mode for one in reference] or [0]
    if any(one.kind is Kind.ANY and one.origin != BASE for one in reference):
        bits.append(0o600)  # nobody has read it, and it may be for its owner
    modes = [read_mode(f"{one:05o}") for one in bits]
    _change_to_any(tree, operation, [Change(mode=one, groups=groups) for one in modes], actor, accounts)


def _own(tree: FileTree, operation: Operation, actor: Actor, accounts: Accounts) -> None:
    owner = accounts.owner(operation.spec)
    if owner is not None:
        _change(tree, operation, Change(*owner), actor, accounts)
        return
    owners = [(one.uid, one.gid) for one in _reference(tree, operation)]
    groups_only = operation.spec.startswith(":")
    changes = [
        Change(None if groups_only else uid, gid) for uid, gid in owners or [(UNKNOWN_OWNER, UNKNOWN_OWNER)]
    ]
    _change_to_any(tree, operation, changes, actor, accounts)


def _reference(tree: FileTree, operation: Operation) -> list[Node]:
    """What may stand at the path that `--reference` names."""
    return [node for path in operation.others for _, found in tree.standing(path) for node in each(found)]


def _change_to_any(
    tree: FileTree, operation: Operation, changes: Sequence[Change], actor: Actor, accounts: Accounts
) -> None:
    """Apply one of several changes; it is not known which, unless there is only one with a reference."""
    if len(changes) > 1 or not operation.others:
        operation = operation._replace(how=operation.how | {How.PERHAPS})
    for change in changes:
        _change(tree, operation, change, actor, accounts)


def _capability(tree: FileTree, operation: Operation, actor: Actor, accounts: Accounts) -> None:
    _change(tree, operation, Change(capable=True), actor, accounts)
    if not _is_weak(operation, actor):
        _settle_file(tree, operation.path)


def _settle_file(tree: FileTree, path: str) -> None:
    """Only a regular file gets capabilities."""
    standing = tree.standing(path)
    for real, nodes in standing if len(standing) == 1 else ():
        files = [
            one._replace(kind=Kind.FILE, inside=()) for one in nodes if one.kind in (Kind.FILE, Kind.ANY)
        ]
        if files:
            tree.remove(real)
            tree.set(real, files)


def _change(tree: FileTree, operation: Operation, change: Change, actor: Actor, accounts: Accounts) -> None:
    """Apply a change to the selected nodes; if the selection is uncertain, they may also stay as they are."""
    only = accounts.owner(operation.only) if operation.only else (None, None)
    weak, last = _is_weak(operation, actor) or only is None, How.KEEPS_LINKS not in operation.how
    uid, gid = only or (None, None)
    each_one = last and How.ONE_BY_ONE in operation.how
    change = replace(change, only=uid, only_group=gid, kind=operation.kind, follows=each_one)
    for path in expand(tree, operation.path):
        if is_pattern(path):
            tree.change_contents(posixpath.dirname(path), change)
        else:
            tree.change(path, change, recursive=operation.recursive, weak=weak, last=last)
        if each_one and operation.kind in ("", Kind.LINK):
            enters = How.FOLLOWS in operation.how
            for one in tree.links(tree.follow(path)):
                change = replace(change, kind="", only=None, only_group=None)
                tree.change(one, change, recursive=enters, weak=True)


def _use(tree: FileTree, operation: Operation, actor: Actor) -> None:
    """Unread code may leave files of its own in its working directory."""
    if operation.act is Act.INSTALL:
        tree.make_directories(operation.path, actor.makes(Kind.DIRECTORY), weak=actor.optional)
    if tree.may_exist(operation.path) and not is_system_directory(operation.path):
        tree.fill(operation.path, actor.makes(Kind.ANY), inherits=True)


_ACTIONS: Final[dict[ActName, Callable[[FileTree, Operation, Actor], None]]] = {
    Act.ENTER: _enter,
    Act.MAKE: _make,
    Act.REPLACE: _replace,
    Act.REMOVE: _remove,
    Act.MOVE: _move,
    Act.LINK: _link,
    Act.CODE: _use,
    Act.INSTALL: _use,
    Act.UNKNOWN: _use,
}
_BY_ACCOUNT: Final[dict[ActName, Callable[[FileTree, Operation, Actor, Accounts], None]]] = {
    Act.PACK: _pack,
    Act.WRITE: _write,
    Act.TOUCH: _touch,
    Act.COPY: _copy,
    Act.MODE: _mode,
    Act.OWN: _own,
    Act.CAPABILITY: _capability,
}
