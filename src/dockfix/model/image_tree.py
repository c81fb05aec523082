"""The file tree of a base image."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from dockfix.image_facts import Entry
from dockfix.knowledge import read_table
from dockfix.model.filetree import ABSENT, FileTree, Kind, Node, Nodes
from dockfix.model.images import Account, Image


def base_tree(image: Image) -> FileTree:
    """The tree of a base image, from its accounts and knowledge/directories.toml."""
    workdir = (image.workdir, image.workdir_is_empty)
    tree = _tree(image.known, image.family, image.accounts, image.user, workdir).fork()
    if image.facts is not None and image.facts.content is not None:
        _correct(tree, image.facts.content.paths)
    return tree


def _correct(tree: FileTree, paths: Mapping[str, Entry]) -> None:
    """Put what was found in the real image in the place of what is assumed of every base."""
    for path, entry in paths.items():
        if entry.kind == "absent":
            tree.put(path, ABSENT)
            continue
        # Unlisted entries of a directory usually belong to whoever it belongs to.
        is_open = entry.kind == "directory" and not entry.is_listed
        inside = (Node(Kind.ANY, entry.uid, entry.gid),) if is_open else ()
        node = Node(_KINDS[entry.kind], entry.uid, entry.gid, entry.mode, target=entry.target, inside=inside)
        tree.put(path, node)


_KINDS: Final = {"directory": Kind.DIRECTORY, "file": Kind.FILE, "link": Kind.LINK}


@lru_cache(maxsize=256)
def _tree(
    known: bool, family: str, accounts: tuple[Account, ...], user: str, workdir: tuple[str, bool]
) -> FileTree:
    content = Node(Kind.ANY)
    nodes: dict[str, Nodes] = {"/": (Node(Kind.DIRECTORY, inside=() if known else (content,)),)}
    table = read_table("directories")
    for path in table["base"]:
        filled = path not in table["empty"] or not known
        nodes[path] = (Node(Kind.DIRECTORY, inside=(content,) if filled else ()),)
    nodes["/root"] = (Node(Kind.DIRECTORY, mode=0o700, inside=(content,)),)
    for path in table["closed"] if family in ("debian", "ubuntu", "unknown") else ():
        nodes[path] = (ABSENT, Node(Kind.DIRECTORY, mode=0o700, inside=(content,)))
    for path in table["private"]:
        nodes[path] = (ABSENT, Node(Kind.FILE, 0, "shadow", 0o640))
    nodes["/dev"] = (Node(Kind.DIRECTORY, inside=(content._replace(mode=0o666),)),)
    for name in table["devices"]:
        nodes[f"/dev/{name}"] = (Node(Kind.FILE, mode=0o666),)
    for path in ("/tmp", "/var/tmp", "/dev/shm"):
        nodes[path] = (Node(Kind.DIRECTORY, mode=0o1777),)
    for one in accounts:
        if one.home.startswith("/home/") or one.name == user:
            uid = one.name if one.uid is None else one.uid
            home = Node(Kind.DIRECTORY, uid, uid if one.gid is None else one.gid)
            nodes[one.home] = (home._replace(inside=(home._replace(kind=Kind.ANY),)),)
    tree = FileTree(nodes)
    place, is_empty = workdir
    if place not in ("", "/"):
        tree.make_directories(place, Node(Kind.DIRECTORY, inside=() if is_empty else (content,)))
    return tree
