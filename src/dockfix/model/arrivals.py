"""What COPY and ADD leave in the file tree."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from dockfix.model.changes import Id, Mode, read_mode
from dockfix.model.copies import Copy
from dockfix.model.filetree import FileTree, Kind, Node, Origin, each
from dockfix.model.outcomes import is_directory
from dockfix.model.paths import resolve
from dockfix.model.playing import ARCHIVED

_DOWNLOADED: Final = 0o600
_WRITTEN: Final = 0o644
"""The mode of a file whose text stands in the Dockerfile."""
_ARCHIVE: Final = re.compile(r"\.(tar(\.(gz|bz2|xz|zst))?|tgz|tbz2?|txz)$")


def arrive(
    tree: FileTree, copy: Copy, owner: tuple[Id, Id] | None, origin: Origin, source: FileTree | None = None
) -> None:
    """Let what is copied stand where it lands; `source` is the tree of the stage that it comes from.

    `owner` is the one that the copy gives, None where it gives none. `--chmod` counts for the directories
    that the copy makes as well, and so does the owner (measured with docker 28.5).
    """
    flag = copy.step.instruction.flag("chmod")
    mode = read_mode(copy.step.expand(flag.value)) if flag and flag.value else None
    content = _content(copy, owner, mode, origin)
    made = mode(0o755, is_directory=True) if mode else 0o755
    directory = content._replace(
        kind=Kind.DIRECTORY, uid=_known(content.uid), gid=_known(content.gid), mode=made
    )
    for path in _landed(copy):
        is_tree = path.endswith("/*")
        # A link that stands in the way of a named file is replaced, unless the destination names it.
        real = tree.follow(path.removesuffix("/*") or "/", last=is_tree or not copy.is_directory)
        if is_tree:
            real = tree.make_directories(real, directory)
        if any(one.kind is Kind.DIRECTORY for one in tree.look(real)):
            _cover(tree, real, content, directory)
        else:
            tree.make_directories(posixpath.dirname(real), directory)
            _land(tree, copy, real, content)
        if source is not None:
            _bring(tree, copy, source, real, owner, mode, origin)


def _land(tree: FileTree, copy: Copy, at: str, content: Node) -> None:
    """Let something stand where no directory is known; one that may be there stays, if a directory comes."""
    is_file = bool(copy.step.instruction.heredocs) or copy.is_download
    may_be_tree = not is_file and any("." not in posixpath.basename(one) for one in copy.sources)
    there = [one for one in tree.look(at) if one.kind is Kind.ANY and may_be_tree]
    tree.set(at, (*there, content._replace(kind=Kind.FILE) if is_file else content))


def _known(owner: Id) -> Id:
    return 0 if owner == ARCHIVED else owner


def _content(copy: Copy, owner: tuple[Id, Id] | None, mode: Mode | None, origin: Origin) -> Node:
    """What is copied, while nobody has looked at it: readable by everyone, unless it is a download."""
    bits = _DOWNLOADED if copy.is_download else _WRITTEN if copy.step.instruction.heredocs else 0o755
    bits = mode(bits, is_directory=False) if mode else bits
    uid, gid = owner or ((ARCHIVED, ARCHIVED) if _unpacks(copy) else (0, 0))
    return Node(Kind.ANY, uid, gid, bits, origin)


def _unpacks(copy: Copy) -> bool:
    return copy.step.keyword == "ADD" and not copy.is_download and any(map(_ARCHIVE.search, copy.sources))


def _landed(copy: Copy) -> Iterator[str]:
    """Where it lands; an archive is unpacked into the directory that is named."""
    for path in copy.landed():
        if not (_unpacks(copy) and _ARCHIVE.search(path)):
            yield path
    if _unpacks(copy):
        yield f"{copy.destination.rstrip('/')}/*"


def _cover(tree: FileTree, top: str, content: Node, directory: Node) -> None:
    """Let a tree be copied over a directory: what is in it may get the copy's owner and mode, itself not."""
    tree.fill(top, content)
    for path in tree.below(top):
        for node in tuple(each(tree.look(path))):
            if node.kind is Kind.DIRECTORY:
                over = directory._replace(inside=node.inside, origin=node.origin)
                tree.put(path, over, weak=True)
            elif node.kind is not Kind.LINK:
                tree.put(path, content, weak=True)


def _bring(
    tree: FileTree,
    copy: Copy,
    source: FileTree,
    real: str,
    owner: tuple[Id, Id] | None,
    mode: Mode | None,
    origin: Origin,
) -> None:
    """Copy what is known of another stage's tree, owners and modes too, unless the copy gives its own."""

    def carried(node: Node) -> Node:
        uid, gid = owner or (node.uid, node.gid)
        bits = mode(node.mode, is_directory=node.kind is Kind.DIRECTORY) if mode else node.mode
        inside = tuple(map(carried, node.inside))
        return node._replace(uid=uid, gid=gid, mode=bits, origin=origin, inside=inside)

    for written in copy.sources:
        top = source.follow(resolve(written, "/"))
        nodes = tuple(each(source.look(top)))
        is_tree = any(one.kind is Kind.DIRECTORY for one in nodes)
        at = real
        if not is_tree and is_directory(tree, real):
            at = posixpath.join(real, posixpath.basename(top))
        if nodes and not is_tree:
            tree.set(at, map(carried, nodes))
        for path in source.below(top) if is_tree else ():
            found = tuple(map(carried, each(source.look(path))))
            if found:
                tree.set(at + path[len(top.rstrip("/")) :], found, weak=len(found) < len(source.look(path)))
