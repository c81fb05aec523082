"""cp, mv and ln: where files end up, whether that is allowed, and the tree afterwards."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Final

from dockfix.model.actors import Actor
from dockfix.model.filetree import BASE, FileTree, Kind, Node, Nodes, each, moved
from dockfix.model.operations import How, Operation
from dockfix.model.paths import is_root_home, is_system_directory
from dockfix.model.patterns import expand, is_pattern
from dockfix.model.permissions import (
    READ,
    SEARCH,
    WRITE,
    Answer,
    Answers,
    Identity,
    Verdict,
    ask_each,
    both,
    every,
    may_change,
    may_empty,
    may_read_all,
    may_unlink,
    owned_by,
    permits,
)

_MAX_UNLISTED: Final = 16
"""More kinds of unlisted files are not told apart where they may replace others."""


def _destinations(tree: FileTree, operation: Operation, source: str) -> list[str]:
    """The paths that a source may get: in the target, if that may be a directory, or as the target."""
    target = _named_target(operation, source).rstrip("/") or "/"
    if How.CONTENTS in operation.how:
        return [real for real, _ in tree.standing(target)]
    found: dict[str, None] = {}
    for real, nodes in tree.standing(target):
        as_named = How.AS_NAMED in operation.how
        for node in nodes:
            if operation.spec.endswith("/") or (node.holds and not as_named):
                found[posixpath.join(real, posixpath.basename(source))] = None
            if not operation.spec.endswith("/") and (node.kind is not Kind.DIRECTORY or as_named):
                # A link's own path: what writes follows it, what replaces does not.
                found.update(dict.fromkeys(tree.places(target, last=False)))
    return list(found)


def _named_target(operation: Operation, source: str) -> str:
    """The target of a path that a pattern matches; it may be a pattern too (`mv "$f" "${f%.a}.b"`)."""
    pattern, target = operation.path, operation.spec
    if "*" not in target or pattern.count("*") != 1 or is_pattern(source):
        return target
    before, _, after = pattern.partition("*")
    return target.replace("*", source[len(before) : len(source) - len(after)], 1)


def _keeps_link(operation: Operation) -> bool:
    return How.KEEPS_LINKS in operation.how


# -- cp ------------------------------------------------------------------------------------------------


def may_copy(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    """The answers to a copy: the source must be readable, and the target writable."""

    def ask(source: str) -> Answers:
        def judge(real: str, node: Node) -> Iterator[Answer]:
            if node.kind is Kind.ABSENT:
                yield Answer(Verdict.ABSENT)
                return
            read = _may_be_read(tree, operation, real, node, who)
            for at in _destinations(tree, operation, source):
                yield from both(read, _may_land(tree, operation, real, node, at, who))

        return ask_each(tree, source, who, judge, last=not _keeps_link(operation))

    return every(map(ask, expand(tree, operation.path))) or frozenset({Answer(Verdict.ABSENT)})


def _may_be_read(tree: FileTree, operation: Operation, real: str, node: Node, who: Identity) -> Answers:
    allowed = frozenset({Answer(Verdict.ALLOWED, node.origin)})
    if node.kind is Kind.LINK:
        return allowed
    if How.SAME in operation.how and How.LINKED not in operation.how:
        return may_unlink(tree, real, node, who)
    if How.SAME in operation.how:
        is_granted = who.uid == node.uid or permits(node, who, READ | WRITE)
        return allowed if is_granted else frozenset({Answer(Verdict.DENIED, node.origin, real)})
    if operation.recursive:
        return both(allowed, may_read_all(tree, real, node, who))
    return allowed if permits(node, who, READ) else frozenset({Answer(Verdict.DENIED, node.origin, real)})


def _may_land(
    tree: FileTree, operation: Operation, source: str, node: Node, at: str, who: Identity
) -> Answers:
    """The answers to writing a copy, with its contents, over what may exist there."""

    def judge(real: str, there: Node) -> Iterator[Answer]:
        if there.kind is Kind.ABSENT:
            yield from may_change(tree, posixpath.dirname(real), who)
            return
        if How.REPLACES in operation.how:
            yield from may_unlink(tree, real, there, who)
            return
        entered = operation.recursive and node.holds and there.holds
        bits = WRITE | SEARCH if entered else WRITE
        if _is_forced(operation, there, who):
            for name in _names_of(tree, at, real):
                yield from may_unlink(tree, name, there, who)
            return
        answer = Answer(Verdict.ALLOWED if permits(there, who, bits) else Verdict.DENIED, there.origin, real)
        yield answer
        if entered and there.inside and not who.is_root:
            yield from _denials_inside(there, real, who)

    targets = [at]
    if operation.recursive and node.holds:
        targets += (
            moved(path, source, at) for path in tree.below(source) if _may_be_there(tree, path, at, source)
        )
    last = How.REPLACES not in operation.how
    answers = every(ask_each(tree, one, who, judge, last=last) for one in targets)
    if operation.how & {How.KEEPS_OWNER, How.KEEPS_MODE, How.KEEPS_TIMES} and last:
        # Times and modes of existing files are set too, which takes their owner.
        answers = every([answers, *(owned_by(tree, one, who) for one in targets if tree.may_exist(one))])
    return answers


def _names_of(tree: FileTree, at: str, real: str) -> list[str]:
    """The links at a path that lead to a file, which are removed in its stead, or the file."""
    return tree.places(at, last=False) if tree.follow(at) == real else [real]


def _is_forced(operation: Operation, there: Node, who: Identity) -> bool:
    """Whether `cp -f` replaces what exists instead of writing it."""
    is_file = there.kind not in (Kind.ABSENT, Kind.DIRECTORY)
    return is_file and How.FORCED in operation.how and not permits(there, who, WRITE)


def _may_be_there(tree: FileTree, path: str, at: str, source: str) -> bool:
    return any(each(tree.look(path))) and tree.may_exist(moved(path, source, at))


def _denials_inside(there: Node, real: str, who: Identity) -> Iterator[Answer]:
    """The denials if copied files have the names of unlisted ones."""
    for one in there.inside:
        if not permits(one, who, WRITE):
            yield Answer(Verdict.DENIED, one.origin, real)


def copy(
    tree: FileTree, operation: Operation, actor: Actor, finish: Callable[[Node], Node], *, weak: bool
) -> None:
    """Apply cp to the tree; `finish` sets the mode and owner that the command names."""

    def make(node: Node) -> Node:
        if _is_same(node, operation):
            return node
        if node.kind is Kind.DIRECTORY and not operation.recursive:
            # `cp --parents` makes directories like those above its source.
            node = node._replace(inside=())
        made = actor.copies(node, operation.how)
        return made._replace(mode=made.mode & 0o777) if How.DROPS_BITS in operation.how else made

    for source in expand(tree, operation.path):
        destinations = _destinations(tree, operation, source)
        standing = tree.standing(source, last=not _keeps_link(operation))
        is_weak = weak or len(destinations) > 1 or len(standing) > 1 or _is_doubtful(tree, operation, source)
        for at in destinations:
            for real, _ in standing:
                if is_pattern(real):
                    _fill(tree, real, posixpath.dirname(at), lambda node: finish(make(node)))
                else:
                    _graft(tree, operation, real, at, make, finish, actor, weak=is_weak)


def _is_doubtful(tree: FileTree, operation: Operation, source: str) -> bool:
    """Whether a path that a pattern matches may be missing; one that is named is there, or cp fails.

    An edit in place, which keeps the old file under another name, may skip what is missing (perl).
    """
    is_backup = How.SAME in operation.how and How.LINKED not in operation.how
    is_open = is_backup or is_pattern(operation.path)
    return is_open and any(one.kind is Kind.ABSENT for one in tree.look(source))


def _fill(tree: FileTree, pattern: str, directory: str, make: Callable[[Node], Node]) -> None:
    """Add what an unlisted pattern may match."""
    nodes = tuple(each(tree.look(pattern)))
    _launch(tree, pattern, nodes, directory)
    tree.fill(directory, *map(make, nodes))


def _launch(tree: FileTree, pattern: str, nodes: Iterable[Node], directory: str) -> None:
    """Link the unlisted programs that a pattern matches to their environment in root's home."""
    links = [node for node in _launching(pattern, tuple(nodes)) if node.kind is Kind.LINK]
    if links:
        tree.set(posixpath.join(directory, posixpath.basename(pattern)), links, weak=True)


