"""Procfiles: the command lines that honcho and tools like it start together."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Final

from dockfix.model.paths import resolve
from dockfix.model.runs import Invocation, walk_script
from dockfix.syntax.shell import Command, parse_script

_RUNNERS: Final = frozenset({"foreman", "forego", "goreman", "hivemind", "honcho", "overmind"})
_LINE: Final = re.compile(r"^[\w-]+[ \t]*:[ \t]*(\S.*)$", re.MULTILINE)


def find_processes(one: Invocation, read: Callable[[str], str | None]) -> Iterator[Invocation]:
    """The commands of the Procfile that a command starts, none if it starts none that can be read.

    `read` returns the text of a file by its absolute path in the image.
    Source: honcho documentation, Using Procfiles.
    """
    if one.command.program.rpartition("/")[2] not in _RUNNERS:
        return
    text = read(resolve(_named(one.command), one.cwd)) or ""
    for match in _LINE.finditer(text):
        yield from walk_script(parse_script(match[1]), one.cwd, one.env)


def _named(command: Command) -> str:
    words = [word.text for word in command.args]
    for flag, word in itertools.pairwise(words):
        if flag in ("-f", "--procfile"):
            return word
    return "Procfile"
