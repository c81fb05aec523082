"""Copy files so that the account owns them.

COPY and ADD create files as root regardless of USER, so each copy below USER, or into the
application's directories, gets `--chown`, and so does one of files that are closed to others (0600,
0750) in the build context. Numbers are used where a name cannot be resolved: with
`--link`, and on bases without accounts. Ownership that the file sets itself is left alone, unless it is
root's and `--chmod` closes the files to everybody else, and so is that of programs and libraries copied
from another stage into a system directory.

Source: moby/moby#6119 (COPY ignores USER); docker/buildx#1408 (no names with `--link`).
"""

from __future__ import annotations

from collections.abc import Iterator

from dockfix.edits import Edit
from dockfix.model.plan import Plan
from dockfix.model.spelling import Speller
from dockfix.syntax.tree import Instruction

NAME = "chown-copies"
CHANGES = r"\w+ --chown=(?:root|0)(?::\S*)?"
CASES = ("cases/linked-copies",)
BEFORE = """\
FROM python:3.12-slim
RUN useradd --create-home appuser
USER appuser
WORKDIR /app
COPY . .
"""
AFTER = """\
FROM python:3.12-slim
RUN useradd --create-home appuser
USER appuser
WORKDIR /app
COPY --chown=appuser:appuser . .
"""


def propose(plan: Plan) -> Iterator[Edit]:
    """A `--chown` flag for every copy that the account will own."""
    if not plan.runs_as_user:
        return
    account = plan.account
    for copy in plan.owned_copies:
        created = account.created.index if account.created else -1
        if copy.has_owner or copy.step.index < created:
            continue
        owner = Speller(plan, copy.step.index).spell_owner(account.owner)
        yield _give(copy.step.instruction, account.ids if copy.is_linked else owner)


def _give(instruction: Instruction, owner: str) -> Edit:
    """The edit that adds `--chown`, or replaces the user of one that names root."""
    flag = instruction.flag("chown")
    if flag is None:
        at = instruction.after(instruction.name_start + len(instruction.name))
        return Edit(at, at, f" --chown={owner}")
    _, colon, group = (flag.value or "").partition(":")
    value = f"{owner.partition(':')[0]}:{group}" if colon else owner
    return Edit(instruction.at(flag.start), instruction.after(flag.end), f"--chown={value}")
