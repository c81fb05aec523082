"""Create the account that the image will run as.

One RUN just above the first line that needs the account: USER, a copy that the account owns, a
volume that it must own, or a RUN of root's that fills one of its directories. The command depends on
the base: Debian's `adduser` where it is known to exist, else `useradd`, and busybox's `adduser -D` on
Alpine. A base without a shell gets no command, and USER and `--chown` are numbers. An account that the file
or the base already has is used instead, and a new one joins the groups that the file creates
(`groupadd`, `addgroup`).

Source: docker-library/python's images on Debian 13 slim have no `adduser`
(greenbone/gvm-tools#1243); busybox' flags are those of its loginutils/adduser.c; moby/moby#5419 (a
huge lastlog).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockfix.edits import Edit
from dockfix.model.accounts import UserAccount
from dockfix.model.copies import find_volumes
from dockfix.model.givers import find_giving
from dockfix.model.images import Image
from dockfix.model.lineage import Step
from dockfix.model.paths import is_ownable, is_root_home
from dockfix.model.plan import Plan
from dockfix.model.runs import read_run
from dockfix.syntax.style import Layout, NewLine

NAME = "create-user"
CHANGES = ""
CASES = ("cases/numeric-with-ids-of-its-own",)
COMMENT = "Create dedicated user"
# Above this uid, useradd without -l writes a sparse lastlog of many gigabytes (moby/moby#5419).
_LASTLOG_LIMIT = 65535
_UID = {"adduser": "--uid", "busybox": "-u", "useradd": "--uid"}
BEFORE = """\
FROM python:3.12-slim-bookworm
CMD ["python", "-m", "http.server"]
"""
AFTER = """\
FROM python:3.12-slim-bookworm
RUN adduser --disabled-password --gecos '' appuser
CMD ["python", "-m", "http.server"]
"""


def propose(plan: Plan) -> Iterator[Edit]:
    """The RUN that creates the account, if it does not exist yet and the base has a command for that."""
    index = find_place(plan)
    if index is not None:
        line = NewLine("RUN", account_command(plan.account, plan.lineage.image), COMMENT)
        yield insert_at(plan, index, line, precedes=index == plan.user_index)


def insert_at(
    plan: Plan, index: int, line: NewLine, *, follows: bool = False, precedes: bool = False
) -> Edit:
    """An edit that inserts a line above the step at `index`, or at the end of the final stage.

    `follows`: another edit of the same round inserts a line there, and this one comes after it;
    `precedes`: another one comes after this.
    """
    layout = Layout(plan.tree)
    if index < len(plan.steps):
        return layout.insert_before(plan.steps[index].instruction, [line], follows=follows, precedes=precedes)
    return layout.insert_after(plan.steps[-1].instruction, [line], follows=follows)


def find_place(plan: Plan) -> int | None:
    """The index of the first step that needs the new account, None if no account has to be created."""
    if plan.account.exists or plan.lineage.image.account_command == "none":
        return None
    if plan.repairs is not None:
        return _first_mention(plan) if plan.repairs.account else None
    if plan.runs_as_user:
        return None
    needing = [plan.user_index]
    needing += _copies(plan)
    volumes = (step.index for step, path in find_volumes(plan.lineage) if is_ownable(path))
    needing += (index for index in volumes if index)  # those of the base are there already
    if is_root_home(plan.lineage.end.workdir):
        needing += (
            step.index
            for step in plan.steps
            if step.keyword == "WORKDIR" and is_root_home(plan.after(step).workdir)
        )
    relative = plan.first_relative
    if relative is not None:
        needing.append(relative.index)
    place = min(index for index in needing if _is_roots(plan, index))
    return min(find_giving(plan, place), default=place)


def _copies(plan: Plan) -> Iterator[int]:
    """The indexes of the copies that will be the account's, or name it: without it, BuildKit means root."""
    yield from (copy.step.index for copy in plan.owned_copies if not copy.has_owner)
    for copy in plan.copies:
        if plan.account.name in {words.partition(":")[0] for words in _owners(plan, copy.step)}:
            yield copy.step.index


def _first_mention(plan: Plan) -> int | None:
    """The index of the first step that names the missing account, None if root cannot create it there."""
    name = plan.account.name
    pattern = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])")
    first = next(
        step.index for step in plan.steps if any(pattern.search(words) for words in _owners(plan, step))
    )
    return first if _is_roots(plan, first) else None


def _owners(plan: Plan, step: Step) -> Iterator[str]:
    """The words of a step that name the user of what follows, or owners of files."""
    if step.keyword == "USER":
        yield plan.after(step).user
    elif step.keyword == "RUN":
        commands = (one.command for one in read_run(step, "/root").invocations)
        yield from (word.text for one in commands if one.program in ("chown", "chgrp") for word in one.args)
    elif step.keyword in ("COPY", "ADD") and (flag := step.instruction.flag("chown")) is not None:
        yield step.expand(flag.value or "")


def _is_roots(plan: Plan, index: int) -> bool:
    return index >= len(plan.steps) or plan.steps[index].before.is_root


def account_command(account: UserAccount, image: Image) -> str:
    """The shell command that creates the account on that base image."""
    name, gid, joins = account.name, account.gid, account.joins
    has_gid = joins or gid is not None
    ids = [f"{_UID[image.account_command]} {account.uid}"] if account.uid else []
    if image.account_command == "adduser":
        group = f"addgroup --gid {gid} {name} && " if gid and not joins else ""
        ids += [f"--ingroup {account.group}" if joins else f"--gid {gid}"] if has_gid else []
        words = ["adduser --disabled-password --gecos ''", *ids, name]
    elif image.account_command == "busybox":
        group = f"addgroup -g {gid} {name} && " if gid and not joins else ""
        words = ["adduser -D", *ids, *([f"-G {account.group}"] if has_gid else []), name]
    else:
        group = f"groupadd --gid {gid} {name} && " if gid and not joins else ""
        ids += [f"--gid {account.group if joins else gid}"] if has_gid else []
        words = ["useradd --create-home", *_useradd_options(account, image), *ids, name]
    command = f"{group}{' '.join(words)}{_memberships(account, image)}"
    return f"{image.prepare} && {command}" if image.prepare else command


def _useradd_options(account: UserAccount, image: Image) -> Iterator[str]:
    if account.uid and account.uid > _LASTLOG_LIMIT:
        yield "--no-log-init"
    # openSUSE's useradd puts an account into the group users by default.
    if image.family == "suse" and account.gid is None and not account.joins:
        yield "--user-group"
    if account.groups:
        yield f"--groups {','.join(account.groups)}"


def _memberships(account: UserAccount, image: Image) -> str:
    """The commands that add the account to further groups, where its own command has no option for that."""
    program = {"adduser": "adduser", "busybox": "addgroup"}.get(image.account_command)
    return "".join(f" && {program} {account.name} {group}" for group in account.groups) if program else ""
