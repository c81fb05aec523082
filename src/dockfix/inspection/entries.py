"""Which paths of an image are recorded, and what is there."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import Final

from dockfix.config.facts_keys import ABSENT, KEYS, MAX_ID, MAX_ITEMS
from dockfix.image_facts import Entry
from dockfix.inspection.listing import Listing, is_given
from dockfix.knowledge import read_table
from dockfix.model.paths import is_system_directory, resolve

LISTED: Final = ("/", "/home", "/opt", "/srv")
"""The directories that are always listed, unless they hold too much."""
MAX_LISTED: Final = 64
PRINTED: Final = re.compile(r"[\x20-\x7e]+")
_USUAL: Final = Entry("directory", 0o755)


def find_entries(listing: Listing, wanted: Iterable[str]) -> dict[str, Entry]:
    """What is at the wanted paths, in the directories above them, and at unusual places of the system.

    A wanted directory that is not the system's is listed completely, so that it is known what is missing.
    """
    paths = [resolve(path, "/") for path in wanted]
    own = [path for path in paths if not is_system_directory(path)]
    found: dict[str, Entry] = {}
    for directory, inside in _children(listing, {*LISTED, *own}).items():
        if len(found) + len(inside) < MAX_ITEMS // 2 and _fits(listing, inside):
            found |= {path: listing.entries[path] for path in inside if path not in found}
            found[directory] = replace(_at(listing, directory), is_listed=True)
    table = read_table("directories")
    for path in (way for one in (*paths, *LISTED, *table["closed"]) for way in _with_parents(one)):
        found.setdefault(path, _at(listing, path))
    found |= {
        path: entry for path in table["base"] if (entry := _at(listing, path)) != _USUAL and path not in found
    }
    fit = (path for path in sorted(found) if not is_given(path) and _is_fit(path, found[path]))
    return {path: found[path] for path in list(fit)[:MAX_ITEMS]}


def _at(listing: Listing, path: str) -> Entry:
    missing = _USUAL if path == "/" else Entry(ABSENT)
    return listing.entries.get(path, missing)


def _children(listing: Listing, directories: Collection[str]) -> dict[str, list[str]]:
    """The paths of the entries of those of the directories that exist, both sorted."""
    kinds = {path: _at(listing, path).kind for path in directories}
    found: dict[str, list[str]] = {path: [] for path in sorted(kinds) if kinds[path] == "directory"}
    for path in sorted(listing.entries):
        above = posixpath.dirname(path)
        if above in found and path != "/":
            found[above].append(path)
    return found


def _fits(listing: Listing, paths: Collection[str]) -> bool:
    return len(paths) <= MAX_LISTED and all(_is_fit(path, listing.entries[path]) for path in paths)


def _is_fit(path: str, entry: Entry) -> bool:
    """Whether an entry has a name, a target and owners that can be recorded."""
    try:
        KEYS["volumes"].form.read([path])
    except ValueError:
        return False
    texts = (path, entry.target or "-")
    return max(entry.uid, entry.gid) <= MAX_ID and all(map(PRINTED.fullmatch, texts))


def _with_parents(path: str) -> Iterator[str]:
    while path != "/":
        yield path
        path = posixpath.dirname(path)
