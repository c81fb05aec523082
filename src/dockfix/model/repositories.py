"""Git's rule that a repository belongs to whoever uses it.

Since 2.35.2, git refuses to work in a repository of another account, root's included, unless a setting
`safe.directory` names it (git-scm.com, git-config; seen: pb33f/openapi-changes#226).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from dockfix.knowledge.commands import Argument
from dockfix.model.effects import read_call
from dockfix.model.paths import resolve
from dockfix.model.runs import Invocation

_USING: Final = frozenset(
    {
        "add", "am", "branch", "cat-file", "checkout", "cherry-pick", "clean", "commit", "describe", "fetch",
        "gc", "log", "ls-files", "ls-tree", "merge", "name-rev", "pull", "push", "rebase", "remote", "reset",
        "restore", "rev-list", "rev-parse", "show", "show-ref", "stash", "status", "submodule", "switch",
        "symbolic-ref", "tag", "worktree",
    }
)  # fmt: skip
"""Subcommands that fail without a repository that they trust; `git diff` and `git apply` need none."""
_END: Final = re.compile(r"[\n;&|]")


def trusts(text: str, *, is_own: bool) -> bool:
    """Whether a script makes git trust repositories: for every account, or with `is_own` for its own."""
    if "safe.directory" not in text:
        return False
    commands = (one for one in _END.split(text) if "safe.directory" in one)
    return any(is_own or "--system" in one for one in commands)


def find_places(one: Invocation) -> Iterator[str]:
    """The directories that may be the repository that a git command works in, the nearest first."""
    # GIT_CONFIG_KEY_0 and so on name settings for every account.
    if posixpath.basename(one.command.program) == "git" and "safe.directory" not in one.env.values():
        _, arguments = read_call(one.command, one.env)
        subcommand, place = _read_call(arguments, one.cwd)
        while subcommand in _USING and place != "/":
            yield place
            place = posixpath.dirname(place)


def _read_call(arguments: list[Argument], cwd: str) -> tuple[str, str]:
    """(subcommand, working directory) of a git command; the former is "" if the latter is not known."""
    words = iter(arguments)
    for word in words:
        text = word.value or ""
        if text == "-C":
            directory = next(words, word).value
            if directory is None:
                return "", cwd
            cwd = resolve(directory, cwd)
        elif text == "-c":
            if "safe.directory" in next(words, word).text:
                return "", cwd
        elif text.startswith(("--git-dir", "--work-tree")):
            return "", cwd
        elif not text.startswith("-"):
            return text, cwd
    return "", cwd
