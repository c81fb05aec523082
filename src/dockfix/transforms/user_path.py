"""Put the scripts of user installs on PATH.

`ENV PATH` with the absolute directory (ENV expands neither HOME nor `~`) goes after the first RUN
that installs for the account, unless PATH already has that directory.

Source: docker-library/python#414; runc sets HOME, and ENV does not know it (libcontainer/env.go).
"""

from __future__ import annotations

from collections.abc import Iterator

from dockfix.edits import Edit
from dockfix.model.plan import Plan
from dockfix.model.spelling import Speller
from dockfix.options import Install
from dockfix.syntax.style import Layout, NewLine

NAME = "user-path"
CHANGES = ""
CASES = ("cases/path-extended-later",)
BEFORE = """\
FROM python:3.12-slim
RUN useradd --create-home appuser
USER appuser
RUN pip install --user flask
CMD ["flask", "run"]
"""
AFTER = """\
FROM python:3.12-slim
RUN useradd --create-home appuser
USER appuser
RUN pip install --user flask
ENV PATH="/home/appuser/.local/bin:${PATH}"
CMD ["flask", "run"]
"""


def propose(plan: Plan) -> Iterator[Edit]:
    """The PATH line, if the image's PATH lacks the directory of the account's scripts."""
    if not plan.runs_as_user or (plan.repairs is not None and not plan.repairs.path):
        return
    if plan.finds_user_scripts:
        return
    wanted = plan.options.install
    if wanted is Install.VENV:
        return
    for run, pip in plan.user_installs:
        if wanted is Install.USER or pip.is_user_install:
            place = Speller(plan, run.step.index).spell(plan.user_scripts)
            line = NewLine("ENV", f'PATH="{place}:${{PATH}}"', "Configure environment path")
            yield Layout(plan.tree).insert_after(run.instruction, [line])
            return
