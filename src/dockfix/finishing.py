"""Finish a move that somebody began: give the user that an image runs as what it is surely denied."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import reduce
from typing import Final, NamedTuple

from dockfix.checks import codes
from dockfix.model.plan import Plan
from dockfix.model.repairs import NO_REPAIRS, Repairs
from dockfix.model.unfinished import Denied, find_denied
from dockfix.provenance import Pass
from dockfix.results import Finding

REPAIRING: Final = frozenset(
    {"create-user", "set-user", "home-paths", "own-directories", "chown-copies", "user-path", "cache-mounts"}
)
"""The transforms that finish a move; the others would change what already works."""
_ATTEMPTS: Final = 6

Rounds = tuple[tuple[Pass, ...], ...]
Transform = Callable[[Plan], tuple[Plan, Rounds]]


class Finished(NamedTuple):
    """A rewrite that finishes a move: what it repairs, with lines of the original, and what it cannot."""

    plan: Plan
    rounds: Rounds
    repaired: tuple[Denied, ...]
    left: tuple[Denied, ...]


def finish(original: Plan, transform: Transform, to_original: Callable[[Plan, int], int]) -> Finished:
    """The smallest rewrite after which nothing more is surely denied.

    A repair may reveal further denials: an account that is created may not write its working directory.
    """
    found = _finish(original, transform, to_original)
    left = {(one.line, one.subject) for one in found.left}
    helpful = [one for one in found.repaired if (one.line, one.subject) not in left]
    if len(helpful) == len(found.repaired):
        return found
    plan, rounds = transform(replace(original, repairs=_join(one.repairs for one in helpful)))
    return Finished(plan, rounds, tuple(helpful), found.left)


def _finish(original: Plan, transform: Transform, to_original: Callable[[Plan, int], int]) -> Finished:
    plan, repairs = original, NO_REPAIRS
    rounds: Rounds = ()
    repaired: dict[str, Denied] = {}
    left: tuple[Denied, ...] = ()
    for _ in range(_ATTEMPTS):
        left = tuple(replace(one, line=to_original(plan, one.line)) for one in find_denied(plan))
        wanted = _join([repairs, *(one.repairs for one in left)])
        if wanted == repairs:
            break
        repaired |= {one.message: one for one in left if one.repairs != NO_REPAIRS}
        repairs = wanted
        plan, rounds = transform(replace(original, repairs=repairs))
    return Finished(plan, rounds, tuple(repaired.values()), left)


def _join(parts: Iterable[Repairs]) -> Repairs:
    return reduce(Repairs.joined, parts, NO_REPAIRS)


def describe_repaired(one: Denied) -> Finding:
    """The review that a repair needs."""
    help = "try the change with --verify, or apply it after a look: --write --accept unfinished-move"
    return Finding(codes.UNFINISHED_MOVE, one.line, one.message, help)


def describe_left(one: Denied) -> Finding:
    """What no repair of dockfix helps against."""
    return Finding(
        codes.UNFINISHED_MOVE, one.line, one.message, "use another path, or do it as root above USER"
    )