def _launch_unlisted(tree: FileTree, branch: dict[str, Nodes], source: str, at: str) -> None:
    """Link the unlisted programs of a branch that now stands at another path."""
    for path, nodes in branch.items():
        inside = (one for node in nodes for one in ((node,) if node.kind is Kind.ANY else node.inside))
        _launch(tree, f"{path}/*", inside, moved(path, source, at))


def _graft(
    tree: FileTree,
    operation: Operation,
    source: str,
    at: str,
    make: Callable[[Node], Node],
    finish: Callable[[Node], Node],
    actor: Actor,
    *,
    weak: bool,
) -> None:
    """Copy a path and, for a recursive copy, everything below it to another path."""
    found = tree.branch(source) if operation.recursive else {source: tree.look(source)}
    if not weak:
        found[source] = tuple(each(found[source])) or found[source]
        tree.settle(posixpath.dirname(at))
    original = found[source]
    if How.CONTENTS not in operation.how:
        found[source] = _launching(source, original)
    for path, there in found.items():
        nodes = _followed(tree, path, there) if How.FOLLOWS in operation.how else there
        last = How.REPLACES not in operation.how and any(one.kind is not Kind.LINK for one in nodes)
        places = _places(tree, moved(path, source, at), operation, actor, last=last)
        for to in places:
            merged = _merged(tree, to, nodes, make, actor, operation)
            tree.set(to, [finish(one) for one in merged], weak=weak or len(places) > 1)
            if How.LINKED in operation.how:
                tree.join(path, to)
    if operation.recursive:
        _fill_unlisted(tree, found, at, make, actor, operation)
        _launch_unlisted(tree, {**found, source: original}, source, at)


