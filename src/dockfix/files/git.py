"""Queries to git about a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property

from dockfix.files.git_command import GitError, Running, ask, find_top

__all__ = ["GitError", "find_top"]

_SUBMODULE = b"160000"
_NEW = ("ls-files", "-z", "--others", "--exclude-standard")
_CLOSED = re.compile(r"^(?:warning: )?could not open directory '(.+)", re.MULTILINE)
_CUT = "File name too long"
"""The reason of a message that git cut off: it has room for a path of the system's greatest length."""


class Listing:
    """The files that git lists in a folder, relative to it; tracked files are available before new ones."""

    def __init__(self, tracked: bytes, new: Running | None = None) -> None:
        self.tracked = tracked
        self._new = new

    @cached_property
    def new(self) -> bytes:
        """Files that are neither tracked nor ignored, in git's own format."""
        return self._new.read(check=False) if self._new else b""

    @cached_property
    def closed(self) -> tuple[tuple[str, str], ...]:
        """(folder, reason) for folders that could not be read; "." if new files could not be listed."""
        if self._new is None or not isinstance(self.new, bytes):  # reads all output before the messages
            return ()
        found = _CLOSED.findall(self._new.messages())
        parts = (message.rpartition("': ") for message in found)
        rows = tuple((name.rstrip("/"), why) if quote else (why, _CUT) for name, quote, why in parts)
        return rows or ((os.curdir, self._new.failure),) if self._new.failure else rows

    def files(self, word: bytes = b"") -> Iterator[str]:
        """The paths that contain `word` (lower case; case is ignored), tracked ones first."""
        last = b""
        for entry, lowered in self._rows[0]:
            if word in lowered:
                status, _, name = entry.partition(b"\t")
                if name != last and not status.startswith(_SUBMODULE):
                    yield os.fsdecode(name)
                last = name
        yield from (os.fsdecode(name) for name, lowered in self._rows[1] if word in lowered)

    def files_ending(self, suffixes: tuple[bytes, ...]) -> Iterator[str]:
        """The paths that end in one of the suffixes (lower case; case is ignored)."""
        for rows in self._rows:
            for entry, lowered in rows:
                if lowered.endswith(suffixes):
                    yield os.fsdecode(entry.rpartition(b"\t")[2])

    def folders(self) -> set[str]:
        """Every folder that contains a file; "" is the listed folder itself."""
        found: set[bytes] = {b""}
        for entry, _ in (*self._rows[0], *self._rows[1]):
            start = entry.find(b"\t") + 1
            folder = entry[start : max(entry.rfind(b"/"), start)]
            while folder not in found:
                found.add(folder)
                folder = folder[: max(folder.rfind(b"/"), 0)]
        return set(map(os.fsdecode, found))

    @cached_property
    def _rows(self) -> tuple[list[tuple[bytes, bytes]], list[tuple[bytes, bytes]]]:
        """(tracked, new) entries, each with its lower-case form."""
        tracked, new = (
            list(zip(entries.split(b"\0"), entries.lower().split(b"\0"), strict=True))[:-1]
            for entries in (self.tracked, self.new)
        )
        return tracked, new

    @property
    def submodules(self) -> tuple[str, ...]:
        """The folders of submodules."""
        if _SUBMODULE not in self.tracked:
            return ()
        entries = (entry.partition(b"\t") for entry in self.tracked.split(b"\0"))
        return tuple(os.fsdecode(name) for status, _, name in entries if status.startswith(_SUBMODULE))


@contextmanager
def list_files(folder: str) -> Iterator[Listing]:
    """The files below `folder` that git tracks, or would track. Raises GitError."""
    with Running(folder, *_NEW) as new:
        yield Listing(ask(folder, "ls-files", "-z", "--stage"), new)


def list_tracked(top: str) -> list[str]:
    """The files of the work tree at `top` that git tracks, relative to it. Raises GitError."""
    return os.fsdecode(ask(top, "ls-files", "-z")).split("\0")[:-1]


