"""The effect of COPY and ADD on the file tree."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Final

from dockfix.context import ClosedFile
from dockfix.model.changes import Id, Mode, read_mode
from dockfix.model.closed_files import put_closed
from dockfix.model.copies import Copy
from dockfix.model.filetree import FileTree, Kind, Node, Origin, each, moved
from dockfix.model.outcomes import is_directory
from dockfix.model.paths import resolve
from dockfix.model.playing import ARCHIVED

_DOWNLOADED: Final = 0o600
_UMASK: Final = 0o022
_WRITTEN: Final = 0o644
"""The mode of a file whose text is a heredoc in the Dockerfile."""
_ARCHIVE: Final = re.compile(r"\.(tar(\.(gz|bz2|xz|zst))?|tgz|tbz2?|txz)$")


def arrive(
    tree: FileTree,
    copy: Copy,
    owner: tuple[Id, Id] | None,
    origin: Origin,
    source: FileTree | None = None,
    closed: Sequence[ClosedFile] = (),
    folders: Sequence[str] = (),
) -> None:
    """Add what a COPY or ADD brings to the tree; `source` is the tree of the stage that it copies from.

    `closed` are files of the build context whose modes are known, because only their owner may read them;
    `folders` are the paths of the directories that are known to arrive with the copy's `--chmod`.
    `owner` is the copy's `--chown`, None if it has none. `--chown` and `--chmod` also apply to the
    directories that the copy creates, the mode without what BuildKit's umask takes away, and without
    set-id bits and the sticky bit (measured with docker 28.5).
    """
    flag = copy.step.instruction.flag("chmod")
    mode = read_mode(copy.step.expand(flag.value)) if flag and flag.value else None
    content = _content(copy, owner, mode, origin)
    made = mode(0o755, is_directory=True) & ~_UMASK & 0o777 if mode else 0o755
    directory = content._replace(
        kind=Kind.DIRECTORY, uid=_known(content.uid), gid=_known(content.gid), mode=made
    )
    patterns = _patterns(copy)
    for path in _landed(copy):
        is_tree = path.endswith("/*")
        # A named file replaces a symlink of its name, unless the destination itself names the link.
        real = tree.follow(path.removesuffix("/*") or "/", last=is_tree or not copy.is_directory)
        if is_tree:
            real = tree.make_directories(real, directory)
        if is_tree and source is not None and all(_is_listed(source, one) for one in copy.sources):
            _bring(tree, copy, source, real, owner, mode, origin)
            continue
        if is_tree:
            _cover(tree, real, content, directory, patterns)
        else:
            _land(tree, copy, real, content, directory)
        if source is not None:
            _bring(tree, copy, source, real, owner, mode, origin)
    if closed and copy.stage is None and mode is None:
        put_closed(tree, copy, content, closed)
    for path in folders:
        tree.put(tree.follow(path, last=False), directory._replace(inside=(content,)))


def _is_listed(source: FileTree, path: str) -> bool:
    """Whether all that a directory of another stage contains is known."""
    top = source.follow(resolve(path, "/"))
    found = [node for one in (top, *source.below(top)) for node in source.look(one)]
    is_directory = all(node.kind is Kind.DIRECTORY for node in source.look(top))
    return is_directory and not any(node.kind is Kind.ANY or node.inside for node in found)


def _land(tree: FileTree, copy: Copy, at: str, content: Node, directory: Node) -> None:
    """Put content at a path, or in the directory that it is, or may be.

    An unknown node stays possible if a tree may arrive, in a directory with a mode of its own.
    """
    are_directories = {one.kind is Kind.DIRECTORY for one in tree.look(at)}
    if True in are_directories:
        _cover(tree, at, content, directory)
    if False not in are_directories:
        return
    tree.make_directories(posixpath.dirname(at), directory)
    found = tree.look(at)
    covered = [one for one in found if one.kind is Kind.DIRECTORY]
    is_file = bool(copy.step.instruction.heredocs) or copy.is_download
    may_be_tree = copy.may_bring_tree
    there = [one for one in found if one.kind is Kind.ANY and may_be_tree]
    arrived = [content._replace(kind=Kind.FILE) if is_file else content]
    if may_be_tree and directory.mode != content.mode:
        arrived.append(content._replace(mode=directory.mode))
    tree.set(at, (*there, *arrived, *covered))


def _known(owner: Id) -> Id:
    return 0 if owner == ARCHIVED else owner


def _content(copy: Copy, owner: tuple[Id, Id] | None, mode: Mode | None, origin: Origin) -> Node:
    """The node for copied content that has not been read: world-readable, except a download."""
    bits = _DOWNLOADED if copy.is_download else _WRITTEN if copy.step.instruction.heredocs else 0o755
    bits = mode(bits, is_directory=False) if mode else bits
    uid, gid = owner or ((ARCHIVED, ARCHIVED) if _unpacks(copy) else (0, 0))
    return Node(Kind.ANY, uid, gid, bits, origin)


def _unpacks(copy: Copy) -> bool:
    return copy.step.keyword == "ADD" and not copy.is_download and any(map(_ARCHIVE.search, copy.sources))


def _landed(copy: Copy) -> Iterator[str]:
    """The paths that the copy writes; an archive is unpacked into the destination directory."""
    for path in dict.fromkeys(copy.landed()):
        if not (_unpacks(copy) and _ARCHIVE.search(path)):
            yield path
    if _unpacks(copy):
        yield f"{copy.destination.rstrip('/')}/*"


def _patterns(copy: Copy) -> tuple[str, ...]:
    """The patterns for the names of the files that a copy creates, () if it creates anything else."""
    names = [posixpath.basename(posixpath.normpath(source)) for source in copy.sources]
    is_flat = not _unpacks(copy) and all(re.search(r"\.\w+$", name) for name in names)
    return tuple(names) if is_flat and any("*" in name for name in names) else ()


def _cover(tree: FileTree, top: str, content: Node, directory: Node, patterns: tuple[str, ...] = ()) -> None:
    """Copy a tree over a directory, or with `patterns` files of such names into it.

    Its contents may take the copy's owner and mode, but not the directory itself.
    """
    tree.fill(top, content, flat=bool(patterns))
    for path in tree.below(top):
        above, name = posixpath.split(path)
        if patterns and not (above == top and any(fnmatchcase(name, one) for one in patterns)):
            continue
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
    """Copy the known nodes of another stage's tree.

    Owners and modes carry over unless the copy sets its own.
    """

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
                tree.set(moved(path, top, at), found, weak=len(found) < len(source.look(path)))
