"""The file tree of a base image."""

from __future__ import annotations

from dockfix.knowledge import read_table
from dockfix.model.filetree import ABSENT, FileTree, Kind, Node, Nodes
from dockfix.model.images import Image


def base_tree(image: Image) -> FileTree:
    """The tree of a base image, from its accounts and knowledge/directories.toml."""
    content = Node(Kind.ANY)
    nodes: dict[str, Nodes] = {"/": (Node(Kind.DIRECTORY, inside=() if image.known else (content,)),)}
    table = read_table("directories")
    for path in table["base"]:
        filled = path not in table["empty"] or not image.known
        nodes[path] = (Node(Kind.DIRECTORY, inside=(content,) if filled else ()),)
    nodes["/root"] = (Node(Kind.DIRECTORY, mode=0o700, inside=(content,)),)
    for path in table["closed"] if image.family in ("debian", "ubuntu", "unknown") else ():
        nodes[path] = (ABSENT, Node(Kind.DIRECTORY, mode=0o700, inside=(content,)))
    nodes["/dev"] = (Node(Kind.DIRECTORY, inside=(content._replace(mode=0o666),)),)
    for name in table["devices"]:
        nodes[f"/dev/{name}"] = (Node(Kind.FILE, mode=0o666),)
    for path in ("/tmp", "/var/tmp", "/dev/shm"):
        nodes[path] = (Node(Kind.DIRECTORY, mode=0o1777),)
    for one in image.accounts:
        if one.home.startswith("/home/") or one.name == image.user:
            uid = one.name if one.uid is None else one.uid
            home = Node(Kind.DIRECTORY, uid, uid if one.gid is None else one.gid)
            nodes[one.home] = (home._replace(inside=(home._replace(kind=Kind.ANY),)),)
    tree = FileTree(nodes)
    if image.workdir not in ("", "/"):
        tree.make_directories(image.workdir, Node(Kind.DIRECTORY, inside=(content,)))
    return tree
