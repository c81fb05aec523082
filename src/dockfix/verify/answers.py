"""The questions that a review asks, and what of them a proof answers."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Final

from dockfix.checks import codes
from dockfix.results import Changed, Finding, Result, Trial
from dockfix.runner.verdict import Ground, Kind, Observation

_STRONG: Final = frozenset({Ground.ANSWERS, Ground.HEALTH, Ground.ENDED})
"""What an application does that has started: a process that merely stays up may still be waiting."""
CLOSED_PORTS: Final = ("--sysctl", "net.ipv4.ip_unprivileged_port_start=1024")
"""Flags for a container in which ports below 1024 need a capability, as without docker's own default."""


def find_shown(
    kind: Kind, ground: Ground | None, before: Observation, after: Observation
) -> tuple[Trial, ...]:
    """What two observations with that verdict show."""
    return tuple(_shown(kind, ground, before, after))


def _shown(kind: Kind, ground: Ground | None, before: Observation, after: Observation) -> Iterator[Trial]:
    if kind is Kind.BREAKS:
        return
    yield Trial.BUILDS
    if kind is not Kind.PROVEN:
        return
    if ground in _STRONG:
        yield Trial.ANSWERS_ALIKE
    if before.asked_inside and after.asked_inside:
        yield Trial.MAY_WRITE


def may_be_answered(result: Result) -> bool:
    """Whether each review of a change asks something that a proof may answer."""
    return isinstance(result, Changed) and bool(result.reviews) and all(map(_is_asked, result.reviews))


def asks(result: Result, trial: Trial) -> bool:
    """Whether a review of a change asks for a trial."""
    return isinstance(result, Changed) and any(trial in _trials(review) for review in result.reviews)


def answer(change: Changed, shown: Collection[Trial]) -> Changed:
    """The change with the reviews accepted that are answered; the others name what has not been shown."""
    still_open = tuple(_name_open(one, shown) for one in change.reviews if not _is_answered(one, shown))
    answered = tuple(_name_answer(one) for one in change.reviews if _is_answered(one, shown))
    return replace(change, reviews=still_open, accepted=(*change.accepted, *answered))


def _trials(review: Finding) -> tuple[Trial, ...]:
    return codes.named(review.code).answered_by


def _is_asked(review: Finding) -> bool:
    return bool(_trials(review)) and review.code != codes.NOT_PYTHON.name


def _is_answered(review: Finding, shown: Collection[Trial]) -> bool:
    return all(trial in shown for trial in _trials(review))


def _name_open(review: Finding, shown: Collection[Trial]) -> Finding:
    missing = " and that ".join(trial for trial in _trials(review) if trial not in shown)
    help = f"; {review.help}" if review.help else ""
    return _with_help(review, f"the proof does not show that {missing}{help}")


def _name_answer(review: Finding) -> Finding:
    return _with_help(review, f"the proof shows that {' and that '.join(_trials(review))}")


def _with_help(review: Finding, help: str) -> Finding:
    return Finding(codes.named(review.code), review.line, review.message, help)
