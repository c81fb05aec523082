"""Run the image as the account.

`USER` goes directly behind the last step that needs root, and above everything else; steps are
never put in another order. Installs above that line stay root's and system-wide.
"""

from __future__ import annotations

from collections.abc import Iterator

from dockfix.edits import Edit
from dockfix.layout import NewLine
from dockfix.model.ownership import find_gifts
from dockfix.model.plan import Plan
from dockfix.transforms.create_user import insert_at

NAME = "set-user"
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
    """The USER line, where the image still runs as root; a `USER root` that serves no step becomes it."""
    if plan.is_moved:
        return
    before = plan.steps[plan.switch - 1]
    # A RUN that gives directories would stand above it, where root has to be in force.
    stays = before.keyword == "USER" and not before.before.is_root and bool(find_gifts(plan))
    if before.keyword == "USER" and plan.after(before).is_root and not stays:
        instruction = before.instruction
        start, end = instruction.at(instruction.args_start), instruction.after(instruction.args_end)
        yield Edit(start, end, plan.account.user)
    else:
        yield insert_at(plan, plan.switch, [NewLine("USER", plan.account.user, "Switch to non-root user")])
