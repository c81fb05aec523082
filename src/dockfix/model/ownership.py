"""Which directories have to be given to the account, and from which step on."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from dockfix.model.copies import Copy, find_volumes
from dockfix.model.holdings import Reach, find_given, stands
from dockfix.model.lineage import is_root_user
from dockfix.model.paths import (
    STANDING_DIRECTORIES,
    is_below_any,
    is_ownable,
    is_root_home,
    is_shared,
    is_system_directory,
    is_within,
    resolve,
)
from dockfix.model.plan import Plan
from dockfix.model.runs import Invocation, Run

_LITERAL: Final = re.compile(r"/[\w./+@=,-]+")
# Commands that make no new thing in the directories they change.
_TIDYING: Final = ("rm", "rmdir", "chown", "mkdir", "chmod", "find")
_TOUCHING: Final = ("touch", "echo", "printf", "tee")


@dataclass(frozen=True, slots=True)
class Gift:
    """A directory to give, how much of it, and the step behind which it can be given (-1: anywhere).

    `stands` says that this step makes the directory.
    """

    path: str
    reach: Reach
    since: int = -1
    stands: bool = False


def find_gifts(plan: Plan) -> tuple[Gift, ...]:
    """The directories of a plan that are still root's and must not be, each once."""
    wanted: dict[str, Gift] = {}
    learned = (Gift(path, Reach.SELF) for path in sorted(plan.corrections.directories))
    for gift in (*_workplaces(plan), *_made(plan), *_mixed(plan), *learned):
        if _LITERAL.fullmatch(gift.path):
            other = wanted.get(gift.path, gift)
            wanted[gift.path] = Gift(
                gift.path,
                max(gift.reach, other.reach),
                max(gift.since, other.since),
                gift.stands or other.stands,
            )
    given = list(find_given(plan))
    left = [gift for gift in wanted.values() if not _is_given(gift, given)]
    return tuple(_outermost(left))


def _is_given(gift: Gift, given: Iterable[tuple[int, str, Reach]]) -> bool:
    return any(
        index >= gift.since and (path == gift.path if reach is Reach.SELF else is_within(gift.path, path))
        for index, path, reach in given
        if reach >= gift.reach or reach is not Reach.SELF
    )


def _outermost(gifts: list[Gift]) -> Iterator[Gift]:
    """The gifts that no wider one holds; a wider one waits for all that it holds."""
    for gift in gifts:
        if any(other is not gift and other.reach and is_within(gift.path, other.path) for other in gifts):
            continue
        inside = [other.since for other in gifts if gift.reach and is_within(other.path, gift.path)]
        yield replace(gift, since=max([gift.since, *inside]))


def _workplaces(plan: Plan) -> Iterator[Gift]:
    """The home, working directories and volumes: the directory itself, for nothing in it is root's."""
    if plan.home.strip("/") and (plan.account.homeless or _makes_home_early(plan) or _is_moved_home(plan)):
        created = plan.account.created
        yield Gift(plan.home, Reach.SELF, created.index if created and plan.account.homeless else -1)
    below = (step.before.workdir for step in plan.steps[plan.switch :] if step.keyword == "RUN")
    workdirs = (plan.workdir, *below)
    named = [path for path in workdirs if path != "/" and is_ownable(path) and _is_roots(plan, path)]
    named += (path for _, path in find_volumes(plan.lineage) if is_ownable(path))
    for path, _ in plan.starting.written:
        directory = posixpath.dirname(path)
        if not is_system_directory(directory) and not is_below_any(directory, plan.own_directories):
            named.append(directory)
    named += (path for path in plan.testimony.directories if not is_below_any(path, plan.own_directories))
    named += plan.testimony.mounts
    for path in named:
        # `mkdir -p` would leave the application's directories above it to root.
        yield from (
            Gift(own, Reach.SELF)
            for own in plan.own_directories
            if own not in (path, plan.home) and is_ownable(own) and is_within(path, own)
            if own not in STANDING_DIRECTORIES
        )
        yield Gift(path, Reach.SELF)


def _is_moved_home(plan: Plan) -> bool:
    """Whether ENV HOME names a directory that nothing below USER makes."""
    if plan.home in (plan.account.home, plan.lineage.image.env.get("HOME"), *STANDING_DIRECTORIES):
        return False
    entered = (plan.after(step).workdir for step in plan.lineage.of("WORKDIR") if plan.is_below(step))
    return _is_roots(plan, plan.home) or not any(is_within(path, plan.home) for path in entered)


def _is_roots(plan: Plan, path: str) -> bool:
    """Whether the directory is there before USER, made by or for root."""
    if plan.account.exists and plan.account.created is None:
        if path == plan.account.home:
            return plan.account.homeless
        if path == plan.lineage.image.workdir:
            return False
    if path in STANDING_DIRECTORIES or (path == plan.lineage.image.workdir and path != "/"):
        return True
    for step in plan.steps[: plan.switch]:
        if step.keyword == "WORKDIR" and step.before.is_root and is_within(plan.after(step).workdir, path):
            return True
    owned = set(map(id, plan.owned_copies))
    return any(
        is_within(copy.destination, path) and id(copy) not in owned and not copy.has_owner
        for copy in plan.copies
        if copy.step.index < plan.switch
    )


def _makes_home_early(plan: Plan) -> bool:
    """Whether a WORKDIR or COPY makes the home before the account is created, which then keeps its owner."""
    created = plan.account.created
    return created is not None and any(
        (step.keyword == "WORKDIR" and is_within(plan.after(step).workdir, plan.home))
        or (step.keyword in ("COPY", "ADD") and is_within(Copy(step).destination, plan.home))
        for step in plan.steps[: created.index]
    )


