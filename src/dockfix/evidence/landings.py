"""What a COPY puts where in the image, and which of many copies provides a path."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

GLOB: Final = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Landing:
    """One source of a COPY: `source` in the build context is copied to `destination` in the image.

    For a heredoc, `source` is its absolute path in the image. A tree includes everything below it,
    otherwise it is one file. `stage` is the stage that it comes from (the same one, if a RUN moves it), ""
    for the build context.
    """

    source: str
    destination: str
    is_tree: bool
    stage: str = ""

    def source_of(self, path: str) -> str | None:
        """The source of the image's `path`, None if this copy does not provide it."""
        if not self.is_tree:
            return self.source if path == self.destination else None
        inside = _below(path, self.destination)
        if inside is None:
            # Nobody knows whether what another stage holds at a path is a file or a tree.
            return self.source if self.stage and path == self.destination else None
        if GLOB.search(self.source):
            return _matched(self.source, inside)
        return posixpath.normpath(posixpath.join(self.source, inside)) if inside else None


def _below(path: str, directory: str) -> str | None:
    if directory == "/":
        return path.lstrip("/")
    return path[len(directory) + 1 :] if path.startswith(directory + "/") else None


def _matched(pattern: str, name: str) -> str | None:
    """The source that matches `pattern` and becomes `name`; only file names are matched, not trees."""
    source = posixpath.join(posixpath.dirname(pattern), name)
    return source if fnmatchcase(name, posixpath.basename(pattern).replace("[", "[[]")) else None


class LandingIndex:
    """Copies of one stage by destination: of hundreds, a path asks those that go to it or above it."""

    def __init__(self, landings: Sequence[Landing]) -> None:
        self.count = len(landings)
        self._at: dict[str, list[tuple[int, Landing]]] = {}
        self._above: set[str] = set()
        for number, one in enumerate(landings):
            self._at.setdefault(one.destination, []).append((number, one))
            self._above.update(_upwards(one.destination))

    def providing(self, path: str) -> Iterator[Landing]:
        """The copies that may provide a path, the last one first."""
        found = [one for place in _upwards(path) for one in self._at.get(place, ())]
        return (landing for _, landing in sorted(found, key=lambda one: -one[0]))

    def reaches(self, path: str) -> bool:
        """Whether a copy goes to a path or below it."""
        return path in self._above


def _upwards(path: str) -> Iterator[str]:
    """A path and all that contain it, the root as `/`."""
    while path.rstrip("/"):
        yield path
        path = path.rpartition("/")[0]
    yield "/"
