"""Searches of earlier runs, valid as long as no folder and no git ignore rule has changed."""

from __future__ import annotations

import marshal
import os
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from dockfix.checks import codes
from dockfix.config import bare_folders, is_bare
from dockfix.files.cache import Cache
from dockfix.files.candidates import Build, Candidate
from dockfix.files.git import find_top
from dockfix.files.patterns import NEVER, Selection
from dockfix.files.stamps import Mark, settled, stamp
from dockfix.results import Finding

if TYPE_CHECKING:
    from dockfix.files.git import NewFolders

MOST_NEW: Final = 5_000
"""A search is not cached if there are more untracked folders than this."""


def recall_search(cache: Cache, folder: str, real: str, selection: Selection) -> list[Candidate] | None:
    """The result of the same search before, if it would be the same again; None if that is unknown.

    `folder` is as the user named it; `real` is the same, absolute and without links.
    """
    known = cache.walks.get(_key(folder, real, selection))
    if known is None or not cache.stamps.hold(known[0]):
        return None
    bare_folders.update(known[2])
    if selection.repositories is not None:
        selection.repositories.extend((root, dict(glances)) for root, glances in known[3])
    selection.searches.append(known[4])
    start, root = real + os.sep, find_top(real) or real
    return [
        Candidate(row, start + row, root=root) if type(row) is str else _unpack(row, root) for row in known[1]
    ]


def remember_search(
    cache: Cache, folder: str, real: str, selection: Selection, candidates: Sequence[Candidate], seen: Seen
) -> None:
    """Cache the result of a search, unless something in it is too new.

    Searches with links or unreadable files are not cached: their targets have no stamps here.
    """
    if selection.embedded:
        return
    marks = seen.marks()
    if marks is not None:
        cache.walks.pop(key := _key(folder, real, selection), None)
        folders = {os.path.dirname(one.real) for one in candidates if one.refusal is None}
        listed = {os.path.join(seen.real, name) if name else seen.real for name in seen.folders}
        bare = tuple(folder for folder in sorted(folders & listed) if is_bare(folder))
        manifests = tuple((root, tuple(glances.items())) for root, glances in selection.repositories or ())
        packed = tuple(_pack(one, real + os.sep) for one in candidates)
        digest = blake2b(marshal.dumps((key, marks, packed, manifests)), digest_size=16).digest()
        cache.walks[key] = cache.share_all(marks), packed, bare, manifests, digest
        selection.searches.append(digest)
        cache.stale = True


@dataclass(frozen=True, slots=True)
class Seen:
    """What a search of the folder `real` that began at `start` depends on.

    `folders` are those that contain files, relative to `real`, and `new` those that git does not track;
    `files` are the absolute paths of other files that were read.
    """

    real: str
    start: int
    folders: set[str]
    files: list[str]
    new: NewFolders

    def marks(self) -> tuple[Mark, ...] | None:
        """The marks of all of it, None if they are not available."""
        from dockfix.files.git import GitError, list_rules

        places = [os.path.join(self.real, name) if name else self.real for name in self.folders]
        try:
            for name in self.new.names():
                places += _folders_below(os.path.join(self.real, name))
                if len(places) > len(self.folders) + MOST_NEW:
                    return None
            places += list_rules(self.real)
        except GitError:
            return None
        # Ignore files that ignore themselves are not listed.
        rules = (os.path.join(place, ".gitignore") for place in places)
        places += [rule for rule in rules if os.path.exists(rule)]
        marks = []
        for place in dict.fromkeys([*places, *self.files]):
            found = settled(stamp(place), self.start)
            if found is None:
                return None
            marks.append((place, found))
        return tuple(marks)


def _folders_below(folder: str) -> Iterator[str]:
    for inner, folders, _ in os.walk(folder):
        folders[:] = [name for name in folders if name not in NEVER]
        yield inner


def _key(folder: str, real: str, selection: Selection) -> bytes:
    """What a search depends on besides the files: paths, patterns, and where git finds its rules."""
    names = sorted(name for name in os.environ if name.startswith("GIT_"))
    rows = [os.environ.get(name) for name in (*names, "HOME", "XDG_CONFIG_HOME", "PATH")]
    asked = replace(selection, repositories=None, searches=[]), selection.repositories is None
    return repr((os.getcwd(), folder, real, asked, names, rows)).encode("utf-8", "surrogatepass")


def _pack(one: Candidate, start: str) -> tuple[Any, ...] | str:
    if one == (plain := Candidate(one.path, start + one.path, root=one.root)):
        return plain.path
    refusal = None if one.refusal is None else astuple(one.refusal)
    return one.path, one.real, refusal, tuple(map(astuple, one.builds)), one.folders, one.outside


def _unpack(row: tuple[Any, ...], root: str) -> Candidate:
    path, real, refusal, builds, folders, outside = row
    finding = None if refusal is None else Finding(codes.named(refusal[0]), *refusal[1:])
    made = tuple(Build(*build) for build in builds)
    return Candidate(path, real, finding, builds=made, folders=folders, outside=outside, root=root)