def _launching(path: str, nodes: Nodes) -> Nodes:
    """A program of an environment in root's home starts the interpreter there, wherever it is copied to."""
    if not is_root_home(path) or not any(node.packaged for node in nodes):
        return nodes
    interpreter = posixpath.join(posixpath.dirname(path), "python")
    return tuple(
        node._replace(kind=Kind.LINK, target=interpreter) if node.packaged and node.kind is Kind.ANY else node
        for node in nodes
    )


def _places(tree: FileTree, at: str, operation: Operation, actor: Actor, *, last: bool) -> list[str]:
    """The paths that a copy may write; `cp -f` replaces a link to what it may not write."""
    places = tree.places(at, last=last)
    if How.FORCED not in operation.how:
        return places
    is_forced = any(_is_forced(operation, one, actor.who) for to in places for one in tree.look(to))
    return list(dict.fromkeys((*places, *tree.places(at, last=False)))) if is_forced else places


def _fill_unlisted(
    tree: FileTree,
    found: dict[str, Nodes],
    at: str,
    make: Callable[[Node], Node],
    actor: Actor,
    operation: Operation,
) -> None:
    """Add copies of what copied directories contain unlisted; they may have the names of files there."""
    directories = (one for nodes in found.values() for one in nodes if one.kind is Kind.DIRECTORY)
    unlisted = dict.fromkeys(one for directory in directories for one in directory.inside)
    if not unlisted:
        return
    tree.fill(at, *dict.fromkeys(map(make, unlisted)), inherits=How.KEEPS_OWNER not in operation.how)
    files = [(one, make(one)) for one in unlisted if one.kind in (Kind.FILE, Kind.ANY)]
    for path in tree.below(tree.follow(at)) if len(files) <= _MAX_UNLISTED else ():
        there = [one for one in tree.look(path) if one.kind is Kind.FILE]
        over = (_over(one, node, made, actor, operation) for one in there for node, made in files)
        if there:
            tree.set(path, tuple(over), weak=True)


def _followed(tree: FileTree, path: str, nodes: Nodes) -> Nodes:
    """The nodes that `cp -L` copies: what is behind a link."""
    if not any(one.kind is Kind.LINK for one in nodes):
        return nodes
    behind = (one for _, found in tree.standing(path) for one in found)
    return tuple(one._replace(kind=Kind.ANY) if one.kind is Kind.DIRECTORY else one for one in behind)


