"""What the files of an image show: accounts, distribution, commands, Pythons, and who owns which path."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Final

from dockfix.config.facts_keys import MAX_ID, MAX_ITEMS
from dockfix.image_facts import Content, Group, ImageFacts, Interpreter, Login
from dockfix.inspection.entries import PRINTED, find_entries
from dockfix.inspection.listing import Listing
from dockfix.knowledge import read_names
from dockfix.model.lineage import DEFAULT_PATH
from dockfix.model.paths import on_path

OS_RELEASE: Final = ("/etc/os-release", "/usr/lib/os-release")
PASSWD: Final = "/etc/passwd"
GROUP: Final = "/etc/group"
WANTED: Final = frozenset({*OS_RELEASE, PASSWD, GROUP})
_FIRST_PERSON: Final = 1000
_LAST_PERSON: Final = 65532
_PYTHON: Final = re.compile(r"(/(?:.*/)?)bin/python(\d\.\d{1,3})")
_PIP: Final = re.compile(
    r"(/(?:.*/)?)lib(?:64)?/python(\d(?:\.\d{1,3})?)/(?:site|dist)-packages/pip-(\d[\w.]*?)(?:-py[\d.]+)?\.(?:dist|egg)-info"
)


def read_content(listing: Listing, facts: ImageFacts, paths: Iterable[str]) -> Content:
    """The content of an image with that configuration, as far as it matters to files that touch `paths`."""
    release = _read_release(listing)
    accounts = tuple(_read_accounts(listing.text(PASSWD)))[:MAX_ITEMS]
    commands = find_commands(listing, facts)
    homes = (one.home for one in accounts if _is_person(one) or one.name == facts.user.partition(":")[0])
    wanted = (*paths, *homes, *facts.volumes, facts.workdir or "/")
    return Content(
        release.get("ID", ""),
        release.get("VERSION_ID", ""),
        release.get("VERSION_CODENAME", ""),
        tuple(release.get("ID_LIKE", "").split()),
        accounts,
        tuple(_read_groups(listing.text(GROUP)))[:MAX_ITEMS],
        commands,
        tuple(_find_pythons(listing, commands)),
        find_entries(listing, wanted),
    )


def _is_person(one: Login) -> bool:
    return _FIRST_PERSON <= one.uid <= _LAST_PERSON


# -- tables of the system ------------------------------------------------------------------------------


def _read_release(listing: Listing) -> dict[str, str]:
    """The assignments of os-release (os-release(5))."""
    text = next(filter(None, map(listing.text, OS_RELEASE)), "")
    pairs = (line.partition("=") for line in text.splitlines()[:MAX_ITEMS] if "=" in line)
    found = {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}
    return {key: value for key, value in found.items() if PRINTED.fullmatch(value) and len(value) < 100}


def _read_accounts(text: str) -> Iterator[Login]:
    for row in _rows(text, 7):
        name, _, uid, gid, _, home, shell = row
        if name and _is_number(uid) and _is_number(gid):
            yield Login(name, int(uid), int(gid), home, shell)


def _read_groups(text: str) -> Iterator[Group]:
    for row in _rows(text, 4):
        name, _, gid, members = row
        if name and _is_number(gid):
            yield Group(name, int(gid), tuple(filter(None, members.split(","))))


def _rows(text: str, count: int) -> Iterator[list[str]]:
    """The rows of a table with fields between colons; malformed ones are left out, as the C library does."""
    rows = (line.split(":") for line in text.splitlines() if PRINTED.fullmatch(line))
    return (row for row in rows if len(row) == count)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= MAX_ID


# -- programs ------------------------------------------------------------------------------------------


def search_path(facts: ImageFacts) -> str:
    """The PATH of the image, with the system's directories, where root finds the account commands."""
    return f"{facts.env.get('PATH') or DEFAULT_PATH}:{DEFAULT_PATH}"


def find_commands(listing: Listing, facts: ImageFacts) -> dict[str, str]:
    """The commands of the table that are on PATH, with the paths to which their links lead."""
    found: dict[str, str] = {}
    for name in sorted(read_names("bases", "inspected", "commands")):
        for path in on_path(name, search_path(facts)):
            if (real := listing.resolve(path)) is not None and listing.entries[real].kind == "file":
                found[name] = path if _is_in_venv(listing, path) else real
                break
    return found


def _is_in_venv(listing: Listing, path: str) -> bool:
    return listing.find(posixpath.join(_prefix(path), "pyvenv.cfg")) is not None


def _prefix(path: str) -> str:
    """The directory above the one that contains a program."""
    return posixpath.dirname(posixpath.dirname(path))


def _find_pythons(listing: Listing, commands: dict[str, str]) -> Iterator[Interpreter]:
    """The Pythons in directories named bin, and virtual environments that come first on PATH."""
    pips = dict(_find_pips(listing))
    for path, entry in sorted(listing.entries.items()):
        if (
            (match := _PYTHON.fullmatch(path)) is not None
            and entry.kind == "file"
            and PRINTED.fullmatch(path)
        ):
            yield _describe_python(listing, path, match[1], match[2], pips)
    first = commands.get("python3") or commands.get("python")
    if first is not None and _is_in_venv(listing, first):
        yield Interpreter(first, "venv")


def _describe_python(
    listing: Listing, path: str, prefix: str, version: str, pips: dict[tuple[str, str], str]
) -> Interpreter:
    marker = f"{prefix}lib/python{version}/EXTERNALLY-MANAGED"
    pip = pips.get((prefix, version)) or pips.get((prefix, version.partition(".")[0]), "")
    return Interpreter(path, _owner(listing, prefix), version, pip, listing.find(marker) is not None)


def _owner(listing: Listing, prefix: str) -> str:
    if f"{prefix}pyvenv.cfg" in listing.entries:
        return "venv"
    if f"{prefix}conda-meta" in listing.entries:
        return "conda"
    return "system" if prefix == "/usr/" else "image"


def _find_pips(listing: Listing) -> Iterator[tuple[tuple[str, str], str]]:
    """((prefix, version of Python), version of pip) of the installed pips."""
    for path in listing.entries:
        if "-packages/pip-" in path and (match := _PIP.fullmatch(path)) is not None:
            yield (match[1], match[2]), match[3]
