"""Files that list command lines to run: Procfiles, and the crontabs of supercronic."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from dockfix.model.paths import resolve
from dockfix.model.runs import Invocation, walk_script
from dockfix.syntax.shell import parse_script, parse_words
from dockfix.syntax.wrappers import find_awaited

_OF_PROCFILES: Final = frozenset({"foreman", "forego", "goreman", "hivemind", "honcho", "overmind"})
_OF_CRONTABS: Final = "supercronic"
_LISTED: Final = _OF_PROCFILES | {_OF_CRONTABS}
_PROCESS: Final = re.compile(r"^([\w-]+)[ \t]*:[ \t]*(\S.*)")
_NAME: Final = "(?:SUN|MON|TUE|WED|THU|FRI|SAT|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)"
_FIELD: Final = rf"(?:[\d*?/,LW#-]|{_NAME})+"
# Five fields, or a field of seconds before them and one of years behind.
_JOB: Final = re.compile(rf"(?i)^[ \t]*(?:@\w+|{_FIELD}(?:[ \t]+{_FIELD}){{4,6}})[ \t]+(\S.*)")


class ListedLine(NamedTuple):
    """A command line of a file in the image, by the file's absolute path and its line (from 1)."""

    path: str
    number: int
    text: str


def read_command_list(
    words: Sequence[str], cwd: str, read: Callable[[str], str | None]
) -> Iterator[ListedLine]:
    """The command lines of the file that a command names or looks for, none for any other command.

    `read` returns the text of a file by its absolute path in the image.
    Sources: honcho documentation, Using Procfiles; supercronic's README, Crontab format.
    """
    program = words[0].rpartition("/")[2] if words else ""
    if program in _OF_PROCFILES:
        pattern, path, chosen = _PROCESS, _named(words), _processes(words)
    elif program == _OF_CRONTABS:
        pattern, path, chosen = _JOB, words[-1], ()
    else:
        return
    path = resolve(path, cwd)
    for number, line in enumerate((read(path) or "").splitlines(), 1):
        match = pattern.match(line)
        if match and (not chosen or match[1] in chosen):
            yield ListedLine(path, number, match[match.re.groups])


def find_listed(one: Invocation, read: Callable[[str], str | None]) -> Iterator[Invocation]:
    """The commands that a command starts: those of a file that lists them, or one that it makes wait."""
    program = one.command.program.rpartition("/")[2]
    if program not in _LISTED and program[:4] != "wait":
        return
    words = [one.command.program, *(word.expand(one.env) or word.text for word in one.command.args)]
    if awaited := find_awaited(words):
        yield Invocation(parse_words(awaited), one.cwd, one.env, None)
    for line in read_command_list(words, one.cwd, read):
        yield from walk_script(parse_script(line.text), one.cwd, one.env)


def _named(words: Sequence[str]) -> str:
    for flag, word in itertools.pairwise(words):
        if flag in ("-f", "--procfile"):
            return word
    return "Procfile"


def _processes(words: Sequence[str]) -> Sequence[str]:
    """The processes that `start` names: all where it names none."""
    after = words[words.index("start") + 1 :] if "start" in words else ()
    return [] if any(one.startswith("-") for one in after) else after
