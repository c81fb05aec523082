"""Find the build context of a Dockerfile: one that a caller names, or the nearest folder with its sources."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Final

from dockfix.context import Context, ContextSource
from dockfix.evidence.image_files import find_copied, ignore_rules, read_layout
from dockfix.evidence.python.start import StartReader
from dockfix.files.build_context import FolderReader, read_beside
from dockfix.files.descriptors import is_within
from dockfix.files.naming import is_dockerfile_name, is_template_name
from dockfix.lazy import cached_property
from dockfix.syntax.parser import parse
from dockfix.syntax.tree import Dockerfile

_GLOB: Final = re.compile(r"[*?\[]")
_SETTINGS: Final = re.compile(r"\.env(?:\.[\w-]+)*")
_MOST_FOLDERS: Final = 64
"""The maximum depth of a Dockerfile below its context."""


def describe_found(
    path: str,
    text: str,
    folders: Sequence[str],
    real: str,
    root: str,
    *,
    alone: bool = False,
    open_callers: tuple[str, ...] = (),
) -> Context:
    """The context of the Dockerfile at `path` with that text, chosen from the folders where it may be built.

    `folders` are the contexts that callers name; `real` is the real path of the file's own folder.
    Folders above `root` (absolute, without links) are not considered. A file that is `alone` does not
    belong to a repository, so the sources that are missing next to it may be anywhere. `open_callers` build
    it from a folder that nobody knows before the build.
    """
    beside = os.path.dirname(path) or os.curdir
    siblings, own = read_beside(beside, real, root)
    readers = (FolderReader(folder, root) for folder in folders)
    named = [one for one in readers if one.names("")]
    search = _Search(text, os.path.join(real, os.path.basename(path)))
    above = (own,) if alone or root == os.sep else tuple(_climb(own, real, root))
    chosen, missing = _choose(search, named, above)
    first = chosen[0]
    first.tried = tuple(one for one in (*named, *above) if one is not first)
    is_undecided = bool(open_callers) and not named and not search.decides(first)
    context = Context(
        path.replace(os.sep, "/"), siblings, missing=missing, is_alone=alone,
        open_callers=open_callers, is_undecided=is_undecided,
    )  # fmt: skip
    read = [
        replace(context, read=one, names=one.names, file=search.inside(one), closed=one.closed)
        for one in chosen
    ]
    return replace(read[0], also=tuple(read[1:]))


def _choose(
    search: _Search, named: Sequence[FolderReader], folders: Sequence[FolderReader]
) -> tuple[Sequence[FolderReader], tuple[ContextSource, ...]]:
    """(folders to read, best first, sources that none of them has).

    Contexts that callers name come first if they have all sources; if none does, a folder above the
    Dockerfile that has them is better. The sources of a context that a caller names do not count as
    missing: they may be created before the build.
    """
    if not search.copies:
        return folders[:1], ()
    if fitting := [one for one in named if search.fits(one)]:
        return fitting, ()
    if found := search.choose(folders):
        return [found], ()
    if named:
        return named[:1], ()
    is_known = any(map(_holds_files, folders))
    return folders[:1], search.missing(folders) if is_known else ()


def _climb(own: FolderReader, folder: str, root: str) -> Iterator[FolderReader]:
    """A reader for each folder from the Dockerfile's own up to the root of the repository."""
    yield own
    for _ in range(_MOST_FOLDERS):
        above = os.path.dirname(folder)
        if folder in (root, above) or not is_within(above, root):
            return
        folder = above
        yield FolderReader(folder, root)


