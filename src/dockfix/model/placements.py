"""Where cp, mv, install and ln put files that stand elsewhere in the image."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

from dockfix.model.operations import Act, How, Operation
from dockfix.model.paths import is_within, resolve
from dockfix.model.runs import Invocation

_GLOB: Final = re.compile(r"[*?\[]")
_PLACES: Final = re.compile(r"\b(?:cp|mv|install|ln)\b")


class Placement(NamedTuple):
    """A file or tree at the absolute path `source`, which may be a pattern, that is at `destination` too."""

    source: str
    destination: str

    def source_of(self, path: str) -> str | None:
        """The path that `path` was taken from, None if this placement does not provide it."""
        if "*" in self.destination:
            return self._renamed(path)
        if not is_within(path, self.destination) or self.destination == "/":
            return None
        inside = path[len(self.destination) :].lstrip("/")
        directory, pattern = posixpath.split(self.source)
        if not _GLOB.search(pattern):
            return posixpath.join(self.source, inside) if inside else self.source
        first = inside.partition("/")[0]
        return posixpath.join(directory, inside) if first and fnmatchcase(first, pattern) else None

    def _renamed(self, path: str) -> str | None:
        """The same where both are patterns (`cp "$file" "/usr/local/bin/${file##*/}"` in a loop)."""
        before, _, after = self.destination.partition("*")
        stem = path[len(before) : len(path) - len(after)]
        is_one = path == before + stem + after and stem and "/" not in stem
        return self.source.replace("*", stem, 1) if is_one else None


def may_place(text: str) -> bool:
    """Whether a script may run any of these commands."""
    return _PLACES.search(text) is not None


def find_placements(commands: Iterable[Invocation], home: str) -> Iterator[Placement]:
    """All placements of commands in their order; `home` is that of the user that runs them.

    A destination may be a directory to put things into, or the new name: both are found.
    """
    for one in commands:
        for operation in one.effect(home).operations:
            for source, destination in _placed(operation):
                if source != destination and not _GLOB.search(posixpath.dirname(source)):
                    yield Placement(source, destination)


def _placed(operation: Operation) -> Iterator[tuple[str, str]]:
    if operation.act is Act.LINK and How.ONE_BY_ONE not in operation.how:
        yield resolve(operation.spec, posixpath.dirname(operation.path)), operation.path
    elif operation.act in (Act.COPY, Act.MOVE):
        source, target = operation.path, operation.spec.rstrip("/") or "/"
        into = posixpath.join(target, posixpath.basename(source))
        is_pattern = _GLOB.search(source) is not None
        if is_pattern or How.CONTENTS in operation.how or not operation.spec.endswith("/"):
            yield source, target
        if not (is_pattern or {How.CONTENTS, How.AS_NAMED} & operation.how):
            yield source, into
