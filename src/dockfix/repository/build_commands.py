"""The `docker build` commands in scripts, and their flags. Nothing is executed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from dockfix.repository.shell_lines import read_lines

_COMMAND: Final = re.compile(
    r"(?:docker(?:\s+buildx|\s+image)?|podman|buildah|nerdctl)\s+(?:build|bud)(?=[\s$])|/kaniko/executor\b"
)
_PROGRAMS: Final = ("docker", "podman", "buildah", "nerdctl", "/kaniko/executor")
"""A script without any of these calls none: a variable for a program is set in the script itself."""
_FLAGS: Final = {
    "-f": "file",
    "--file": "file",
    "--dockerfile": "file",
    "-t": "tag",
    "--tag": "tag",
    "--destination": "tag",
    "-d": "tag",
    "--target": "target",
    "--build-arg": "argument",
    "--context": "context",
}
_FLAGS_ALONE: Final = frozenset(
    {
        "--no-cache",
        "--pull",
        "--push",
        "--load",
        "--rm",
        "--force-rm",
        "-q",
        "--quiet",
        "--squash",
        "--compress",
    }
)

_LOCAL: Final = re.compile(r"^dir://(?:/workspace(?:/|$))?")
"""A folder for kaniko; Cloud Build has the repository in /workspace."""

Flags = dict[str, list[str]]
"""The values of the flags by meaning: `file`, `tag`, `target`, `argument` and `context`."""
Command = tuple[Flags, list[str], str]
"""A command's flags, operands and folder."""


def read_commands(text: str, *, is_one_shell: bool = True) -> Iterator[Command]:
    """Each command's flags, operands and folder; expressions and command outputs appear as `$_`."""
    if not any(name in text for name in _PROGRAMS):
        return
    for call in read_lines(text, _COMMAND, is_one_shell=is_one_shell):
        flags, operands = _split_flags(call.words)
        flags["context"] = [_LOCAL.sub("", one) or "." for one in flags["context"]]
        yield flags, operands or flags["context"], call.folder


def _split_flags(words: list[str]) -> tuple[Flags, list[str]]:
    flags: Flags = {name: [] for name in _FLAGS.values()}
    operands: list[str] = []
    rest = iter(words)
    for word in rest:
        flag, equals, value = word.partition("=")
        if not word.startswith("-"):
            operands.append(word)
        elif flag in _FLAGS:
            flags[_FLAGS[flag]].append(value if equals else next(rest, ""))
        elif not equals and flag not in _FLAGS_ALONE:
            next(rest, "")
    return flags, operands
