"""The texts of an image's files, as far as the repository and the Dockerfile contain them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

from dockfix.context import Context
from dockfix.lazy import cached_property
from dockfix.model.copies import Copy, find_copies
from dockfix.model.inherited import find_brought_scripts
from dockfix.model.lineage import Lineage, trace
from dockfix.model.paths import is_within, resolve
from dockfix.model.placements import Placement, find_placements, may_place
from dockfix.model.runs import read_run
from dockfix.model.scripts import MAX_DEPTH
from dockfix.model.written import find_written_files

GLOB: Final = re.compile(r"[*?[]")


@dataclass(eq=False)
class ImageTexts:
    """Reads files of the image that a lineage makes, and of the stages from which it copies."""

    lineage: Lineage
    copies: tuple[Copy, ...]
    context: Context
    depth: int = 0
    _stages: dict[int, ImageTexts] = field(default_factory=dict)
    _known: dict[str, str | None] = field(default_factory=dict)

    def read(self, path: str) -> str | None:
        """The text of a file of the image: of the build context, a heredoc, a RUN, or an inspected base."""
        if path not in self._known:
            self._known[path] = self._read(path, self.depth)
        return self._known[path]

    def _read(self, path: str, depth: int) -> str | None:
        text = self._read_copied(path)
        if text is None:
            text = self._written_files.get(path) or self.brought.get(path)
        if text is not None or depth >= MAX_DEPTH:
            return text
        sources = (one.source_of(path) for one in reversed(self._placements))
        found = (self._read(source, depth + 1) for source in sources if source is not None)
        return next((text for text in found if text is not None), None)

    def _read_copied(self, path: str) -> str | None:
        for copy in reversed(self.copies):
            if copy.step.instruction.heredocs:
                body = next((text for at, text in copy.documents() if at == path), None)
                if body is not None:
                    return body
            elif (source := find_source(copy, path)) is not None:
                return self._read_context(source) if copy.stage is None else self._read_stage(copy, source)
        return None

    def find(self, pattern: str) -> tuple[str, ...]:
        """The absolute paths of files that can be read and that match a pattern for the last component."""
        folder, last = posixpath.split(pattern)
        names: set[str] = {posixpath.basename(path) for path in self._written_files}
        for copy in self.copies if not GLOB.search(folder) else ():
            names.update(map(posixpath.basename, copy.sources))
            source = find_source(copy, posixpath.join(folder, "-")) if copy.stage is None else None
            if source is not None and self.context.names is not None:
                names |= self.context.names(posixpath.dirname(source))
        found = [posixpath.join(folder, name) for name in sorted(names) if fnmatchcase(name, last)]
        return tuple(path for path in found if path[-1] != "/" and self.read(path) is not None)

    def lacks(self, path: str) -> bool:
        """Whether a file would come from the build context, which does not have it, and no RUN names it."""
        name, names = posixpath.basename(path), self.context.names
        copies = [one for one in self.copies if one.stage is None and is_within(path, one.destination)]
        if (
            names is None
            or not copies
            or any(name in step.instruction.args for step in self.lineage.of("RUN"))
        ):
            return False
        sources = [source for one in copies if (source := find_source(one, path)) is not None]
        return not any(posixpath.basename(one) in names(posixpath.dirname(one)) for one in sources)

    def _read_context(self, source: str) -> str | None:
        """The text of a file of the build context; a pattern for its folder stands for each that matches."""
        folder, name = posixpath.split(source)
        folders = find_folders(folder, self.context.names)
        texts = map(self.context.read, [posixpath.join(one, name) for one in folders] or [source])
        return next((text for text in texts if text is not None), None)

    def _read_stage(self, copy: Copy, source: str) -> str | None:
        """The text of a file that is copied from an earlier stage; None if it comes from another image."""
        name = (copy.stage or "").lower()
        stage = next((one for one in copy.step.stage.earlier if name in one.names()), None)
        if stage is None or self.depth >= MAX_DEPTH:
            return None
        if stage.index not in self._stages:
            lineage = trace(stage)
            copies = find_copies(lineage)
            self._stages[stage.index] = ImageTexts(lineage, copies, self.context, self.depth + 1)
        return self._stages[stage.index].read(posixpath.normpath(posixpath.join("/", source)))

    @cached_property
    def brought(self) -> dict[str, str]:
        """The texts of the scripts that an inspected base brings, by absolute path."""
        return find_brought_scripts(self.lineage)

    @cached_property
    def _placements(self) -> tuple[Placement, ...]:
        runs = [
            read_run(step, "/root") for step in self.lineage.of("RUN") if may_place(step.instruction.args)
        ]
        return tuple(one for run in runs for one in find_placements(run.invocations, "/root"))

    @cached_property
    def _written_files(self) -> dict[str, str]:
        return find_written_files(self.lineage)


def find_folders(pattern: str, names: Callable[[str], AbstractSet[str]] | None) -> tuple[str, ...]:
    """The folders of the build context that match a pattern, which COPY copies by their contents.

    `names` lists a folder, if the context is known.
    """
    if names is None or not GLOB.search(pattern):
        return ()
    found = [""]
    for part in pattern.strip("/").split("/"):
        if GLOB.search(part):
            inner = (
                (above, one.removesuffix("/"))
                for above in found
                for one in sorted(names(above))
                if one[-1:] == "/"
            )
            found = [posixpath.join(above, one) for above, one in inner if fnmatchcase(one, part)]
        else:
            found = [posixpath.join(above, part) for above in found]
    return tuple(found)


def find_brought_folders(copy: Copy, names: Callable[[str], AbstractSet[str]] | None) -> tuple[str, ...]:
    """The directories that a copy with `--chmod` makes in its destination; others have modes of their own.

    `names` is as above.
    """
    if names is None or copy.stage is not None or copy.step.instruction.flag("chmod") is None:
        return ()
    sources = (posixpath.normpath(source).strip("/") for source in copy.sources if "://" not in source)
    found = (top for source in sources for top in find_folders(source, names) or (source,))
    inside = (name for top in found for name in names("" if top == "." else top) if name[-1:] == "/")
    return tuple(resolve(name, copy.destination) for name in sorted({*inside}))


def find_source(copy: Copy, path: str) -> str | None:
    """The path in its source from which a copy takes the file that lands at `path`, or None."""
    destination = copy.destination
    if not is_within(path, destination):
        return None
    if path == destination:
        return copy.sources[0] if len(copy.sources) == 1 else None
    rest = path[len(destination.rstrip("/")) + 1 :]
    for source in copy.sources:
        plain = posixpath.normpath(source)
        if fnmatchcase(rest, posixpath.basename(plain)) and plain != ".":
            return posixpath.join(posixpath.dirname(plain), rest).lstrip("/")
    trees = [posixpath.normpath(source).lstrip("/") for source in copy.sources]
    for tree in trees:
        candidate = posixpath.normpath(posixpath.join(tree, rest))
        if tree in (".", "") or "." not in posixpath.basename(tree):
            return candidate
    return None
