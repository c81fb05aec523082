"""What a proof has shown that the application reads in root's home."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dockfix.checks import codes
from dockfix.evidence.python.catalogue import load_catalogue
from dockfix.model.caches import moving_variables
from dockfix.model.paths import is_within
from dockfix.model.plan import Plan
from dockfix.model.runs import Run
from dockfix.model.scripts import PYTHON
from dockfix.results import Finding

_SHELLS: Final = frozenset({"sh", "bash", "ash"})


def find_learned_caches(plan: Plan) -> Iterator[tuple[str, str]]:
    """(text of a RUN, variable) of caches that the application reads and a step of root's may fill.

    Which step did is not known: the variable counts from the first that runs code.
    """
    for variable in filter(None, (_variable(place) for place in plan.options.learned.reads)):
        yield from ((run.text, variable) for run in _find_running_code(plan))


def find_learned_reads(plan: Plan) -> Iterator[Finding]:
    """A review for what is read in root's home and cannot be moved out of it."""
    can_move = any(True for _ in _find_running_code(plan))
    left = [one for one in plan.options.learned.reads if not (can_move and _variable(one))]
    if left and plan.starting.steps:
        yield Finding(
            codes.USES_ROOT_HOME,
            plan.starting.steps[-1].instruction.line,
            f"a proof saw it read {', '.join(left)} in root's home, which no other user can enter",
            "put it where the user reads it, or name its place by a variable",
        )


def _variable(place: str) -> str:
    """The variable that moves what is at a place `~/...`, "" if none does."""
    known = load_catalogue().cache_variables
    found = next((variable for row, variable in known.items() if is_within(place, row)), "")
    return found if found in moving_variables() else ""


def _find_running_code(plan: Plan) -> Iterator[Run]:
    """Root's RUNs above USER that run Python or a script."""
    for run in plan.runs.values():
        if run.step.before.is_root and run.step.index < plan.user_index and _runs_code(run):
            yield run


def _runs_code(run: Run) -> bool:
    programs = (one.command.program for one in run.invocations)
    return any(PYTHON.fullmatch(one) or one in _SHELLS or "/" in one for one in programs)
