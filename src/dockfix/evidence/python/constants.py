"""The constants of an application: strings, numbers, tuples, dictionaries, and references to names.

The unknown part of a string is HOLE; a path below the home starts with `~`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from dockfix.evidence.python.scopes import Scope

HOLE: Final = "\0"


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


Values = tuple[Value, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A dictionary: the possible values of each of its keys that is a string."""

    rows: Mapping[str, Values]

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
