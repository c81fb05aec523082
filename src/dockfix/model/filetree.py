"""The files of an image: which nodes may exist at each path, and who owns them.

A tree maps absolute, normalised paths to the nodes that may exist there: one if that is known, several if
it depends on something that cannot be evaluated (a branch, a glob, an unknown base). The `inside` of a
directory describes its unlisted entries: each node stands for any number of them, and it is empty if the
listing is complete. model/permissions.py answers who may do what.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from functools import reduce
from operator import and_
from typing import Final, NamedTuple, NewType

from dockfix.model.changes import SET_ID, Change, Id

Origin = int | str
"""The step that created a node; BASE for the base image, START for the start commands, VOLUME for a directory
that does not exist until something is mounted there."""
BASE: Final = "base"
START: Final = "start"
VOLUME: Final = "volume"
ADDED: Final = "new "
"""The beginning of the unique name of a step that a rewrite adds."""
_MAX_LINKS: Final = 40
SET_GROUP: Final = 0o2000
_GROUP_RUNS: Final = 0o010
_MAX_BRANCH: Final = 128
"""More paths than that are copied and moved as unlisted ones: a tree that is copied into itself doubles."""


KindName = NewType("KindName", str)
# No Enum: Python 3.11 calls a function whenever a member is named, and a replay names thousands.


class Kind:
    """The type of a node; ANY is an unknown one, ABSENT stands for no node."""

    DIRECTORY: Final = KindName("directory")
    FILE: Final = KindName("file")
    LINK: Final = KindName("link")
    ANY: Final = KindName("any")
    ABSENT: Final = KindName("absent")


class Node(NamedTuple):
    """One possible node at a path; `mode` has 12 bits, `capable` means that the file has capabilities.

    `inside` describes the unlisted entries of a directory; `packaged`: it belongs to an environment.
    """

    kind: KindName
    uid: Id = 0
    gid: Id = 0
    mode: int = 0o755
    origin: Origin = BASE
    target: str = ""
    capable: bool = False
    inside: Nodes = ()
    packaged: bool = False

    @property
    def holds(self) -> bool:
        """Whether it may contain other nodes."""
        return self.kind is Kind.DIRECTORY or self.kind is Kind.ANY


Nodes = tuple[Node, ...]
Standing = tuple[tuple[str, Nodes], ...]
"""The paths that a path may resolve to once its links are followed, each with its possible nodes."""
ABSENT: Final = Node(Kind.ABSENT)


class FileTree:
    """A mutable file tree; `fork` returns an independent copy.

    `_links` are the paths at which a link has ever stood, `_around` the directories that may have something
    listed below them; `_names` are the paths that have ever been hard links to the same file, `_packed` the
    members of archives; `_below` and `_looked` keep answers.
    """

    __slots__ = ("_around", "_below", "_links", "_looked", "_names", "_nodes", "_packed")

    def __init__(self, nodes: dict[str, Nodes]) -> None:
        self._nodes = nodes
        self._below: dict[str, tuple[str, ...]] = {}
        self._looked: dict[str, Nodes] = {}
        self._links = frozenset(path for path, found in nodes.items() if _has_link(found))
        self._names: dict[str, frozenset[str]] = {}
        self._packed: dict[str, Nodes] = {}
        self._around: set[str] = set()
        for path in nodes:
            self._list(path)

    def fork(self) -> FileTree:
        """An independent copy; the nodes are immutable and therefore shared."""
        other = FileTree.__new__(FileTree)
        other._nodes, other._links = self._nodes.copy(), self._links
        other._below, other._looked = self._below.copy(), self._looked.copy()
        other._around = self._around.copy()
        # Mostly empty: a literal is cheaper than a copy.
        other._names = self._names.copy() if self._names else {}
        other._packed = self._packed.copy() if self._packed else {}
        return other

    # -- looking -------------------------------------------------------------------------------

    def look(self, path: str) -> Nodes:
        """The nodes that may exist at a path, without following links."""
        found = self._nodes.get(path)
        if found is None:
            found = self._looked.get(path)
        if found is not None:
            return found
        if path == "/":
            return (Node(Kind.DIRECTORY),)
        nodes: dict[Node, None] = {}
        for parent in self.look(parent_of(path)):
            if parent.kind is Kind.ANY:
                nodes[parent] = None
            nodes.update(dict.fromkeys(parent.inside))
        nodes[ABSENT] = None
        found = self._looked[path] = tuple(nodes)
        return found

    def standing(self, path: str, *, last: bool = True) -> Standing:
        """The paths that a path may resolve to, and their nodes.

        `last`: follow the last component as well.
        """
        if not self._links:
            return ((path, self.look(path)),)
        found: dict[str, Nodes] = {}
        for at, _, reached in self._walked(path, last=last):
            if reached:
                nodes = self.look(at)
                found[at] = tuple(one for one in nodes if one.kind is not Kind.LINK) if last else nodes
        return tuple(found.items())

    def passed(self, path: str, *, last: bool = True) -> list[str]:
        """The links that may be followed to resolve a path, each as a path without links."""
        if not self._links:
            return []
        return [link for _, links, _ in self._walked(path, last=last) for link in links]

    def _walked(self, path: str, *, last: bool) -> Iterator[tuple[str, list[str], bool]]:
        """(path, the links on it, whether it resolves without them), for a path and each link target."""
        todo = [(path, 0)]
        seen = {path}
        while todo:
            at, count = todo.pop()
            reached, links, targets = self._followed(at, last=last)
            if targets and count < _MAX_LINKS:
                todo += [(target, count + 1) for target in targets if target not in seen]
                seen.update(targets)
            yield at, links, reached

    def _followed(self, path: str, *, last: bool) -> tuple[bool, list[str], list[str]]:
        """(whether the path resolves without a link, the links on it, the paths that they lead to).

        What follows a link that is certainly one is not looked at: it stands elsewhere.
        """
        passed: list[str] = []
        targets: list[str] = []
        at = ""
        for part in path.split("/")[1:]:
            at = f"{at}/{part}"
            if at not in self._links or (at == path and not last):
                continue
            nodes = self._nodes.get(at, ())
            links = [one for one in nodes if one.kind is Kind.LINK]
            if links:
                targets += (f"{lead.rstrip('/')}{path[len(at) :]}" or "/" for lead in _leads(at, links))
                passed.append(at)
                if len(links) == len(nodes):
                    return False, passed, targets
        return True, passed, targets

    def follow(self, path: str, *, last: bool = True) -> str:
        """The path with all links resolved (with `last`, the last component too)."""
        standing = self.standing(path, last=last)
        return standing[-1][0] if standing else path

    def places(self, path: str, *, last: bool = True) -> list[str]:
        """The paths that a path may resolve to; itself if its links lead nowhere."""
        return [real for real, _ in self.standing(path, last=last)] or [path]

    def exists(self, path: str) -> bool:
        """Whether something certainly exists there."""
        found = self.standing(path)
        return bool(found) and not any(_may_be_missing(nodes) for _, nodes in found)

    def may_exist(self, path: str) -> bool:
        """Whether something may exist there."""
        return any(any(each(nodes)) for _, nodes in self.standing(path))

    def nearest(self, path: str) -> str:
        """The nearest ancestor that certainly exists, or the path itself."""
        path = self.follow(path)
        while path != "/" and not self.exists(path):
            path = parent_of(path)
        return path

    def below(self, path: str) -> tuple[str, ...]:
        """The listed paths strictly below a directory."""
        top = path.rstrip("/")
        if top not in self._around:
            return ()
        found = self._below.get(top)
        if found is None:
            start = top + "/"
            found = tuple([one for one in self._nodes if one.startswith(start) and one != "/"])
            self._below[top] = found
        return found

    def links(self, path: str) -> list[str]:
        """The paths at or below `path` that may be links."""
        paths = (path, *self.below(path)) if self._links else ()
        return [one for one in paths if _has_link(self.look(one))]

    def contents(self, directory: str) -> list[Node]:
        """All nodes that may exist below a directory, listed or not."""
        directory = self.follow(directory)
        found = [
            node
            for path in self.below(directory)
            for node in self._nodes[path]
            if node.kind is not Kind.ABSENT
        ]
        found += [one for node in (*self.look(directory), *found) for one in node.inside]
        found += (node for node in self.look(directory) if node.kind is Kind.ANY)
        return found

    @property
    def link_paths(self) -> frozenset[str]:
        """The paths at which a link has ever stood."""
        return self._links

    def listed(self) -> dict[str, Nodes]:
        """The listed paths and their nodes; a path that was removed is ABSENT."""
        return self._nodes

    def packed(self, archive: str) -> Nodes:
        """The members of an archive that a step has packed, () if they are unknown."""
        return self._packed.get(archive, ())

    def _assign(self, path: str, nodes: Nodes) -> None:
        if path not in self._nodes:
            self._list(path)
        self._nodes[path] = nodes
        if self._looked:
            self._looked = {}

    def _list(self, path: str) -> None:
        """Add a new path to what is below the directories around it; the key of `/` is ""."""
        above = path.rstrip("/")
        while above:
            above = above.rpartition("/")[0]
            self._around.add(above)
            if above in self._below:
                self._below[above] += (path,)

    # -- changing ------------------------------------------------------------------------------

    def set(self, path: str, nodes: Iterable[Node], *, weak: bool = False) -> None:
        """Set the possible nodes of a path; `weak`: the present ones stay possible."""
        before = self.look(path) if weak else ()
        found = tuple(dict.fromkeys((*before, *nodes)))
        self._assign(path, found)
        if _has_link(found) and path not in self._links:
            self._links |= {path}

    def put(self, path: str, node: Node, *, weak: bool = False) -> None:
        """Set the node at a path; `weak`: the present ones stay possible."""
        self.set(path, (node,), weak=weak)

    def born(self, path: str, node: Node) -> Nodes:
        """A node as it is created in its directory: a set-group-ID directory passes on its group."""
        parents = self.look(parent_of(path))
        return tuple(dict.fromkeys(_inherit(node, one) for one in parents if one.holds)) or (node,)

    def confirm(self, path: str) -> None:
        """Drop the possibility that a path, or a directory above it, is absent."""
        nodes = self.look(path)
        there = tuple(each(nodes))
        if there and len(there) < len(nodes):
            self._assign(path, there)
        self.settle(parent_of(path))

    def settle(self, path: str) -> None:
        """Drop the possibility that a directory, or one above it, is absent or a file."""
        while path != "/":
            nodes = self._nodes.get(path, ())
            there = tuple(one for one in nodes if one.holds)
            if there and len(there) < len(nodes):
                self._assign(path, there)
            path = parent_of(path)

    def make_directories(
        self, path: str, node: Node, *, above: Node | None = None, weak: bool = False
    ) -> str:
        """Create a directory and its missing parents (`mkdir -p`); return its path with links resolved."""
        paths = [real for real, _ in self.standing(path)]
        for real in paths:
            self._make(real, node, above or node, weak=weak or len(paths) > 1)
        return self.follow(path)

    def _make(self, path: str, node: Node, above: Node, *, weak: bool) -> None:
        missing: list[str] = []
        at = path
        while at != "/" and not all(one.holds for one in self.look(at)):
            missing.append(at)
            at = parent_of(at)
        for one in reversed(missing):
            if all(other.kind is Kind.FILE for other in self.look(one)):
                return  # mkdir fails
            there = tuple(other for other in self.look(one) if weak or other.holds)
            self.set(one, (*there, *self.born(one, node if one == path else above)))

    def fill(self, directory: str, *contents: Node, flat: bool = False, inherits: bool = False) -> None:
        """Add `contents` to the unlisted entries of a directory tree, also where a path may be absent.

        With `flat`, only to those of the directory itself. `inherits`: they take the group of a
        set-group-ID directory.
        """
        for top in self.places(directory):
            self._fill(top, contents, flat=flat, inherits=inherits)

    def _fill(self, top: str, contents: Nodes, *, flat: bool, inherits: bool) -> None:
        below = self.below(top)
        for path in (top, *(one for one in below if not flat or posixpath.dirname(one) == top)):
            nodes = self.look(path)
            if path == top or (not flat and any(node.kind is Kind.DIRECTORY for node in nodes)):
                self._assign(
                    path,
                    tuple(
                        _filled(
                            node,
                            _handed_down(node, contents) if inherits else contents,
                            Kind.DIRECTORY if path == top else node.kind,
                        )
                        if node.holds
                        else node
                        for node in nodes
                    ),
                )
            elif ABSENT in nodes:
                self.set(path, contents, weak=True)

    def remove(self, path: str, *, weak: bool = False) -> None:
        """Remove a path and everything below it."""
        for one in (path, *self.below(path)):
            self.set(one, (ABSENT,), weak=weak)

    def restore(self, path: str, other: FileTree) -> None:
        """Reset a path, and everything below it, to its state in another tree."""
        for one in (path, *self.below(path)):
            self._nodes.pop(one, None)
        self._below, self._looked = {}, {}
        for one in (path, *other.below(path)):
            if one in other._nodes:
                self.set(one, other._nodes[one])

    def branch(self, path: str) -> dict[str, Nodes]:
        """The listed nodes at a path and below it; what many paths hold is contents of the first alone."""
        below = self.below(path)
        if len(below) <= _MAX_BRANCH:
            return {one: self.look(one) for one in (path, *below)}
        inside = dict.fromkeys(node for one in below for node in _flat(self.look(one)))
        return {path: tuple(_holding(node, inside) for node in self.look(path))}

    def graft(self, nodes: dict[str, Nodes], source: str, path: str, *, weak: bool = False) -> None:
        """Replace what exists at a path by the branch of `source`; owners, modes and origins stay."""
        self.remove(path, weak=weak)
        for one, found in nodes.items():
            to = moved(one, source, path)
            self.set(to, found, weak=weak)
            if one in self._names:
                self.join(one, to)
        if source in self._packed:
            self._packed[path] = self._packed[source]

    def change(
        self, path: str, change: Change, *, recursive: bool = False, weak: bool = False, last: bool = True
    ) -> None:
        """Apply a change of owner or mode to a path; `recursive`: and to everything below it."""
        standing = self.standing(path, last=last)
        for real, _ in standing:
            for one in (real, *(self.below(real) if recursive else ())):
                after = [
                    made for node in self.look(one) for made in changed(node, change, recursive=recursive)
                ]
                self.set(one, after, weak=weak or len(standing) > 1)
                if self._names:
                    self._change_others(one, change, recursive=recursive)

    def _change_others(self, path: str, change: Change, *, recursive: bool) -> None:
        """Apply a change to what may be other names of the same file.

        Directories share only their files, and unlisted ones only change with all that they contain.
        """
        for other in self.others(path):
            after: list[Node] = []
            for node in self.look(other):
                if node.kind is not Kind.DIRECTORY:
                    after += changed(node, change, recursive=False)
                elif recursive:
                    after.append(_with_changed_contents(node, change))
            self.set(other, after, weak=True)

    def others(self, path: str) -> frozenset[str]:
        """What may be other names of the same file."""
        return self._names.get(path, frozenset()) - {path} if self._names else frozenset()

    def join(self, path: str, other: str) -> None:
        """Record that two paths may be names of the same file."""
        names = self._names.get(path, frozenset({path})) | self._names.get(other, frozenset({other}))
        self._names.update(dict.fromkeys(names, names))

    def pack(self, archive: str, members: Iterable[Node]) -> None:
        """Record what an archive contains, but not under which names."""
        found = [one._replace(inside=()) for one in _flat(tuple(members))]
        mode = reduce(and_, (one.mode for one in found), 0o777)
        # At any depth, and for links: what may be done with every member.
        deep = (Node(Kind.ANY, one.uid, one.gid, mode, one.origin) for one in found)
        flat = tuple(dict.fromkeys((*(one for one in found if one.kind is not Kind.LINK), *deep)))
        self._packed[archive] = tuple(_holding(one, flat) for one in flat)

    def change_contents(self, directory: str, change: Change) -> None:
        """Apply a change to some unlisted entries of a directory, but not to itself."""
        for path in self.places(directory):
            self._assign(path, tuple(_with_changed_contents(node, change) for node in self.look(path)))


def moved(path: str, source: str, to: str) -> str:
    """Where a path at or below `source` is once that has become `to`; all are absolute and normalised."""
    inside = path[len(source.rstrip("/")) + 1 :]
    return f"{to.rstrip('/')}/{inside}" if inside else to


def parent_of(path: str) -> str:
    """The directory of an absolute, normalised path."""
    return path.rpartition("/")[0] or "/"


def _leads(path: str, links: Iterable[Node]) -> Iterator[str]:
    """Where links at a path lead; one to itself, or to what is below it, never resolves."""
    for one in links:
        # normpath keeps two slashes at the beginning.
        lead = posixpath.normpath(posixpath.join(parent_of(path), one.target)).replace("//", "/", 1)
        if not f"{lead}/".startswith(f"{path}/"):
            yield lead


def _has_link(nodes: Nodes) -> bool:
    return any(one.kind is Kind.LINK for one in nodes)


def _may_be_missing(nodes: Nodes) -> bool:
    return any(one.kind is Kind.ABSENT for one in nodes)


def _with_changed_contents(node: Node, change: Change) -> Node:
    inside = (made for one in _within(node) for made in (one, *changed(one, change, recursive=True)))
    return node._replace(inside=tuple(dict.fromkeys(inside)))


def changed(node: Node, change: Change, *, recursive: bool) -> Nodes:
    """The possible nodes after a change; a change of owner clears a file's capabilities and set-id bits."""
    if node.kind is Kind.ABSENT:
        return (node,)
    if recursive and node.inside:
        found = dict.fromkeys(made for one in node.inside for made in changed(one, change, recursive=True))
        node = node._replace(inside=tuple(found))
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
        node.packaged,
    )
    if node.kind is Kind.ANY:
        if split := _split(node, made, change):
            return split
        if node.origin != BASE and not recursive and made != node:
            # If it is a directory, the rest of its contents stays as it is.
            made = made._replace(inside=tuple(dict.fromkeys((*node.inside, node._replace(inside=())))))
    is_sure = change.kind == "" or node.kind is not Kind.ANY
    is_sure = is_sure and change.only in (None, node.uid) and change.only_group in (None, node.gid)
    return (made,) if is_sure else (node, made)


