"""RUN --mount: mounts that cover the file tree for the duration of one step."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dockfix.model.changes import Id
from dockfix.model.filetree import FileTree, Kind, Node
from dockfix.model.lineage import Step
from dockfix.model.paths import resolve
from dockfix.model.permissions import Identity
from dockfix.syntax.words import is_number

_TARGETS = ("target", "dst", "destination")


@dataclass(frozen=True, slots=True)
class Mount:
    """A mount at `target`, of the type `kind`; the contents belong to the owner of `node` too."""

    target: str
    node: Node
    kind: str


def find_mounts(step: Step, owner: Identity | None = None) -> Iterator[Mount]:
    """The mounts of a RUN.

    With `owner`, mounts without an explicit owner belong to it, if their type allows one.
    """
    for flag in step.instruction.flags:
        if flag.name == "mount":
            pairs = [part.partition("=") for part in step.expand(flag.value or "").split(",")]
            options = {name.lower(): value for name, _, value in pairs}
            target, node = _target(options), _node(options, owner)
            if target and node is not None and "$" not in target:
                yield Mount(resolve(target, step.before.workdir), node, options.get("type", "bind"))


def _target(options: Mapping[str, str]) -> str:
    target = next((options[name] for name in _TARGETS if options.get(name)), "")
    if not target and options.get("type") == "secret" and options.get("id"):
        return f"/run/secrets/{options['id']}"
    return target


def _node(options: Mapping[str, str], owner: Identity | None) -> Node | None:
    """The mounted node, according to BuildKit's reference; None for an SSH socket."""
    kind = options.get("type", "bind")
    if kind == "tmpfs":
        return Node(Kind.DIRECTORY, mode=0o1777)
    if kind == "bind":
        return Node(Kind.DIRECTORY, inside=(Node(Kind.ANY),))
    uid, gid = (0, 0) if owner is None or options.keys() & {"uid", "gid"} else (owner.uid, owner.gid)
    uid, gid = _number(options, "uid", uid), _number(options, "gid", gid)
    if kind == "secret":
        return Node(Kind.FILE, uid, gid, int(_octal(options) or "400", 8))
    if kind == "cache":
        mode = int(_octal(options) or "755", 8)
        return Node(Kind.DIRECTORY, uid, gid, mode, inside=(Node(Kind.ANY, uid, gid, mode | 0o755),))
    return None


def _number(options: Mapping[str, str], name: str, otherwise: Id) -> Id:
    value = options.get(name, "")
    return int(value) if is_number(value) else otherwise


def _octal(options: Mapping[str, str]) -> str:
    value = options.get("mode", "")
    return value if set(value) <= set("01234567") else ""


def mount(tree: FileTree, mounts: list[Mount]) -> None:
    """Place mounts over the tree; missing parent directories are created for root."""
    for one in mounts:
        target = tree.make_directories(posixpath.dirname(one.target), Node(Kind.DIRECTORY))
        target = posixpath.join(target, posixpath.basename(one.target))
        tree.remove(target)
        tree.put(target, one.node)


def unmount(tree: FileTree, before: FileTree, mounts: list[Mount]) -> None:
    """Restore the tree under the mounts from `before`; the contents of a mount are not part of the image."""
    for one in mounts:
        target = before.follow(one.target)
        tree.restore(target, before)
        while target != "/" and not before.may_exist(target):
            target = posixpath.dirname(target)
            if not before.may_exist(target) and not _holds_something(tree, target):
                tree.restore(target, before)


def _holds_something(tree: FileTree, path: str) -> bool:
    return any(one.kind is not Kind.ABSENT for below in tree.below(path) for one in tree.look(below))
