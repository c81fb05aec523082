"""What the account holds: places that it may write, and what chown steps give it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import TYPE_CHECKING

from dockfix.model.copies import Copy, find_volumes
from dockfix.model.lineage import Step
from dockfix.model.paths import STANDING_DIRECTORIES, is_shared, is_within, resolve

if TYPE_CHECKING:
    from dockfix.model.plan import Plan


class Reach(IntEnum):
    """How much of a directory a chown gives: itself, what is root's in it, or all of it."""

    SELF = 0
    ROOTS = 1
    ALL = 2


def may_write(plan: Plan, path: str, step: Step) -> bool:
    """Whether the account may create and change things at that place when `step` runs."""
    if is_shared(path) or (plan.home.strip("/") and is_within(path, plan.home)):
        return True
    return any(is_within(path, one) and stands(plan, one, step) for one in plan.own_directories)


def is_given(plan: Plan, path: str) -> bool:
    """Whether the file itself gives a place, or all around it, to the account."""
    return any(
        path == place or (reach is Reach.ALL and is_within(path, place))
        for _, place, reach in find_given(plan)
    )


def stands(plan: Plan, directory: str, step: Step) -> bool:
    """Whether something above `step` makes an own directory: only root can make one in `/`."""
    if is_within(step.before.workdir, directory) or directory in STANDING_DIRECTORIES:
        return True
    if any(is_within(directory, path) for _, path in find_volumes(plan.lineage)):
        return True
    return any(
        one.index < step.index
        and (
            (one.keyword == "WORKDIR" and is_within(plan.after(one).workdir, directory))
            or (one.keyword in ("COPY", "ADD") and is_within(Copy(one).destination, directory))
        )
        for one in plan.steps
    )


def find_given(plan: Plan) -> Iterator[tuple[int, str, Reach]]:
    """(step, directory, reach) of every chown above USER that gives to the account."""
    owners = {plan.account.owner, plan.account.name, plan.account.ids, f"{plan.account.name}:"}
    owners |= {f"{plan.account.name}:{group}" for group in (plan.account.name, plan.account.group)}
    for index, run in plan.runs.items():
        for one in run.invocations if index < plan.switch else ():
            if one.command.program in ("chown", "find"):
                words = [word.expand(one.env) or "" for word in one.command.args]
                if owners.intersection(words):
                    partly = one.command.program == "find" or any(word.startswith("--from") for word in words)
                    reach = Reach.ROOTS if partly else Reach.ALL if "-R" in words else Reach.SELF
                    paths = (word for word in words if word.startswith(("/", ".")))
                    yield from ((index, resolve(path, one.cwd), reach) for path in paths)
