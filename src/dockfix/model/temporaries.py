"""The files that mktemp creates: private to their owner, under names that are unknown in advance."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from dockfix.model.operations import Act, Operation
from dockfix.model.paths import resolve
from dockfix.syntax.script import Command, Word

_CALL: Final = re.compile(r"\"?(?:\$\(|`)\s*(mktemp\b[^|;&<>()`]*)[)`]\"?")
_LETTERS: Final = re.compile(r"X{3,}(?=[^X]*$)")
_USUAL: Final = "tmp.XXXXXXXXXX"
_VALUED: Final = ("-p", "--suffix")


class _Temporary(NamedTuple):
    """What a call creates; `is_made` is False with --dry-run."""

    path: str
    is_directory: bool
    is_made: bool


def find_temporary(word: Word, env: Mapping[str, str], cwd: str) -> str | None:
    """The path that `$(mktemp ...)` stands for, None if the word is anything else."""
    match = None if word.literal else _CALL.fullmatch(word.text)
    if match is None:
        return None
    texts = match[1].split()[1:]
    values = [Word(-1, -1, text).expand(env) for text in texts]
    return _read(values, word.start + match.start(1), env, cwd).path


def find_printed(words: Sequence[Word], env: Mapping[str, str], cwd: str) -> str:
    """The path that a call prints; `words` begin with its name."""
    return _read([word.expand(env) for word in words[1:]], words[0].start, env, cwd).path


def temporary_operations(command: Command, env: Mapping[str, str], cwd: str) -> Iterator[Operation]:
    """The operations of a mktemp call (GNU coreutils 9.1: mode 0700 for a directory, 0600 for a file)."""
    made = _read([word.expand(env) for word in command.args], command.start, env, cwd)
    if made.is_made and made.is_directory:
        yield Operation(Act.MAKE, made.path, mode="0700")
    elif made.is_made:
        yield Operation(Act.WRITE, made.path, "file")
        yield Operation(Act.MODE, made.path, "0600")


def _read(values: Sequence[str | None], start: int, env: Mapping[str, str], cwd: str) -> _Temporary:
    """Parse a call at offset `start`; the offset makes its path unique and unlike any path in the file."""
    options = [value or "" for value in values]
    directory, template = "", ""
    for index, value in enumerate(options):
        before = options[index - 1] if index else ""
        if before == "-p":
            directory = value
        elif value.startswith("--tmpdir="):
            directory = value.partition("=")[2]
        elif not value.startswith("-") and before not in _VALUED:
            template = value
    in_place = bool(directory) or not template or any(one in ("-t", "--tmpdir") for one in options)
    directory = directory or (env.get("TMPDIR") or "/tmp" if in_place else cwd)
    name = _LETTERS.sub(f"(mktemp:{start})", template or _USUAL)
    letters = "".join(one[1:] for one in options if re.fullmatch(r"-[a-z]+", one))
    return _Temporary(
        resolve(posixpath.join(directory, name), cwd),
        "d" in letters or "--directory" in options,
        not ("u" in letters or "--dry-run" in options),
    )
