"""RUNs of root's that can give to the account what they leave, so that no later step stores it twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dockfix.model.lineage import DEFAULT_SHELL
from dockfix.model.mounts import find_mounts
from dockfix.model.operations import Act
from dockfix.model.ownership import OwnershipChange, find_ownership_changes
from dockfix.model.paths import is_within
from dockfix.model.plan import Plan

_MOST: Final = 3
"""More RUNs than that share one command behind them."""
_COMPOUND: Final = ("fi", "done", "esac", ")", "}")
_ENDS: Final = frozenset({"exit", "exec", "return"})
_WRITING: Final = frozenset({Act.WRITE, Act.COPY, Act.MOVE, Act.INSTALL})


def can_give(plan: Plan, change: OwnershipChange) -> bool:
    """Whether a command behind each RUN that leaves something there gives all of it to the account."""
    if plan.repairs is not None or len(change.makers) > _MOST or not change.is_left_by_makers:
        return False
    return all(_takes_commands(plan, index, change.path) for index in change.makers)


def _takes_commands(plan: Plan, index: int, path: str) -> bool:
    """Whether `&& chown PATH` may follow the script of a RUN."""
    run, step = plan.runs[index], plan.steps[index]
    if step.stage is not plan.lineage.final or not step.before.is_root or run.words is not None:
        return False
    if step.instruction.heredocs or not run.script.understood or "#" in run.text:
        return False
    text = run.text.rstrip()
    if text.endswith(("&", ";", "|")) or not run.invocations or run.invocations[-1].command.program in _ENDS:
        return False
    if (text.endswith(_COMPOUND) or "()" in text) and ("set -" in text or step.before.shell != DEFAULT_SHELL):
        # What stands to the left of `&&` does not end at an error inside it, even after `set -e`.
        return False
    return not any(is_within(one.target, path) for one in find_mounts(step))


def find_giving(plan: Plan, last: int) -> Iterator[int]:
    """The RUNs above the step `last` that are known to fill a directory, and can give it to the account.

    An assumed write alone does not bring the account forward.
    """
    account = plan.account
    if account.groups or account.joins:
        return
    written = list(_written(plan, last))
    if not any(is_within(path, one) for one in plan.own_directories for _, path in written):
        return
    for change in find_ownership_changes(plan):
        known = {index for index, path in written if is_within(path, change.path)}
        if known.issuperset(change.makers) and can_give(plan, change):
            yield change.makers[0]


def _written(plan: Plan, last: int) -> Iterator[tuple[int, str]]:
    """(index of the RUN, path) of what RUNs of the final stage above a step write."""
    own = {plan.origins[one.index]: one.index for one in plan.lineage.own_steps if one.keyword == "RUN"}
    for one in plan.replay.outcomes:
        index = own.get(one.key.step, last)
        if index < last and one.who.is_root and one.operation.act in _WRITING:
            yield index, one.operation.destination