@dataclass
class _Search:
    """The sources that a Dockerfile takes from its context, looked up in one folder after another."""

    text: str
    file: str

    @cached_property
    def tree(self) -> Dockerfile:
        return parse(self.text)

    @cached_property
    def copies(self) -> tuple[ContextSource, ...]:
        return tuple(find_copied(self.tree))

    @cached_property
    def copied(self) -> tuple[ContextSource, ...]:
        """Those that a repository has; files of settings are kept out of it, and hold no code."""
        named = (one for one in self.copies if one.path != ".")
        return tuple(one for one in named if not _SETTINGS.fullmatch(posixpath.basename(one.path)))

    @cached_property
    def plain(self) -> tuple[ContextSource, ...]:
        return tuple(one for one in self.copied if not _GLOB.search(one.path))

    def fits(self, folder: FolderReader) -> bool:
        """Whether a folder has all sources copied by name or, if there are none, what the image starts."""
        return all(map(self._holds(folder), self.plain)) if self.copied else self._starts_from(folder)

    def choose(self, folders: Sequence[FolderReader]) -> FolderReader | None:
        """The nearest folder that fits; a pattern may match nothing if all plain sources exist."""
        if not self.copied:
            return next(filter(self._starts_from, folders), None)
        for wanted in (self.copied, self.plain):
            for folder in folders if wanted else ():
                if all(map(self._holds(folder), wanted)):
                    return folder
        return None

    def decides(self, folder: FolderReader) -> bool:
        """Whether a folder is known by something that it holds: a copied source, or what the image starts."""
        if self.copied or not self.copies:
            return True
        return self._holds_start(folder) is True

    def missing(self, folders: Sequence[FolderReader]) -> tuple[ContextSource, ...]:
        """The sources that no folder has or, if there are none, those not in the Dockerfile's own folder."""
        holding = [self._holds(folder) for folder in folders]
        nowhere = [one for one in self.copied if not any(holds(one) for holds in holding)]
        return tuple(nowhere or [one for one in self.copied if not holding[0](one)])

    def _holds(self, folder: FolderReader) -> Callable[[ContextSource], bool]:
        ignores = ignore_rules(folder, self.inside(folder))
        return lambda one: _exists(folder, one.path, ignores)

    def inside(self, folder: FolderReader) -> str:
        """The Dockerfile's path in a context, or its name if it is elsewhere."""
        start = os.path.realpath(folder.folder)
        if not is_within(self.file, start):
            return os.path.basename(self.file)
        return os.path.relpath(self.file, start).replace(os.sep, "/")

    def _starts_from(self, folder: FolderReader) -> bool:
        """Whether a folder has a file that the start names, or the start names none."""
        return self._holds_start(folder) is not False

    def _holds_start(self, folder: FolderReader) -> bool | None:
        """Whether a folder has a file that the start names, None if that names none."""
        layout = read_layout(self.tree, folder, folder.names, self.inside(folder))
        start = StartReader(layout, "").read()
        modules = [name.replace(".", "/") for name in start.modules]
        paths = [posixpath.join(root, name) for root in start.roots for name in modules]
        files = [*start.files, *start.unread, *(f"{path}.py" for path in paths)]
        places = [posixpath.normpath(posixpath.join(layout.workdir, path)) for path in files]
        if not any(layout.sources_of(place) for place in places):
            return None
        return any(map(layout.source_of, places)) or any(
            layout.exists(f"{source}/") for path in paths for source in layout.sources_of(path)
        )


def _exists(folder: FolderReader, source: str, ignores: Callable[[str], bool]) -> bool:
    """Whether a folder has a file or folder with that name, or matching that pattern, that is not ignored."""
    places = [""]
    for part in source.split("/"):
        places = [path for place in places for path in _matches(folder, place, part)]
    return any(_is_sent(folder, path, ignores, _MOST_FOLDERS) for path in places)


def _is_sent(folder: FolderReader, path: str, ignores: Callable[[str], bool], depth: int) -> bool:
    """Whether a path, or anything below it, belongs to the context."""
    if not ignores(path):
        return True
    inner = folder.names(path) if path.endswith("/") and depth else ()
    return any(_is_sent(folder, f"{path}{name}", ignores, depth - 1) for name in sorted(inner))


def _matches(folder: FolderReader, place: str, part: str) -> Iterable[str]:
    """The paths in a folder of the context with that name or pattern; those of folders end in a slash."""
    if place and not place.endswith("/"):
        return ()
    names = folder.names(place)
    if not _GLOB.search(part):
        return [f"{place}{name}" for name in (part, f"{part}/") if name in names]
    return [f"{place}{name}" for name in sorted(names) if fnmatchcase(name.rstrip("/"), part)]


def _holds_files(folder: FolderReader) -> bool:
    """Whether a folder contains anything but Dockerfiles, judging by its first few subfolders."""
    waiting = [""]
    for _ in range(_MOST_FOLDERS):
        if not waiting:
            return False
        place = waiting.pop(0)
        names = folder.names(place)
        if any(map(_is_other, names)):
            return True
        waiting += sorted(f"{place}{name}" for name in names if name.endswith("/") and name[0] != ".")
    return True


def _is_other(name: str) -> bool:
    if name.startswith(".") or name.endswith(("/", "Dockerfile")):
        return False
    return not (is_dockerfile_name(name) or is_template_name(name))
