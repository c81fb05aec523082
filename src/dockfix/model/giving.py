"""The commands that give directories to the account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from dockfix.model.holdings import Reach
from dockfix.model.ownership import Gift, root_steps
from dockfix.model.paths import is_within, resolve
from dockfix.model.plan import Plan

_EVERYWHERE: Final = ("/opt", "/srv", "/mnt", "/media")
_ORDER: Final = (Reach.SELF, Reach.ALL, Reach.ROOTS)


def commands(plan: Plan, gifts: Iterable[Gift], at: int) -> list[str]:
    """Shell commands that give the directories, for a RUN that stands where the step `at` stands."""
    gifts = list(gifts)
    found: list[str] = []
    new = [gift.path for gift in gifts if gift.reach is Reach.SELF and not _exists(plan, gift, at)]
    if new:
        found.append("mkdir -p " + " ".join(new))
    regrouped = list(_regrouped(plan))
    by_manner: dict[tuple[Reach, str], list[str]] = {}
    for gift in sorted(gifts, key=lambda gift: _ORDER.index(gift.reach)):
        keeps = any(gift.since <= index < at and is_within(gift.path, path) for index, path in regrouped)
        owner = plan.account.owner.partition(":")[0] if keeps else plan.account.owner
        by_manner.setdefault((gift.reach, owner), []).append(gift.path)
    for (reach, owner), paths in by_manner.items():
        places = " ".join(paths)
        if reach is Reach.SELF:
            found.append(f"chown {owner} {places}")
        elif reach is Reach.ALL:
            found.append(f"chown -R {owner} {places}")
        elif plan.lineage.image.account_command == "busybox":
            found.append(f"find {places} -user root -exec chown {owner} {{}} +")
        else:
            found.append(f"chown -R --from=root {owner} {places}")
    return found


def _regrouped(plan: Plan) -> Iterator[tuple[int, str]]:
    """(step, place) of what root's steps give to a group, such as OpenShift's group 0: it keeps that."""
    for run in root_steps(plan):
        for one in run.invocations:
            if one.command.program == "chgrp":
                words = [word.expand(one.env) or "" for word in one.command.args]
                operands = [word for word in words if not word.startswith("-")]
                yield from ((run.step.index, resolve(path, one.cwd)) for path in operands[1:])


def _exists(plan: Plan, gift: Gift, at: int) -> bool:
    """Whether a directory surely is there before the step `at`."""
    if gift.path in _EVERYWHERE or (gift.stands and gift.since < at):
        return True
    return any(
        step.keyword == "WORKDIR" and is_within(plan.after(step).workdir, gift.path)
        for step in plan.steps[:at]
    )
