"""Which bindings of a name may be in force at a position in a statement whose branches may be skipped."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar


class Ordered(Protocol):
    """Anything with a position in source order."""

    @property
    def order(self) -> int:
        """The position."""


_Bound = TypeVar("_Bound", bound=Ordered)


@dataclass(frozen=True, slots=True)
class Arm:
    """A part of a statement that may be skipped, by its first and last position in source order.

    At most one arm of a `branch` runs; `count` is the number of arms, 0 if possibly none of them runs.
    """

    branch: int
    count: int
    first: int
    last: int

    def holds(self, order: int) -> bool:
        """Whether a position is within it."""
        return self.first <= order <= self.last


def find_reaching(
    bindings: Iterable[_Bound], order: int, arms_at: Callable[[int], Sequence[Arm]]
) -> tuple[list[_Bound], bool]:
    """(bindings that may be in force at a position, latest first, whether one of them certainly is).

    Only the first iteration of a loop is considered. `arms_at` returns the arms that hold a position.
    """
    here = {arm.branch for arm in arms_at(order)}
    found: list[_Bound] = []
    bound: dict[int, set[Arm]] = {}
    for one in reversed([one for one in bindings if one.order <= order]):
        around = [arm for arm in arms_at(one.order) if not arm.holds(order)]
        if any(arm.branch in here for arm in around):
            continue  # another arm of the same branch
        found.append(one)
        if not around:
            return found, True
        if len(around) == 1:
            ways = bound.setdefault(around[0].branch, set())
            ways.add(around[0])
            if len(ways) == around[0].count:
                return found, True
    return found, False


def count_ways(node: ast.If) -> int:
    """The number of arms of an `if` that has an `else`, 0 without one."""
    count, rest = 0, node
    while inner := next_choice(rest):
        count, rest = count + 1, inner
    return count + 2 if rest.orelse else 0


def next_choice(node: ast.If) -> ast.If | None:
    """The `elif` of an `if`, or the sole `if` of its `else`; None if it has neither."""
    match node.orelse:
        case [ast.If() as inner]:
            return inner
    return None
