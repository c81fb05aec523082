"""Which bindings of a name may be in force at a place of a statement, where branches may be left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import libcst as cst


class Ordered(Protocol):
    """Something at a place in source order."""

    @property
    def order(self) -> int:
        """Its place."""


_Bound = TypeVar("_Bound", bound=Ordered)


@dataclass(frozen=True, slots=True)
class Arm:
    """A part of a statement that may be left out, from one place in source order to another.

    Of the arms of one `branch` at most one runs; `count` is how many there are, 0 if none may run.
    """

    branch: int
    count: int
    first: int
    last: int

    def holds(self, order: int) -> bool:
        """Whether something at that place is in it."""
        return self.first <= order <= self.last


def find_reaching(bindings: Iterable[_Bound], order: int, arms: Sequence[Arm]) -> tuple[list[_Bound], bool]:
    """The bindings of a name that may be in force at a place, the latest first, and whether one surely is.

    The second round of a loop is left out.
    """
    here = {arm.branch for arm in arms if arm.holds(order)}
    found: list[_Bound] = []
    bound: dict[int, set[Arm]] = {}
    for one in reversed([one for one in bindings if one.order <= order]):
        around = [arm for arm in arms if arm.holds(one.order) and not arm.holds(order)]
        if any(arm.branch in here for arm in around):
            continue  # the other way of a branch
        found.append(one)
        if not around:
            return found, True
        if len(around) == 1:
            ways = bound.setdefault(around[0].branch, set())
            ways.add(around[0])
            if len(ways) == around[0].count:
                return found, True
    return found, False


def count_ways(node: cst.If) -> int:
    """How many arms an `if` has of which one surely runs, 0 without an `else`."""
    count, rest = 0, node.orelse
    while isinstance(rest, cst.If):
        count, rest = count + 1, rest.orelse
    return count + 2 if rest is not None else 0
