"""Let the account use the cache, secret and ssh mounts of its steps.

A cache mount belongs to root unless `uid` is set, and one below /root is closed to everybody else:
below USER, its target moves to the account's home. Secrets and ssh sockets are readable only by
root, so they get `uid` and `gid` too. Steps that still run as root keep their mounts.

Source: Dockerfile reference, "RUN --mount"; moby/buildkit#1237, astral-sh/uv#12710.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockfix.edits import Edit
from dockfix.model.lineage import Step
from dockfix.model.plan import Plan
from dockfix.model.spelling import Speller
from dockfix.syntax.tree import Flag

NAME = "cache-mounts"
CHANGES = r"RUN .*=/root.*"
CASES = ("cases/pip-cache-mount",)
BEFORE = """\
FROM python:3.12-slim
RUN groupadd --gid 10001 app && useradd --create-home --uid 10001 --gid 10001 app
USER app
RUN --mount=type=cache,target=/root/.cache/pip pip install --user flask
"""
AFTER = """\
FROM python:3.12-slim
RUN groupadd --gid 10001 app && useradd --create-home --uid 10001 --gid 10001 app
USER app
RUN --mount=type=cache,target=/home/app/.cache/pip,uid=10001,gid=10001 pip install --user flask
"""
_TARGET = re.compile(r"(?:target|dst|destination)=(/root)(?=[/,\"']|$)")


def propose(plan: Plan) -> Iterator[Edit]:
    """Edits of the targets and owners of RUN mounts below USER."""
    if not plan.runs_as_user or plan.account.uid is None:
        return
    for step in plan.steps[plan.user_index :]:
        if step.keyword == "RUN" and _is_meant(plan, step):
            for flag in step.instruction.flags:
                if flag.name == "mount" and re.search(r"type=(cache|secret|ssh)\b", flag.value or ""):
                    yield from _edits(plan, step, flag)


def _is_meant(plan: Plan, step: Step) -> bool:
    return plan.repairs is None or plan.origins[step.index] in plan.repairs.mounts


def _edits(plan: Plan, step: Step, flag: Flag) -> Iterator[Edit]:
    instruction = step.instruction
    if match := _TARGET.search(instruction.joined, flag.start, flag.end):
        home = Speller(plan, step.index).spell(plan.home)
        yield Edit(instruction.at(match.start(1)), instruction.after(match.end(1)), home)
    if "uid=" not in (flag.value or ""):
        uid, _, gid = plan.account.ids.partition(":")
        quoted = instruction.joined[flag.end - 1] in "\"'"
        at = instruction.after(flag.end - quoted)
        yield Edit(at, at, f",uid={uid},gid={gid}")
