"""Run the image as the account.

`USER` goes directly after the last step that needs root, and above everything else; steps are never
reordered. Installs above that line still run as root and stay system-wide. Stages built on one that
ships by `--target` switch back to root, as their steps expect.

An image that is built on this one starts as the account too. Where it runs `apt-get`, it needs `USER
root` above that step and the account's `USER` below it; a shell in a running container is root's with
`docker exec --user 0`.

Source: Docker's build best practices, section USER; OpenLiberty/ci.docker#409 (root steps that fail
behind USER).
"""

from __future__ import annotations

from collections.abc import Iterator

from dockfix.edits import Edit
from dockfix.model.lineage import find_heirs
from dockfix.model.ownership import find_ownership_changes
from dockfix.model.plan import Plan
from dockfix.model.repairs import Repairs
from dockfix.model.spelling import Speller
from dockfix.syntax.style import Layout, NewLine
from dockfix.transforms.create_user import find_place, insert_at

NAME = "set-user"
CHANGES = r"USER .*"
CASES = ("cases/account-with-supplementary-groups",)
BEFORE = """\
FROM python:3.12-slim
RUN useradd --create-home appuser
CMD ["python", "-m", "http.server"]
"""
AFTER = """\
FROM python:3.12-slim
RUN useradd --create-home appuser
USER appuser
CMD ["python", "-m", "http.server"]
"""


def propose(plan: Plan) -> Iterator[Edit]:
    """The USER line, if the image still runs as root; it replaces a `USER root` that no step needs."""
    if plan.repairs is not None:
        yield from _renamed(plan, plan.repairs)
    if plan.runs_as_user:
        return
    before = plan.steps[plan.user_index - 1]
    user = Speller(plan, plan.user_index).spell_owner(plan.account.user)
    # The RUN that creates the account goes in between.
    follows = find_place(plan) == plan.user_index
    # A RUN that changes owners of directories would go above it, and needs root.
    stays = before.keyword == "USER" and not before.before.is_root and bool(find_ownership_changes(plan))
    if before.keyword == "USER" and plan.after(before).is_root and not stays and not follows:
        instruction = before.instruction
        start, end = instruction.at(instruction.args_start), instruction.after(instruction.args_end)
        yield Edit(start, end, user)
    else:
        line = NewLine("USER", user, "Switch to non-root user")
        yield insert_at(plan, plan.user_index, line, follows=follows)
    yield from _back_to_root(plan)


def _renamed(plan: Plan, repairs: Repairs) -> Iterator[Edit]:
    """A USER that keeps the account's groups, or its number where the image has no accounts."""
    nameless = repairs.account and plan.lineage.image.account_command == "none"
    value = plan.account.user if nameless else plan.lineage.end.user.partition(":")[0]
    if not (nameless or repairs.groups):
        return
    for step in plan.lineage.of("USER"):
        if plan.after(step).user == plan.lineage.end.user:
            instruction = step.instruction
            start, end = instruction.at(instruction.args_start), instruction.after(instruction.args_end)
            yield Edit(start, end, value)


def _back_to_root(plan: Plan) -> Iterator[Edit]:
    """A `USER root` at the top of each stage that would inherit the account from the shipped stage."""
    for stage, first in find_heirs(plan.stages, plan.lineage.final):
        if first.keyword != "USER":
            line = NewLine("USER", "root", "Continue as root")
            yield Layout(plan.tree).insert_after(stage.instructions[0], [line])
