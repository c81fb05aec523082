"""find: what its tests select, and how an operation on a starting point applies to the selection."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from dockfix.model.operations import Act, How, Operation

_KINDS: Final = {"f": "file", "d": "directory", "l": "link"}
_RUNS: Final = ("-exec", "-execdir", "-ok")
_ENDS: Final = (";", "\\;", "+")
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


def read_tests(words: Sequence[str]) -> Chosen:
    """Parse the tests among the words that follow find's starting points."""
    kind = only = name = ""
    inside = perhaps = False
    rest = list(_without_commands(words))
    while rest:
        word = rest.pop(0)
        value = rest.pop(0) if rest else ""
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
        yield Operation(Act.READ, one.path, recursive=True)
        arrived = one.how | {How.COPIED if one.act is Act.COPY else How.MOVED}
        yield Operation(Act.WRITE, one.spec.rstrip("/") or "/", how=arrived, others=(one.path,))
        if one.act is Act.MOVE:
            yield Operation(Act.REMOVE, one.path, how=frozenset({How.CONTENTS, How.PERHAPS}))
        return
    if one.act is Act.LINK:
        pattern = chosen.name or "*"
        at, target = posixpath.dirname(one.path).rstrip("/"), one.spec.rstrip("/")
        perhaps = one.how | {How.PERHAPS}
        yield one._replace(path=f"{at}/{pattern}", spec=f"{target}/{pattern}", how=perhaps)
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