def _merged(
    tree: FileTree, to: str, nodes: Nodes, make: Callable[[Node], Node], actor: Actor, operation: Operation
) -> Iterator[Node]:
    found = tree.look(to)
    # A file is not copied over a directory.
    open_to_files = () if operation.recursive else [one for one in found if one.kind is not Kind.DIRECTORY]
    for there in open_to_files or found:
        for node in nodes:
            if node.kind is Kind.ABSENT:
                yield there
            elif (
                there.kind is not Kind.ABSENT
                and not operation.how & {How.SAME, How.REPLACES}
                and not _is_forced(operation, there, actor.who)
            ):
                yield _over(there, node, make(node), actor, operation)
            elif How.KEEPS_OWNER in operation.how or _is_same(node, operation):
                yield make(node)
            else:
                yield from tree.born(to, make(node))


def _is_same(node: Node, operation: Operation) -> bool:
    """Whether a hard link is made instead of a copy, which directories do not get."""
    return How.SAME in operation.how and node.kind is not Kind.DIRECTORY


def _over(there: Node, source: Node, made: Node, actor: Actor, operation: Operation) -> Node:
    """The node after a copy over an existing one, whose owner and mode stay unless the copy keeps its own.

    Only root gives files away: to others, the group stays too unless they are in that of the source.
    """
    if made.kind is Kind.LINK:
        return there if there.kind is Kind.DIRECTORY else made
    result = there if there.kind is Kind.DIRECTORY else actor.writes(there)
    if How.KEEPS_OWNER in operation.how:
        kind = made.kind if made.kind is Kind.ANY else result.kind
        gid = made.gid if actor.who.is_root or source.gid in actor.who.groups else there.gid
        result = result._replace(kind=kind, uid=made.uid, gid=gid, capable=made.capable)
    if How.KEEPS_MODE in operation.how:
        result = result._replace(mode=made.mode)
    return result._replace(inside=tuple(dict.fromkeys((*there.inside, *made.inside))))


# -- mv ------------------------------------------------------------------------------------------------


