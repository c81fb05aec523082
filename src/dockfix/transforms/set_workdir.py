"""Give the application a working directory of its own.

If the file has no WORKDIR, or works in `/`, the image starts in a new directory below the account's
home, where relative copies then go; words that name the old place of such a copy are changed. An
existing WORKDIR keeps its path, because mounts and settings depend on it.

Source: Dockerfile reference, "WORKDIR": the default is /; moby/moby#36677.
"""

from __future__ import annotations

from collections.abc import Iterator

from dockfix.edits import Edit
from dockfix.model.plan import Plan
from dockfix.model.relocation import find_references
from dockfix.syntax.style import Layout, NewLine

NAME = "set-workdir"
CHANGES = r"WORKDIR .*|(CMD|ENTRYPOINT|ENV|HEALTHCHECK|RUN) .*/.*"
CASES = ("cases/absolute-reference-that-follows",)
BEFORE = """\
FROM python:3.12-slim
RUN useradd --create-home appuser
USER appuser
COPY app.py .
CMD ["python", "app.py"]
"""
AFTER = """\
FROM python:3.12-slim
RUN useradd --create-home appuser
USER appuser
WORKDIR /home/appuser/app
COPY app.py .
CMD ["python", "app.py"]
"""


def propose(plan: Plan) -> Iterator[Edit]:
    """The WORKDIR line, and the edits of absolute paths to what moves there."""
    if not plan.relocates or not plan.runs_as_user:
        return
    layout = Layout(plan.tree)
    explicit = plan.lineage.last("WORKDIR")
    if explicit is not None and plan.first_relative is None:
        instruction = explicit.instruction
        yield Edit(
            instruction.at(instruction.args_start), instruction.after(instruction.args_end), plan.workdir
        )
        yield from _references(plan)
        return
    line = [NewLine("WORKDIR", plan.workdir, "Set working directory")]
    relative = plan.first_relative
    if relative is not None:
        yield layout.insert_before(relative.instruction, line)
    else:
        yield layout.insert_after(plan.steps[plan.user_index - 1].instruction, line)
    yield from _references(plan)


def _references(plan: Plan) -> Iterator[Edit]:
    for instruction, start in find_references(plan):
        yield Edit(instruction.at(start), instruction.at(start), plan.workdir)