class NewFolders:
    """The topmost folders below `folder` that are not ignored and contain no tracked files.

    Git searches in the background. Raises GitError.
    """

    def __init__(self, folder: str) -> None:
        self._git = Running(folder, *_NEW, "--directory")

    def names(self) -> list[str]:
        """Their paths. Raises GitError."""
        return [name.rstrip("/") for name in os.fsdecode(self._git.read()).split("\0") if name.endswith("/")]

    def close(self) -> None:
        """Stop git if the result is no longer needed."""
        self._git.close()


def list_rules(folder: str) -> set[str]:
    """The absolute paths of files besides .gitignore that determine what git tracks and ignores in `folder`.

    Raises GitError.
    """
    asked = ("index", "info/exclude", "config", "config.worktree")
    out = ask(folder, "rev-parse", *(word for name in asked for word in ("--git-path", name)))
    rows = set(os.fsdecode(out).split("\n")[:-1])
    origins = os.fsdecode(ask(folder, "config", "--list", "--show-origin", "--name-only", "-z")).split("\0")
    rows |= {row.removeprefix("file:") for row in origins[::2] if row.startswith("file:")}
    home = os.path.expanduser("~")
    rows |= {os.path.join(home, name) for name in (".gitconfig", ".config/git/config", ".config/git/ignore")}
    if place := os.environ.get("XDG_CONFIG_HOME"):
        rows |= {os.path.join(place, name) for name in ("git/config", "git/ignore")}
    with suppress(GitError):
        rows.add(os.fsdecode(ask(folder, "config", "--path", "--get", "core.excludesFile").rstrip(b"\n")))
    return {os.path.join(folder, row) for row in rows}


def is_ignored(folder: str) -> bool:
    """Whether the repository that contains a folder ignores it."""
    try:
        ask(os.path.dirname(folder), "check-ignore", "-q", folder)
    except GitError:
        return False
    return True


def find_uncommitted(top: str) -> frozenset[str]:
    """The absolute paths of files of the work tree at `top` that differ from the last commit.

    Untracked files do not count. Raises GitError.
    """
    asked = ("--porcelain=v1", "-z", "--untracked-files=no", "--no-renames", "--ignore-submodules=all")
    out = ask(top, "status", *asked, settings=_without_filters(top))
    changed = (entry for entry in out.split(b"\0") if entry and entry[:2] != b"A ")
    return frozenset(os.path.join(top, os.fsdecode(entry[3:])) for entry in changed)


def find_changed(top: str, name: str) -> dict[str, bool]:
    """The files of the work tree at `top` that differ from its merge base with the named commit.

    As absolute paths, each with whether it was added or removed; untracked files count. Raises GitError.
    """
    try:
        commit = ask(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    except GitError:
        raise GitError(f"{name!r} names no commit of {top}") from None
    try:
        base = ask(top, "merge-base", os.fsdecode(commit).strip(), "HEAD")
    except GitError:
        raise GitError(
            f"nothing is known of what HEAD and {name!r} have in common: fetch more history"
        ) from None
    asked = ("--name-status", "-z", "--no-renames", "--no-ext-diff", "--ignore-submodules=all")
    out = ask(top, "diff", *asked, os.fsdecode(base).strip(), "--", settings=_without_filters(top))
    words = os.fsdecode(out).split("\0")[:-1]
    found = {path: status in ("A", "D") for status, path in zip(words[::2], words[1::2], strict=True)}
    found |= dict.fromkeys(os.fsdecode(ask(top, *_NEW)).split("\0")[:-1], True)
    return {os.path.join(top, path): other for path, other in found.items()}


def git_folder(top: str) -> str:
    """The git folder of the work tree at `top`. Raises GitError."""
    return os.path.join(top, os.fsdecode(ask(top, "rev-parse", "--git-dir").rstrip(b"\n")))


def _without_filters(top: str) -> Iterator[str]:
    """Settings that disable the programs of filters, which git would run to compare files.

    A file with a filter then counts as changed. Raises GitError.
    """
    listed = os.fsdecode(ask(top, "config", "--list", "--name-only", "-z")).split("\0")
    names = {name.rpartition(".")[0] for name in listed if name.startswith("filter.")}
    for name in sorted(names):
        if "=" in name or "\n" in name:
            raise GitError(f"{name!r} is not a name for a filter")
        yield from (f"{name}.clean=", f"{name}.process=", f"{name}.required=false")
