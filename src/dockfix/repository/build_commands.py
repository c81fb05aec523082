"""The `docker build` commands in scripts, and their flags. Nothing is run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Final

_COMMAND: Final = re.compile(
    r"(?:docker(?:\s+buildx|\s+image)?|podman|buildah|nerdctl)\s+(?:build|bud)\s+([^\n;&|]*)"
)
_CONTINUED: Final = re.compile(r"\\\r?\n")
# Expressions with blanks that stand for one word, or part of one.
_EXPRESSION: Final = re.compile(r"\$\{\{(?:[^{}\n]|\{(?!\{)|\}(?!\}))*\}\}")
_SUBSTITUTION: Final = re.compile(r"\$\([^()]*\)|`[^`]*`")
_FLAGS: Final = {
    "-f": "file",
    "--file": "file",
    "-t": "tag",
    "--tag": "tag",
    "--target": "target",
    "--build-arg": "argument",
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

Flags = dict[str, list[str]]
"""The values of -f, -t, --target and --build-arg: by `file`, `tag`, `target` and `argument`."""


def read_commands(text: str) -> Iterator[tuple[Flags, list[str]]]:
    """Each command's flags and operands; expressions and command outputs appear as `$_`."""
    joined = _CONTINUED.sub(" ", text).replace("${{ github.workspace }}", ".")
    for match in _COMMAND.finditer(_EXPRESSION.sub("$_", joined)):
        try:
            words = shlex.split(_SUBSTITUTION.sub("$_", match[1]))
        except ValueError:
            continue
        yield _split_flags(words)


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