def _split(node: Node, made: Node, change: Change) -> Nodes:
    """The node as a directory, and as a file like those below it, if the change is another for each."""
    mode = node.mode if change.mode is None else change.mode(node.mode, is_directory=True)
    if change.kind is Kind.FILE:
        directory = node
    elif change.kind == "" and change.mode is not None and mode != made.mode:
        directory = made._replace(mode=mode)
    else:
        return ()
    file = made._replace(kind=Kind.FILE, inside=())
    return (directory._replace(inside=tuple(dict.fromkeys((*directory.inside, file)))), file)


def _changed_mode(node: Node, change: Change) -> int:
    mode = node.mode
    if change.mode is not None and node.kind is not Kind.LINK:
        mode = change.mode(mode, is_directory=node.kind is Kind.DIRECTORY)
        if change.groups is not None and node.gid not in change.groups:
            mode &= ~SET_GROUP
    if change.gives and node.kind is Kind.ANY:
        mode &= ~0o4000
    elif change.gives and not node.holds:
        # On a file that its group cannot execute, the bit means mandatory locking, and chown keeps it.
        mode &= ~SET_ID if mode & _GROUP_RUNS else ~0o4000
    return mode


def _is_meant(node: Node, change: Change) -> bool:
    if not (_may_be(node.uid, change.only) and _may_be(node.gid, change.only_group)):
        return False
    if node.kind is Kind.LINK and change.follows:
        return False
    return change.kind in ("", node.kind) or node.kind is Kind.ANY