def may_move(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    """The answers to a rename: both directories decide, and for a directory also its own mode."""

    def ask(source: str) -> Answers:
        def judge(real: str, node: Node) -> Iterator[Answer]:
            if node.kind is Kind.ABSENT:
                yield Answer(Verdict.ABSENT)
                return
            leaves = may_unlink(tree, real, node, who)
            for at in _destinations(tree, operation, source):
                yield from both(leaves, _may_arrive(tree, real, node, at, who))

        return ask_each(tree, source, who, judge, last=False)

    return every(map(ask, expand(tree, operation.path))) or frozenset({Answer(Verdict.ABSENT)})


def _may_arrive(tree: FileTree, real: str, node: Node, at: str, who: Identity) -> Answers:
    def judge(path: str, there: Node) -> Iterator[Answer]:
        if there.kind is Kind.ABSENT:
            yield from may_change(tree, posixpath.dirname(path), who)
        else:
            yield from may_unlink(tree, path, there, who)

    answers = ask_each(tree, at, who, judge, last=False)
    if not node.holds or who.is_root:
        return answers
    is_elsewhere = posixpath.dirname(real) != posixpath.dirname(at)
    if node.kind is Kind.DIRECTORY and is_elsewhere and not permits(node, who, WRITE):
        return frozenset({Answer(Verdict.DENIED, node.origin, real)})
    # On overlayfs, a directory of an earlier layer is moved by copying and removing it.
    copied = every([may_read_all(tree, real, node, who), may_empty(tree, real, node, who)])
    return answers | frozenset(one for one in copied if one.verdict is Verdict.DENIED)


def move(tree: FileTree, operation: Operation, *, weak: bool) -> None:
    """Apply mv to the tree: the same nodes at another path."""
    for source in expand(tree, operation.path):
        destinations = _destinations(tree, operation, source)
        if is_pattern(source):
            for at in destinations:
                _fill(tree, source, posixpath.dirname(tree.follow(at, last=False)), lambda node: node)
        else:
            is_weak = weak or _is_doubtful(tree, operation, source)
            _move_branch(tree, tree.follow(source, last=False), destinations, weak=is_weak)
    if not weak:
        _confirm_target(tree, operation)


def _move_branch(tree: FileTree, source: str, destinations: list[str], *, weak: bool) -> None:
    nodes = tree.branch(source)
    if not weak:
        nodes[source] = tuple(each(nodes[source])) or nodes[source]
    original = nodes[source]
    leaves_home = any(is_root_home(source) and not is_root_home(at) for at in destinations)
    if leaves_home:
        nodes[source] = _launching(source, original)
    targets = list(dict.fromkeys(to for at in destinations for to in tree.places(at, last=False)))
    tree.remove(source, weak=weak)
    is_weak = weak or len(targets) > 1
    for to in targets:
        if not is_weak:
            tree.settle(posixpath.dirname(to))
        tree.graft(nodes, source, to, weak=is_weak)
        if leaves_home:
            _launch_unlisted(tree, {**nodes, source: original}, source, to)


def _confirm_target(tree: FileTree, operation: Operation) -> None:
    """Record that the target exists now, whether it was the directory or the new name."""
    standing = tree.standing(operation.spec.rstrip("/") or "/")
    if len(standing) == 1:
        tree.confirm(standing[0][0])


# -- ln ------------------------------------------------------------------------------------------------


def may_link(tree: FileTree, operation: Operation, who: Identity) -> Answers:
    """The answers to creating a link, which may have to replace another one."""

    def judge(path: str, there: Node) -> Iterator[Answer]:
        if there.kind is Kind.ABSENT:
            yield from may_change(tree, posixpath.dirname(path), who)
        else:
            yield from may_unlink(tree, path, there, who)

    found: set[Answer] = set()
    for names, _ in _links(tree, operation):
        for at in names:
            found |= ask_each(tree, at, who, judge, last=False)
    return frozenset(found)


def _links(tree: FileTree, operation: Operation) -> Iterator[tuple[list[str], str]]:
    """(its possible paths, target) of each link; of a pattern or find, one for each path that it selects."""
    spec, at = operation.spec, operation.path
    if How.ONE_BY_ONE in operation.how:
        for path in tree.below(tree.follow(spec)):
            name = posixpath.basename(path)
            if fnmatchcase(name, operation.name or "*") and any(each(tree.look(path))):
                yield [at + name], moved(path, tree.follow(spec), spec)
        return
    targets = expand(tree, spec) if spec.startswith("/") and is_pattern(spec) else []
    for target in targets or [spec]:
        name = posixpath.join(posixpath.dirname(at), posixpath.basename(target)) if is_pattern(at) else at
        yield _names(tree, operation._replace(path=name, spec=target)), target


def _names(tree: FileTree, operation: Operation) -> list[str]:
    """The paths that a link may get: inside an existing directory, the basename of its target."""
    if How.AS_NAMED in operation.how:
        return [operation.path]
    found: dict[str, None] = {}
    for real, nodes in tree.standing(operation.path, last=How.REPLACES_LINKS not in operation.how):
        is_directory = any(one.kind is Kind.DIRECTORY for one in nodes)
        for node in nodes:
            # What the base may have at an unlisted path is rarely there.
            is_there = node.kind is not Kind.ANY or node.origin != BASE
            if node.holds and (is_there or is_directory):
                found[posixpath.join(real, posixpath.basename(operation.spec.rstrip("/")))] = None
            if node.kind is not Kind.DIRECTORY and (is_there or not is_directory):
                found[operation.path] = None
    return list(found) or [operation.path]


def link(tree: FileTree, operation: Operation, actor: Actor, *, weak: bool) -> None:
    """Apply `ln -s` to the tree."""
    for names, target in list(_links(tree, operation)):
        # Each as it stands before: one of them may become a link on the way to another.
        for real in [tree.follow(at, last=False) for at in names]:
            born = [
                made
                for to in _targets(tree, operation, target, real)
                for made in tree.born(real, actor.makes(Kind.LINK, target=to)._replace(mode=0o777))
            ]
            tree.set(real, born, weak=weak or len(names) > 1)
            is_unlisted = is_pattern(real) and target in expand(tree, operation.spec)
            if is_unlisted and not is_system_directory(posixpath.dirname(real)):
                # Nobody knows under which names.
                tree.fill(posixpath.dirname(real), actor.makes(Kind.ANY), flat=True)


def _targets(tree: FileTree, operation: Operation, target: str, at: str) -> list[str]:
    """What a link at `at` may contain; `ln -r` resolves the links of its target."""
    if How.RELATIVE not in operation.how:
        return [target]
    return [posixpath.relpath(one, posixpath.dirname(at)) for one in tree.places(target)]
