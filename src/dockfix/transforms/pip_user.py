"""Install Python packages for the account, not for the system.

`pip install` below USER gets `--user`: with `pip`, `pip3`, `python -m pip`, and each of several in
one RUN. Above USER, a `--user` of the file's own would put packages into root's home, closed to
everybody else: it goes. Left alone are virtual environments, installs that name their place (`--target`,
`--prefix`, `--root`), other installers, and every RUN that stays root's.
"""

from __future__ import annotations

from collections.abc import Iterator

from dockfix.edits import Edit
from dockfix.model.plan import Plan
from dockfix.options import Install

NAME = "pip-user"
BEFORE = """\
FROM python:3.12-slim
RUN useradd --create-home appuser
USER appuser
WORKDIR /app
RUN pip install --no-cache-dir flask
"""
AFTER = """\
FROM python:3.12-slim
RUN useradd --create-home appuser
USER appuser
WORKDIR /app
RUN pip install --user --no-cache-dir flask
"""


def propose(plan: Plan) -> Iterator[Edit]:
    """A `--user` behind the word `install` of every install that becomes the account's."""
    if plan.options.install is not Install.USER or not plan.is_moved:
        return
    for run, pip in plan.user_installs:
        if not pip.is_user_install:
            yield run.insert_after(pip.action, "--user")
    for run, pip in plan.root_installs:
        for word in pip.rest:
            if word.text == "--user":
                yield run.remove(word)
