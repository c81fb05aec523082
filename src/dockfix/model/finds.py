"""find: what its tests select, and how an operation on a starting point applies to the selection."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Final

from dockfix.model.operations import STREAM, Act, How, Operation

_KINDS: Final = {"f": "file", "d": "directory", "l": "link"}
_RUNS: Final = ("-exec", "-execdir", "-ok")
_ENDS: Final = (";", "\\;", "+")
_OPENS: Final = ("(", "\\(")
_CLOSES: Final = (")", "\\)")
SEPARATES: Final = frozenset({"-o", "-or", ","})
_GROUP: Final = "()"
_NEUTRAL: Final = ("-delete", "-print", "-print0", "-depth", "-xdev", "-H", "-L", "-P")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What find's tests select below its starting points; `perhaps` if some tests cannot be evaluated."""

    kind: str = ""
    only: str = ""
    name: str = ""
    inside: bool = False
    perhaps: bool = False

    @property
    def is_doubtful(self) -> bool:
        """Whether even the starting points may not be selected."""
        return self.perhaps or self.inside or bool(self.name)


def read_alternatives(words: Sequence[str]) -> Iterator[tuple[int, int, Chosen]]:
    """(start, end, what it selects) of each alternative among the words behind find's starting points.

    `-o` separates them; an alternative may not be reached where an earlier one applies.
    """
    earlier: list[Chosen] = []
    start = depth = 0
    in_command = False
    for at, word in enumerate((*words, "-o")):
        in_command = at < len(words) and (word in _RUNS or (in_command and word not in _ENDS))
        depth += 0 if in_command else (word in _OPENS) - (word in _CLOSES)
        if word not in SEPARATES or in_command or (depth > 0 and at < len(words)):
            continue
        chosen = read_tests(words[start:at])
        is_apart = all(one.kind and chosen.kind and one.kind != chosen.kind for one in earlier)
        yield start, at, chosen if is_apart else replace(chosen, perhaps=True)
        earlier.append(chosen)
        start = at + 1


def read_tests(words: Sequence[str]) -> Chosen:
    """Parse the tests of one alternative; what is in parentheses cannot be evaluated."""
    kind = only = name = ""
    rest = list(_without_groups(_without_commands(words)))
    inside, perhaps = False, _GROUP in rest
    while rest:
        word = rest.pop(0)
        value = rest.pop(0) if rest and word != _GROUP else ""
        if word == "-type" and value in _KINDS and not kind:
            kind = _KINDS[value]
        elif word == "-user" and not only:
            only = value
        elif word == "-name" and not name:
            name = value
        elif word == "-mindepth" and value == "1":
            inside = True
        else:
            perhaps = True
    return Chosen(kind, only, name, inside, perhaps)


def _without_groups(words: Iterable[str]) -> Iterator[str]:
    """The words, with a mark in the place of each group in parentheses."""
    depth = 0
    for word in words:
        depth -= word in _CLOSES
        if depth == 0:
            yield _GROUP if word in _OPENS or word in _CLOSES else word
        depth += word in _OPENS


def _without_commands(words: Sequence[str]) -> Iterator[str]:
    in_command = False
    for word in words:
        if word in _RUNS:
            in_command = True
        elif in_command:
            in_command = word not in _ENDS
        elif word not in _NEUTRAL:
            yield word


def _chooses_start(chosen: Chosen, name: str) -> bool:
    """Whether the starting point may be chosen as well by what does not choose all."""
    if chosen.inside or chosen.kind not in ("", "directory"):
        return False
    return fnmatchcase(name, chosen.name) if chosen.name else chosen.perhaps


def on_chosen(one: Operation, chosen: Chosen) -> Iterator[Operation]:
    """Turn an operation on a starting point into operations on what is selected below it."""
    how = set(one.how) | {How.ONE_BY_ONE} | ({How.PERHAPS} if chosen.is_doubtful else set())
    if one.act in (Act.COPY, Act.MOVE):
        yield from _brought(one)
        return
    if one.act is Act.MAKE:
        # In each directory (`mkdir {}/x`).
        yield Operation(Act.WRITE, one.path, how=frozenset(how))
        return
    if one.act is Act.LINK:
        pattern = chosen.name or "*"
        at, target = posixpath.dirname(one.path).rstrip("/"), one.spec.rstrip("/")
        perhaps = one.how | {How.PERHAPS}
        yield one._replace(path=f"{at}/{pattern}", spec=f"{target}/{pattern}", how=perhaps)
        # At any depth, also hidden ones.
        yield one._replace(path=f"{at}/", spec=target, how=perhaps | {How.ONE_BY_ONE}, name=chosen.name)
        return
    if one.act is Act.REMOVE and _chooses_start(chosen, posixpath.basename(one.path)):
        yield one._replace(how=one.how | {How.PERHAPS})
    if one.act is Act.REMOVE and (chosen != Chosen() or one.recursive):
        how = {How.CONTENTS} | ({How.PERHAPS} if chosen.perhaps or chosen.only else set())
        one = one._replace(name=chosen.name)
    yield one._replace(
        recursive=one.recursive or one.act is not Act.REMOVE,
        only=chosen.only,
        kind=chosen.kind,
        how=frozenset(how),
    )


def _brought(one: Operation) -> Iterator[Operation]:
    """A copy or a move of what is selected below a starting point."""
    yield Operation(Act.READ, one.path, recursive=True)
    # A backup is beside what it is made of.
    is_beside = How.AS_NAMED in one.how and one.spec.startswith(one.path)
    to = one.path if is_beside else one.spec.rstrip("/") or "/"
    if How.PARENTS in one.how:
        # The directories are made as well, as from an archive.
        yield Operation(Act.PACK, one.path, recursive=True, others=(STREAM,))
        how = {How.UNPACKED, *((How.ARCHIVED,) if How.KEEPS_OWNER in one.how else ())}
        yield Operation(Act.WRITE, to, how=frozenset(how), others=(STREAM,))
        return
    is_copied = one.act is Act.COPY and How.SAME not in one.how
    arrived = one.how | {How.COPIED if is_copied else How.MOVED}
    yield Operation(Act.WRITE, to, how=arrived, mode=one.mode, owner=one.owner, others=(one.path,))
    if one.act is Act.MOVE:
        yield Operation(Act.REMOVE, one.path, how=frozenset({How.CONTENTS, How.PERHAPS}))
