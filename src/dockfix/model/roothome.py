"""The files in root's home, and which of them can move to the account's home."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from dockfix.knowledge import read_names
from dockfix.knowledge.homes import find_users
from dockfix.model.caches import find_moved_installers
from dockfix.model.copies import Copy, find_volumes
from dockfix.model.lineage import Step
from dockfix.model.paths import is_below_any, is_root_home
from dockfix.syntax.tree import Instruction

if TYPE_CHECKING:
    from dockfix.model.plan import Plan

_WORD: Final = re.compile(r"(?<![\w./-])/root(?![\w.-])(?:/[\w.+@-]+)*/?")
_STARTING: Final = ("CMD", "ENTRYPOINT", "HEALTHCHECK")


def find_moves(plan: Plan) -> Iterator[tuple[Instruction, int]]:
    """(instruction, offset in its joined line) of every `/root` that must become the account's home."""
    if "/root" not in plan.tree.text:
        return
    prefixes = moving_places(plan)
    homes = home_follows(plan)
    for step in plan.steps:
        for match in _words(plan, step):
            follows = homes if _is_home(step, match) else is_below_any(match[0].rstrip("/"), prefixes)
            if follows:
                yield step.instruction, match.start()


def moving_places(plan: Plan) -> tuple[str, ...]:
    """The paths below /root that can move: copies, user installs, the working directory."""
    if is_root_home(plan.lineage.end.workdir):
        return ("/root",)
    places = [
        copy.destination
        for copy in plan.copies
        if is_root_home(copy.destination)
        and not copy.is_relative
        and not _keeps_its_place(copy)
        and _follows(plan, copy.destination, copy.step)
    ]
    if any(pip.is_user_install for _, pip in plan.user_installs):
        places.append("/root/.local")
    return tuple(places)


def _keeps_its_place(copy: Copy) -> bool:
    """Whether a copy keeps its path of the other stage, which its programs may rely on, unlike pip's."""
    if copy.destination.startswith("/root/.local"):
        return False
    return copy.stage is not None and copy.destination.rstrip("/") in map(_bare, copy.sources)


def _bare(path: str) -> str:
    return path.rstrip("/")


def home_follows(plan: Plan) -> bool:
    """Whether `ENV HOME=/root` can become the account's home in place: no step of root's needs it."""
    fixed = [
        step
        for step in plan.steps
        if step.keyword == "ENV" and any(_is_home(step, m) for m in _words(plan, step))
    ]
    return bool(fixed) and not any(
        index > fixed[0].index for index in plan.runs if index < plan.user_index and not _creates(plan, index)
    )


def _creates(plan: Plan, index: int) -> bool:
    created = plan.account.created
    return created is not None and created.index == index


def _is_home(step: Step, match: re.Match[str]) -> bool:
    before = match.string[step.instruction.args_start : match.start()]
    return step.keyword == "ENV" and re.search(r"(?<!\w)HOME[\s=]+[\"']?$", before) is not None


def find_left(plan: Plan) -> Iterator[tuple[str, int]]:
    """(path, line) of what the image needs from root's home at the start and what cannot move."""
    prefixes = moving_places(plan)
    end = plan.lineage.end
    for key, value in end.env.items():
        for path in re.findall(r"/root(?![\w.-])(?:/[\w.+@-]+)*", value):
            unused = _is_idle(plan, key) and not plan.replay.leaves(path, find_moved_installers(plan))
            if key != "HOME" and not unused and not is_below_any(path, prefixes):
                yield path, _env_line(plan, key)
    for keyword in _STARTING:
        step = plan.lineage.last(keyword)
        for match in _words(plan, step) if step else ():
            if not is_below_any(match[0].rstrip("/"), prefixes):
                assert step is not None
                yield match[0], step.instruction.line_of(match.start())
    for step, path in find_volumes(plan.lineage):
        if is_root_home(path) and not is_below_any(path, prefixes):
            yield path, step.instruction.line


def _is_idle(plan: Plan, variable: str) -> bool:
    """Whether nothing needs the path in a variable: it is searched, or for tools that the user never runs."""
    users = find_users(variable)
    if not users:
        return variable in read_names("homes", "search_paths")
    return users.isdisjoint((*plan.evidence.tools, *_programs_of_user(plan)))


def _programs_of_user(plan: Plan) -> Iterator[str]:
    """The names of programs and modules that the start and the account's steps run, among other words."""
    below = (one for index, run in plan.runs.items() if index >= plan.user_index for one in run.invocations)
    for one in (*plan.starting.invocations, *below):
        yield one.command.program.rpartition("/")[2]
        yield from (word.text for word in one.command.args)


def _follows(plan: Plan, destination: str, step: Step) -> bool:
    if step.index >= plan.user_index or destination.startswith("/root/.local"):
        return True
    named = [*plan.lineage.end.env.values()]
    named += (one.instruction.args for key in _STARTING if (one := plan.lineage.last(key)))
    return any(destination.rstrip("/") in text for text in named)


def _words(plan: Plan, step: Step) -> Iterator[re.Match[str]]:
    instruction = step.instruction
    start = instruction.args_start
    if step.keyword in ("COPY", "ADD"):
        # The sources are paths of another stage or the context; only the destination is one of this image.
        matches = list(_WORD.finditer(instruction.joined, start, instruction.args_end))
        if matches and not re.search(r"[\w/.]", instruction.joined[matches[-1].end() : instruction.args_end]):
            yield matches[-1]
        return
    if step.keyword == "RUN" and not is_root_home(plan.lineage.end.workdir) and step.index < plan.user_index:
        return
    if step.keyword in ("WORKDIR", "ENV", "VOLUME", "RUN", *_STARTING):
        yield from _WORD.finditer(instruction.joined, start, instruction.args_end)


def _env_line(plan: Plan, key: str) -> int:
    for step in reversed(plan.steps):
        if step.keyword == "ENV" and key in step.instruction.args:
            return step.instruction.line
    return plan.steps[0].instruction.line
