"""What git knows about a folder, by running git."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import IO, Final

_SUBMODULE = b"160000"
_NEW = ("ls-files", "-z", "--others", "--exclude-standard")
_CLOSED = re.compile(r"could not open directory '(.+)/?': (.+)")
_ENVIRONMENT: Final = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}


class GitError(Exception):
    """Git is not installed, or fails in this folder."""


class Listing:
    """What git lists in a folder; paths are relative to it. Tracked files are known before new ones."""

    def __init__(self, tracked: bytes, new: IO[bytes] | None = None, errors: IO[bytes] | None = None) -> None:
        self.tracked = tracked
        self._stream = new
        self._errors = errors

    @cached_property
    def new(self) -> bytes:
        """Files that are neither tracked nor ignored, in git's own form."""
        return self._stream.read() if self._stream else b""

    @cached_property
    def closed(self) -> tuple[tuple[str, str], ...]:
        """Folders that could not be read, with the reason."""
        if self._errors is None or not isinstance(self.new, bytes):  # read all of it before the errors
            return ()
        self._errors.seek(0)
        found = _CLOSED.findall(os.fsdecode(self._errors.read()))
        return tuple((name.rstrip("/"), why) for name, why in found)

    def files(self, word: bytes = b"") -> Iterator[str]:
        """The paths that hold `word` (lower case; case is ignored), tracked ones first."""
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
        """Every folder that contains a file; "" is the folder itself."""
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
        """The tracked and the new entries, each also in lower case."""
        tracked, new = (
            list(zip(entries.split(b"\0"), entries.lower().split(b"\0"), strict=True))[:-1]
            for entries in (self.tracked, self.new)
        )
        return tracked, new

    @property
    def submodules(self) -> tuple[str, ...]:
        """Folders of other repositories."""
        if _SUBMODULE not in self.tracked:
            return ()
        entries = (entry.partition(b"\t") for entry in self.tracked.split(b"\0"))
        return tuple(os.fsdecode(name) for status, _, name in entries if status.startswith(_SUBMODULE))


@contextmanager
def list_files(folder: str) -> Iterator[Listing]:
    """The files below `folder` that git tracks, or would track. Raises GitError."""
    from tempfile import TemporaryFile

    with TemporaryFile() as errors, _start(folder, errors, *_NEW) as new:
        listing = Listing(_ask(folder, "ls-files", "-z", "--stage"), new.stdout, errors)
        yield listing
        assert listing.new is not None  # read to the end, so that git does not get a broken pipe


def list_tracked(top: str) -> list[str]:
    """The files of the work tree at `top` that git tracks, relative to it. Raises GitError."""
    return os.fsdecode(_ask(top, "ls-files", "-z")).split("\0")[:-1]


class NewFolders:
    """The topmost folders below `folder` that contain nothing tracked and are not ignored.

    Git looks for them in the background. Raises GitError.
    """

    def __init__(self, folder: str) -> None:
        self._process = _start(folder, subprocess.DEVNULL, *_NEW, "--directory")

    def names(self) -> list[str]:
        """Their paths. Raises GitError."""
        out, _ = self._process.communicate()
        if self._process.returncode:
            raise GitError(f"git ls-files ended with {self._process.returncode}")
        return [name.rstrip("/") for name in os.fsdecode(out).split("\0") if name.endswith("/")]

    def close(self) -> None:
        """Stop git if the answer is no longer needed."""
        with self._process:
            self._process.kill()


def list_rules(folder: str) -> set[str]:
    """The files besides .gitignore that decide what git tracks and ignores in `folder`, as absolute paths.

    Raises GitError.
    """
    asked = ("index", "info/exclude", "config", "config.worktree")
    out = _ask(folder, "rev-parse", *(word for name in asked for word in ("--git-path", name)))
    rows = set(os.fsdecode(out).split("\n")[:-1])
    origins = os.fsdecode(_ask(folder, "config", "--list", "--show-origin", "--name-only", "-z")).split("\0")
    rows |= {row.removeprefix("file:") for row in origins[::2] if row.startswith("file:")}
    home = os.path.expanduser("~")
    rows |= {os.path.join(home, name) for name in (".gitconfig", ".config/git/config", ".config/git/ignore")}
    if place := os.environ.get("XDG_CONFIG_HOME"):
        rows |= {os.path.join(place, name) for name in ("git/config", "git/ignore")}
    with suppress(GitError):
        rows.add(os.fsdecode(_ask(folder, "config", "--path", "--get", "core.excludesFile").rstrip(b"\n")))
    return {os.path.join(folder, row) for row in rows}


def find_top(folder: str) -> str | None:
    """The top folder of the work tree that contains `folder` (absolute); None outside of any."""
    while not os.path.lexists(os.path.join(folder, ".git")):
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return folder


def is_ignored(folder: str) -> bool:
    """Whether git ignores the folder itself."""
    command = ["git", "-C", os.path.dirname(folder) or os.curdir, "check-ignore", "-q", folder]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def find_uncommitted(top: str, paths: Sequence[str]) -> frozenset[str]:
    """Which files of the work tree at `top` differ from the last commit, as absolute paths.

    Untracked files do not count. `paths` limits the answer; empty means all files.
    Raises GitError.
    """
    out = _ask(top, "status", "--porcelain=v1", "-z", "--untracked-files=no", "--no-renames", "--", *paths)
    changed = (entry for entry in out.split(b"\0") if entry and entry[:2] != b"A ")
    return frozenset(os.path.join(top, os.fsdecode(entry[3:])) for entry in changed)


def git_folder(top: str) -> str:
    """The git folder of the work tree at `top`. Raises GitError."""
    return os.path.join(top, os.fsdecode(_ask(top, "rev-parse", "--git-dir").rstrip(b"\n")))


def _start(folder: str, errors: IO[bytes] | int, *arguments: str) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            ["git", "-C", folder, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **_ENVIRONMENT},
        )
    except OSError as error:
        raise GitError(f"git cannot be run: {error.strerror}") from None


def _ask(folder: str, *arguments: str) -> bytes:
    from tempfile import TemporaryFile

    with TemporaryFile() as errors, _start(folder, errors, *arguments) as process:
        assert process.stdout is not None
        out = process.stdout.read()
        if process.wait():
            errors.seek(0)
            lines = os.fsdecode(errors.read()).splitlines()
            raise GitError(lines[0] if lines else f"git {arguments[0]} ended with {process.returncode}")
    return out
