"""Run git in an untrusted repository: it executes nothing from there, and it terminates.

The git folder is the one that `.git` is or names, never one that git discovers: a folder in the tree that
is laid out as a bare repository would bring its own configuration. All settings that can name a program
are overridden (git-config(1): fsmonitor, hooksPath, filters, and the protocols for fetching missing
objects).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from typing import Final, Self

from dockfix.files.programs import find_program

SECONDS: Final = 60.0
"""The time limit for git; a pipe named .gitignore would make it wait forever."""

_OWN: Final = frozenset({"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"})
_ENVIRONMENT: Final = {
    "LC_ALL": "C",
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}
_SETTINGS: Final = (
    "safe.bareRepository=explicit",
    "core.fsmonitor=false",
    f"core.hooksPath={os.devnull}",
    "submodule.recurse=false",
)


class GitError(Exception):
    """Git is not installed, or fails in this folder."""


class Running:
    """A git process in the background in `folder`, with extra settings (`name=value`). Raises GitError."""

    def __init__(self, folder: str, *arguments: str, settings: Iterable[str] = ()) -> None:
        from tempfile import TemporaryFile

        command = _command_in(folder, settings, arguments)
        self._what = f"git {arguments[0]}"
        self._errors = TemporaryFile()  # noqa: SIM115  # closed with the process
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=_environment(),
            )
        except OSError as error:
            self._errors.close()
            raise GitError(f"git cannot be run: {error.strerror}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, *, check: bool = True) -> bytes:
        """All of its output, once. Raises GitError if it times out and, with `check`, if it fails."""
        try:
            out, _ = self._process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise GitError(f"{self._what} did not finish within {SECONDS:g} seconds") from None
        if check and self.failure:
            raise GitError(self.failure)
        return out

    @property
    def failure(self) -> str:
        """The first line of its standard error if it has failed, otherwise empty."""
        if not self._process.returncode:
            return ""
        lines = self.messages().splitlines()
        return lines[0] if lines else f"{self._what} ended with {self._process.returncode}"

    def messages(self) -> str:
        """Its standard error so far."""
        self._errors.seek(0)
        return os.fsdecode(self._errors.read())

    def close(self) -> None:
        """Stop the process if its output is no longer needed."""
        with suppress(OSError):
            self._process.kill()
        with self._process, self._errors:
            pass


def ask(folder: str, *arguments: str, settings: Iterable[str] = ()) -> bytes:
    """The output of a git command in `folder`. Raises GitError."""
    with Running(folder, *arguments, settings=settings) as git:
        return git.read()


def find_top(folder: str) -> str | None:
    """The top folder of the work tree that contains `folder` (absolute), or None."""
    while not os.path.lexists(os.path.join(folder, ".git")):
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return folder


def _command_in(folder: str, settings: Iterable[str], arguments: Iterable[str]) -> list[str]:
    real = os.path.realpath(folder)
    top = find_top(real)
    if top is None:
        raise GitError("not a git repository")
    program = find_program("git")
    if program is None:
        raise GitError("git cannot be run: it is in no folder of PATH")
    given = [word for setting in (*_SETTINGS, *settings) for word in ("-c", setting)]
    place = [f"--git-dir={os.path.join(top, '.git')}", f"--work-tree={top}"]
    return [program, "-C", real, "--no-pager", *place, *given, *arguments]


def _environment() -> dict[str, str]:
    """The environment for git.

    Of the GIT_ variables, only those that name the user's configuration are kept.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _OWN}
    return kept | _ENVIRONMENT
