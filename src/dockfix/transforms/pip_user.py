"""Install Python packages for the account, not for the system.

`pip install` below USER gets `--user`: with `pip`, `pip3`, `python -m pip`, and each of several in
one RUN. Above USER, the file's own `--user` would put packages into root's home, which is closed to
everybody else, so it is removed. Virtual environments, installs into a named directory (`--target`,
`--prefix`, `--root`), other installers, and every RUN that still runs as root are left alone.

Source: pip's documentation of user installs; EFForg/badger-sett#91 (no `--user` in a virtual
environment).
"""

from __future__ import annotations

from collections.abc import Iterator

from dockfix.edits import Edit
from dockfix.model.plan import Plan
from dockfix.options import Install
from dockfix.transforms.run_words import insert_after, remove

NAME = "pip-user"
CHANGES = r"RUN --user"
CASES = ("cases/pip-in-several-forms",)
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
    """A `--user` after `install` if the account installs; a `--user` that would break is removed."""
    if not plan.runs_as_user:
        return
    wanted = plan.options.install is Install.USER
    for run, pip in plan.user_installs:
        if wanted and not pip.is_user_install:
            yield insert_after(run, pip.action, "--user")
    # A virtual environment refuses the option, and above USER it means root's home.
    in_venv = plan.user_installs if plan.options.install is Install.VENV else ()
    for run, pip in (*plan.root_installs, *in_venv):
        yield from (remove(run, word) for word in pip.rest if word.text == "--user")
