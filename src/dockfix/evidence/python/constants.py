"""The constants of an application: strings, numbers, tuples, and references to names.

The unknown part of a string is HOLE; a path below the home starts with `~`.
"""

from __future__ import annotations

import posixpath
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

    content: str | int | tuple[tuple[Value, ...], ...] | Reference
    certain: bool = True


Values = tuple[Value, ...]


def join_path(left: str, right: str) -> str:
    """Two paths joined as by os.path.join; `~` counts as absolute."""
    return right if right.startswith(("/", "~")) else posixpath.join(left, right)


def parent_of(path: str) -> str:
    """The directory of a path, HOLE if the path is unknown."""
    trimmed = path.rstrip("/")
    return HOLE if trimmed == HOLE else posixpath.dirname(trimmed)
