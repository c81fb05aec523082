"""Install Python packages into a virtual environment that the account owns.

The alternative to pip-user, chosen with `--install venv`: the environment is created in the account's
home, just above the first install below USER, and comes first on PATH. pip's own warning recommends
it.

Source: pip's warning about running as root; Python's documentation of venv.
"""

from __future__ import annotations

from collections.abc import Iterator

from dockfix.edits import Edit
from dockfix.model.plan import Plan
from dockfix.options import Install
from dockfix.syntax.style import Layout, NewLine

NAME = "venv"
CHANGES = ""
CASES = ("cases/install-venv",)
BEFORE = """\
FROM python:3.12-slim
RUN useradd --create-home appuser
USER appuser
RUN pip install flask
"""
AFTER = """\
FROM python:3.12-slim
RUN useradd --create-home appuser
USER appuser
RUN python -m venv /home/appuser/venv
ENV PATH="/home/appuser/venv/bin:${PATH}"
RUN pip install flask
"""


def propose(plan: Plan) -> Iterator[Edit]:
    """The RUN and the PATH line of the environment, above the first install that uses it."""
    if plan.options.install is not Install.VENV or not plan.runs_as_user:
        return
    for run, pip in plan.user_installs:
        place = f"{plan.home}/venv"
        lines = [
            NewLine("RUN", f"{pip.python} -m venv {place}", "Create virtual environment"),
            NewLine("ENV", f'PATH="{place}/bin:${{PATH}}"', "Configure environment path"),
        ]
        yield Layout(plan.tree).insert_before(run.instruction, lines)
        return
