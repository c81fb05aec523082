"""Which directories have to be given to the account, and by which commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from dockfix.model.copies import Copy, find_volumes
from dockfix.model.lineage import Step
from dockfix.model.paths import (
    STANDING_DIRECTORIES,
    is_below_any,
    is_ownable,
    is_root_home,
    is_shared,
    is_system_directory,
    is_within,
)
from dockfix.model.plan import Plan, find_given
from dockfix.model.runs import Invocation, Run

_EVERYWHERE: Final = ("/opt", "/srv", "/mnt", "/media")
_LITERAL: Final = re.compile(r"/[\w./+@=,-]+")


@dataclass(frozen=True, slots=True)
class Directories:
    """Directories to give: `early` by the RUN that creates the account, the others just above USER.

    `made` were made on purpose by root's steps and go with all below them; in `mixed` root's steps
    left things among the account's own.
    """

    early: tuple[str, ...]
    made: tuple[str, ...]
    mixed: tuple[str, ...]


def find_directories(plan: Plan) -> Directories:
    """The directories of a plan that are still root's and must not be."""
    given = list(find_given(plan))
    whole = [path for _, path, reach in given if reach]
    done = frozenset(path for _, path, _ in given)

    def left(paths: Iterator[str]) -> list[str]:
        return [path for path in _plain(paths) if path not in done and not is_below_any(path, whole)]

    mixed = left(_mixed(plan))
    made = _outermost([*(path for path in mixed if not _has_copies(plan, path)), *left(_made(plan))])
    mixed = _outermost([path for path in mixed if not is_below_any(path, made)])
    return Directories(
        tuple(path for path in left(_early(plan)) if not is_below_any(path, made)),
        tuple(path for path in made if not is_below_any(path, mixed)),
        tuple(mixed),
    )


def _outermost(paths: list[str]) -> list[str]:
    """The paths that stand below none of the others, each once."""
    unique = list(dict.fromkeys(paths))
    return [path for path in unique if not any(is_within(path, one) for one in unique if one != path)]


def commands(plan: Plan, directories: Directories, existing: Step | None) -> list[str]:
    """Shell commands that give the directories; those that stand above the step `existing` are there."""
    owner = plan.account.owner
    found: list[str] = []
    new = [path for path in directories.early if not _stands_above(plan, path, existing)]
    plain = [path for path in directories.early if path not in directories.mixed]
    if new:
        found.append("mkdir -p " + " ".join(new))
    if plain:
        found.append(f"chown {owner} " + " ".join(plain))
    if directories.made:
        found.append(f"chown -R {owner} " + " ".join(directories.made))
    if directories.mixed:
        paths = " ".join(directories.mixed)
        if plan.lineage.image.account_command == "busybox":
            found.append(f"find {paths} -user root -exec chown {owner} {{}} +")
        else:
            found.append(f"chown -R --from=root {owner} {paths}")
    return found


def _has_copies(plan: Plan, path: str) -> bool:
    """Whether copies above USER put things of the account's own there, which need no new owner."""
    return any(
        is_within(copy.destination, path) for copy in plan.owned_copies if copy.step.index < plan.switch
    )


def _plain(paths: Iterator[str]) -> Iterator[str]:
    """Each path once, and only those that a shell takes literally."""
    return (path for path in dict.fromkeys(paths) if _LITERAL.fullmatch(path))


def _early(plan: Plan) -> Iterator[str]:
    volumes = [path for _, path in find_volumes(plan.lineage) if is_ownable(path)]
    workdirs = [
        plan.workdir,
        *(step.before.workdir for step in plan.steps[plan.switch :] if step.keyword == "RUN"),
    ]
    if plan.home.strip("/") and (plan.account.homeless or _makes_home_early(plan)):
        yield plan.home
    for path in workdirs:
        if path != "/" and is_ownable(path) and _is_roots(plan, path):
            yield path
    yield from volumes


def _is_roots(plan: Plan, path: str) -> bool:
    """Whether the directory is there before USER, made by or for root."""
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


def _stands_above(plan: Plan, path: str, existing: Step | None) -> bool:
    """Whether the directory surely exists at that step, so that it needs no mkdir."""
    if existing is None:
        return False
    return path in _EVERYWHERE or any(
        step.keyword == "WORKDIR" and is_within(plan.after(step).workdir, path)
        for step in plan.steps[: existing.index]
    )


def _made(plan: Plan) -> Iterator[str]:
    """Directories that root's steps make on purpose and put nothing into: places for data."""
    for run in _roots(plan):
        effects = [one.effect("/root") for one in run.invocations]
        for effect in effects:
            for path in effect.makes:
                if not _is_for_data(path) or is_below_any(path, _filled(plan, path)):
                    continue
                yield path
    account = plan.account.created
    if account is not None:
        yield from _unowned_copies(plan, account)


def _unowned_copies(plan: Plan, account: Step) -> Iterator[str]:
    """Copies for the account that stand above the step that creates it, where no name resolves yet."""
    for copy in plan.owned_copies:
        if copy.step.index < account.index and not copy.has_owner and copy.destination != "/":
            yield copy.destination


def _is_for_data(path: str) -> bool:
    return not is_system_directory(path) and not is_shared(path) and not is_root_home(path)


def _filled(plan: Plan, path: str) -> tuple[str, ...]:
    """`path` itself where other commands of root's put things into it, else nothing."""
    for run in _roots(plan):
        for one in run.invocations:
            effect = one.effect("/root")
            others = [
                place
                for place in effect.writes
                if place not in effect.makes and one.command.program not in ("rm", "chmod", "chown", "rmdir")
            ]
            if any(is_within(place, path) for place in others):
                return (path,)
    return ()


def _mixed(plan: Plan) -> Iterator[str]:
    """Directories of the application in which root's steps leave things of their own."""
    own = [path for path in plan.own_directories if path != plan.home and is_ownable(path)]
    landed: list[str] = []
    copies = {copy.step.index: copy for copy in plan.owned_copies}
    for step in plan.steps[: plan.switch]:
        if step.index in copies:
            landed.append(copies[step.index].destination)
        run = plan.runs.get(step.index)
        if run is None:
            continue
        removed = {
            path
            for one in run.invocations
            if one.command.program == "rm"
            for path in one.effect("/root").writes
        }
        for one in run.invocations:
            if one.command.program in ("rm", "chown", "mkdir", "chmod", "find"):
                continue
            places = [path for path in _left_behind(one, landed=bool(landed)) if path not in removed]
            for directory in own:
                if any(is_within(place, directory) for place in places):
                    yield directory


def _left_behind(one: Invocation, *, landed: bool) -> list[str]:
    """Where a command of root's leaves things; where nobody knows, its directory once copies are there."""
    if one.pip is not None:
        return [one.cwd] if {"-e", "--editable"} & one.pip.options else []
    effect = one.effect("/root")
    unknown = (effect.runs_code and not effect.root) or effect.root.startswith("not understood")
    return [*effect.writes, *([one.cwd] if unknown and landed else [])]


def _roots(plan: Plan) -> Iterator[Run]:
    yield from (run for index, run in plan.runs.items() if index < plan.switch)
