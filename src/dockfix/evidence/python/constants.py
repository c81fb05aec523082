"""The constants of an application: strings, numbers, tuples, dictionaries, and references to names.

The unknown part of a string is HOLE; a path below the home starts with `~`.
"""

from __future__ import annotations

import ast
import itertools
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from dockfix.evidence.python.scopes import Scope

HOLE: Final = "\0"
MAX_ALTERNATIVES: Final = 16
"""The maximum number of values of an expression; further ones are a HOLE."""
MAX_TEXT: Final = 8192
MAX_BITS: Final = 64


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to a dotted name; `made`: to an instance that a call of the name returns."""

    name: str
    made: bool = False
    local: Scope | None = None


class Value(NamedTuple):
    """A possible value; `certain` is False if it may differ at run time."""

    content: str | int | tuple[tuple[Value, ...], ...] | Table | Reference
    certain: bool = True


Identity = str | int | tuple[str, str]


class Objects(NamedTuple):
    """What an expression may refer to, by identity; `above` are the classes that these inherit from."""

    own: frozenset[Identity]
    above: frozenset[Identity]

    @classmethod
    def of(cls, identity: Identity) -> Objects:
        """One object."""
        return cls(frozenset({identity}), frozenset())

    @property
    def all(self) -> frozenset[Identity]:
        """All of them."""
        return self.own | self.above

    def joined(self, other: Objects) -> Objects:
        """What either expression may refer to."""
        return Objects(self.own | other.own, self.above | other.above)

    def may_be(self, other: Objects) -> bool:
        """Whether both may refer to the same, which may be of a class below that of the other."""
        return not (self.own.isdisjoint(other.all) and other.own.isdisjoint(self.all))


Values = tuple[Value, ...]
Texts = tuple[tuple[str, bool], ...]
"""(string, certain) for each possible value."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A dictionary: the possible values of each key that is a string, and the expression that makes it."""

    rows: Mapping[str, Values]
    origin: ast.expr | None = None

    def at(self, key: object) -> Values:
        """The values at a key; those at any key if it is not a string, which is then unknown."""
        if isinstance(key, str):
            return self.rows.get(key, ())
        return tuple(Value(one.content, False) for found in self.rows.values() for one in found)


def join_path(left: str, right: str) -> str:
    """Two paths joined as by os.path.join; `~` counts as absolute."""
    return right if right.startswith(("/", "~")) else posixpath.join(left, right)


def parent_of(path: str) -> str:
    """The directory of a path, HOLE if the path is unknown."""
    trimmed = path.rstrip("/")
    return HOLE if trimmed == HOLE else posixpath.dirname(trimmed)


def texts_of(values: Values) -> Texts:
    """The strings and numbers as strings; values too long for a path are unknown."""
    known = [one for one in values if isinstance(one.content, str | int)]
    short = [Value(HOLE, one.certain) if _is_long(one.content) else one for one in known]
    return tuple((str(one.content), one.certain) for one in short) or ((HOLE, True),)


def join(join_two: Callable[[str, str], str], sides: Iterable[Texts]) -> Iterator[Value]:
    """The combinations of one string from each side, joined from left to right; too long ones are unknown."""
    for parts in itertools.islice(itertools.product(*sides), MAX_ALTERNATIVES + 1):
        text = parts[0][0]
        for part, _ in parts[1:]:
            text = HOLE if len(text) > MAX_TEXT else join_two(text, part)
        yield Value(text, all(certain for _, certain in parts))


def concatenate(sides: Iterable[Texts]) -> Iterator[Value]:
    """The combinations of one string from each side, one behind the other."""
    return join(str.__add__, [(("", True),), *sides])


def items_of(content: object) -> Iterator[Values]:
    """The values of each item of a list, or each key of a dictionary."""
    if isinstance(content, tuple):
        yield from content
    elif isinstance(content, Table):
        yield from ((Value(key),) for key in content.rows)


def _is_long(content: object) -> bool:
    if isinstance(content, int):
        return content.bit_length() > MAX_BITS
    return isinstance(content, str) and len(content) > MAX_TEXT
