"""What constants of an application can be: strings, numbers, tuples, references to something named.

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
    """Something of a dotted name; `made` where it is an instance that a call of the name gives."""

    name: str
    made: bool = False
    local: Scope | None = None


class Value(NamedTuple):
    """A possible value; `certain` is False where another may be in force at run time."""

    content: str | int | tuple[tuple[Value, ...], ...] | Reference
    certain: bool = True


Values = tuple[Value, ...]


def join_path(left: str, right: str) -> str:
    """The two paths joined; below an unknown one anything may lie."""
    return right if right.startswith(("/", "~")) else posixpath.join(left, right)


def parent_of(path: str) -> str:
    """The directory of a path; of a path that is not known it is not known either."""
    trimmed = path.rstrip("/")
    return HOLE if trimmed == HOLE else posixpath.dirname(trimmed)