def _made(plan: Plan) -> Iterator[Gift]:
    """What root's steps make on purpose for data, and copies above the account that name nobody yet."""
    filled = [path for run in root_steps(plan) for one in run.invocations for path in _filling(one)]
    touched = {
        posixpath.dirname(path)
        for run in root_steps(plan)
        for one in run.invocations
        for path in _touching(one)
    }
    for run in root_steps(plan):
        for one in run.invocations:
            for path in one.effect("/root").makes:
                # `mkdir -p` makes the directories above as well.
                yield from (
                    Gift(own, Reach.SELF, run.step.index, stands=True)
                    for own in plan.own_directories
                    if own not in (path, plan.home) and is_ownable(own) and is_within(path, own)
                    if not stands(plan, own, run.step)
                )
                if not is_ownable(path) or is_root_home(path) or is_shared(path):
                    continue
                if any(is_within(place, path) for place in filled) or not _is_for_data(plan, path):
                    continue
                yield Gift(path, Reach.ALL if path in touched else Reach.SELF, run.step.index, stands=True)
            if one.command.program == "touch":
                # An empty file is made for somebody to write to.
                files = (path for path in one.effect("/root").writes if not is_shared(path))
                yield from (
                    Gift(path, Reach.SELF, run.step.index, stands=True)
                    for path in files
                    if not is_root_home(path)
                )
    account = plan.account.created
    for copy in plan.owned_copies:
        if (
            account is not None
            and copy.step.index < account.index
            and not copy.has_owner
            and copy.destination != "/"
        ):
            yield Gift(copy.destination, Reach.ALL, copy.step.index, stands=True)


def _is_for_data(plan: Plan, path: str) -> bool:
    return not is_system_directory(path) or any(is_within(path, own) for own in plan.own_directories)


def _filling(one: Invocation) -> list[str]:
    """What a command writes but does not make as a directory: it may fill the one it writes to."""
    if one.command.program in (*_TIDYING, *_TOUCHING):
        return []
    effect = one.effect("/root")
    return [path for path in effect.writes if path not in effect.makes]


def _touching(one: Invocation) -> tuple[str, ...]:
    """The files that a command starts for somebody to write on: they go with their directory."""
    return one.effect("/root").writes if one.command.program in _TOUCHING else ()


def _mixed(plan: Plan) -> Iterator[Gift]:
    """Directories of the application in which root's steps leave things of their own."""
    own = [
        path
        for path in plan.own_directories
        if path != plan.home and is_ownable(path) and path not in STANDING_DIRECTORIES
    ]
    yield from _given_away(plan, own)
    yield from _cloned(plan)
    landed = False
    copies = {copy.step.index for copy in plan.owned_copies}
    for step in plan.steps[: plan.switch]:
        landed = landed or step.index in copies
        run = plan.runs.get(step.index)
        for directory, index in _leavings(run, own, landed=landed) if run else ():
            above = [copy for copy in plan.owned_copies if copy.step.index < plan.switch]
            has_copies = any(is_within(copy.destination, directory) for copy in above)
            yield Gift(directory, Reach.ROOTS if has_copies else Reach.ALL, index, stands=True)


def _cloned(plan: Plan) -> Iterator[Gift]:
    """Repositories that root's steps bring into a working directory which the base brought."""
    for run in root_steps(plan):
        for one in run.invocations if plan.workdir in STANDING_DIRECTORIES else ():
            if one.command.program == "git":
                yield from (
                    Gift(path, Reach.ALL, run.step.index, stands=True)
                    for path in one.effect("/root").writes
                    if is_within(path, plan.workdir) and path != plan.workdir
                )


def _given_away(plan: Plan, own: list[str]) -> Iterator[Gift]:
    """What root's steps give to somebody else than the account."""
    for run in root_steps(plan):
        for one in run.invocations:
            if one.command.program != "chown":
                continue
            words = [word.expand(one.env) or "" for word in one.command.args if not word.text.startswith("-")]
            if len(words) < 2:
                continue
            name = words[0].partition(":")[0]
            if not name or name in (plan.account.name, str(plan.account.uid)) or is_root_user(name):
                continue
            for path in (resolve(word, one.cwd) for word in words[1:]):
                if is_ownable(path) and any(is_within(path, d) or is_within(d, path) for d in own):
                    yield Gift(path, Reach.ALL, run.step.index, stands=True)


def _leavings(run: Run, own: list[str], *, landed: bool) -> Iterator[tuple[str, int]]:
    """(directory of the application, step) of each place where a RUN of root's leaves something."""
    removed = {
        path for one in run.invocations if one.command.program == "rm" for path in one.effect("/root").writes
    }
    for one in run.invocations:
        if one.command.program in _TIDYING:
            continue
        places = [path for path in _left_behind(one, landed=landed) if path not in removed]
        for directory in own:
            if any(is_within(place, directory) for place in places):
                yield directory, run.step.index
            # A tree that root brings with the working directory in it.
            yield from (
                (place, run.step.index)
                for place in places
                if place != directory and is_within(directory, place) and not is_system_directory(place)
                if place not in STANDING_DIRECTORIES
            )


def _left_behind(one: Invocation, *, landed: bool) -> list[str]:
    """Where a command of root's leaves things; where nobody knows, its directory once copies are there."""
    if one.pip is not None:
        return [one.cwd] if {"-e", "--editable"} & one.pip.options else []
    effect = one.effect("/root")
    unknown = (effect.runs_code and not effect.root) or effect.root.startswith("not understood")
    return [*effect.writes, *([one.cwd] if unknown and landed else [])]


def root_steps(plan: Plan) -> Iterator[Run]:
    """The RUN steps above USER."""
    yield from (run for index, run in plan.runs.items() if index < plan.switch)
