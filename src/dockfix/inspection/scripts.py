"""Which start scripts an image brings, and their texts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from typing import Final

from dockfix.image_facts import ImageFacts
from dockfix.inspection.content import search_path
from dockfix.inspection.listing import Listing
from dockfix.model.paths import on_path, resolve

MAX_SCRIPTS: Final = 8
MAX_READ: Final = 16
_MAX_SIZE: Final = 64 * 1024
_WORD: Final = re.compile(r"[\w./-]+")
_SUFFIXES: Final = (".sh", ".bash")
_ENTRYPOINT: Final = re.compile(r"entry-?point")


def read_scripts(
    listing: Listing, facts: ImageFacts, read: Callable[[str], str | None]
) -> Iterator[tuple[str, str]]:
    """(path as named, text) of the scripts that the image starts, and of those that they name.

    `read` returns the text of the file at a path without links, None if it is not a text.
    """
    waiting = [path for word in facts.start for path in _places(listing, facts, word)]
    seen: set[str] = set()
    count = reads = 0
    while waiting and count < MAX_SCRIPTS and reads < MAX_READ:
        path = waiting.pop(0)
        real = listing.resolve(path)
        if path in seen or real is None:
            continue
        seen.add(path)
        reads += 1
        text = read(real)
        if text is None or not is_script(path, text):
            continue
        count += 1
        yield path, text
        named = filter(_may_be_script, _WORD.findall(text))
        waiting += [place for name in named for place in _places(listing, facts, name)]


def _may_be_script(name: str) -> bool:
    return name.endswith(_SUFFIXES) or _ENTRYPOINT.search(posixpath.basename(name)) is not None


def _places(listing: Listing, facts: ImageFacts, word: str) -> Iterator[str]:
    """The path of the file that a word of a command line names, if it is in the image."""
    if not re.fullmatch(r"[\w./+-]+", word) or word.startswith("-"):
        return
    places = (resolve(word, facts.workdir or "/"),) if "/" in word else on_path(word, search_path(facts))
    for place in places:
        entry = listing.find(place)
        if entry is not None and entry.kind == "file":
            yield place
            return


def is_script(path: str, text: str) -> bool:
    """Whether a file is a script of a shell: by its first line, or by its name if that says nothing."""
    if len(text) >= _MAX_SIZE or "\ufffd" in text[:1024]:
        return False
    if text.startswith("#!"):
        return bool(re.match(r"#!.*sh\b", text))
    return path.endswith(_SUFFIXES)
