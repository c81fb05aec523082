"""Give the account the directories that the application writes to.

A WORKDIR that stands above USER was made by root and keeps that owner; so do a volume's directory
and what root's steps make for data. They are made and given by the RUN that creates the account,
or by one of their own just above USER. Nothing is ever opened to everybody (no mode 777), and no
copied tree is owned anew, which would store it twice.
"""

from __future__ import annotations

from collections.abc import Iterator

from dockfix.edits import Edit
from dockfix.model.giving import commands
from dockfix.model.lineage import Step
from dockfix.model.ownership import find_gifts
from dockfix.model.plan import Plan
from dockfix.syntax.style import MAX_WIDTH, Layout, NewLine
from dockfix.transforms.create_user import account_command

NAME = "own-directories"
BEFORE = """\
FROM python:3.12-slim
WORKDIR /app
RUN apt-get update && apt-get install -y gcc
RUN useradd --create-home appuser
USER appuser
CMD ["python", "-m", "http.server"]
"""
AFTER = """\
FROM python:3.12-slim
WORKDIR /app
RUN apt-get update && apt-get install -y gcc
RUN useradd --create-home appuser && chown appuser:appuser /app
USER appuser
CMD ["python", "-m", "http.server"]
"""


def propose(plan: Plan) -> Iterator[Edit]:
    """The mkdir and chown commands, in the account's RUN or in one of their own above USER."""
    if not plan.is_moved or plan.lineage.image.account_command == "none":
        return
    gifts = find_gifts(plan)
    account = _account_step(plan)
    if account is not None:
        early = [gift for gift in gifts if gift.since < account.index]
        if parts := commands(plan, early, account.index):
            yield _append(plan, account, parts)
        gifts = tuple(gift for gift in gifts if gift not in early)
    user = plan.steps[plan.switch - 1]
    if parts := commands(plan, gifts, user.index):
        line = NewLine("RUN", " && ".join(parts), "Give the user its directories")
        yield Layout(plan.tree).insert_before(user.instruction, [line])


def _account_step(plan: Plan) -> Step | None:
    """The RUN that create-user wrote, to which commands may be added."""
    step = plan.account.created
    if step is None:
        return None
    written = account_command(plan.account, plan.lineage.image)
    return step if step.instruction.args.split() == written.split() else None


def _append(plan: Plan, step: Step, parts: list[str]) -> Edit:
    instruction = step.instruction
    at = instruction.after(instruction.args_end)
    width = len(instruction.joined) + sum(len(part) + 4 for part in parts)
    joint = " && " if width <= MAX_WIDTH else f" {plan.tree.escape}{plan.tree.eol}    && "
    return Edit(at, at, "".join(joint + part for part in parts))