def _may_be(has: Id, wanted: Id | None) -> bool:
    """Whether an owner may be the wanted one; a name may stand for any number."""
    return wanted is None or has == wanted or isinstance(has, str) is not isinstance(wanted, str)


def _inherit(node: Node, parent: Node) -> Node:
    if not parent.mode & SET_GROUP:
        return node
    mode = node.mode | (SET_GROUP if node.kind is Kind.DIRECTORY else 0)
    return node._replace(gid=parent.gid, mode=mode)


def _handed_down(parent: Node, contents: Nodes) -> Nodes:
    """The contents as they are created in a directory."""
    return tuple(_inherit(one, parent) for one in contents) if parent.mode & SET_GROUP else contents


def _filled(node: Node, contents: Nodes, kind: KindName) -> Node:
    inside = tuple(dict.fromkeys((*_within(node), *contents)))
    return node._replace(kind=kind, inside=inside)


def _flat(nodes: Nodes) -> Iterator[Node]:
    for one in each(nodes):
        yield one._replace(inside=())
        yield from one.inside


def _holding(node: Node, inside: Iterable[Node]) -> Node:
    return node._replace(inside=tuple(dict.fromkeys((*node.inside, *inside)))) if node.holds else node


def _within(node: Node) -> Nodes:
    if node.kind is not Kind.ANY:
        return node.inside
    # Without its own contents, which stand beside it: nested, they would double with each change.
    return (node._replace(inside=()), *node.inside) if node.inside else (node,)


def each(nodes: Iterable[Node]) -> Iterator[Node]:
    """The nodes that are not ABSENT."""
    return (one for one in nodes if one.kind is not Kind.ABSENT)
