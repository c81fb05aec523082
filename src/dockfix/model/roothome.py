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
_NAME: Final = re.compile(r"\$\{?(\w+)")
_STARTING: Final = ("CMD", "ENTRYPOINT", "HEALTHCHECK")


def find_moves(plan: Plan) -> Iterator[tuple[Instruction, int]]:
    """(instruction, offset in its joined line) of every `/root` that must become the account's home."""
    if "/root" not in plan.tree.text:
        return
    prefixes = moving_places(plan)
    for step in plan.steps:
        for match in _words(plan, step):
            if _sets_home(plan, step, match):
                follows = _is_free(plan, step)
            else:
                follows = is_below_any(match[0].rstrip("/"), prefixes)
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
    """Whether the last `ENV HOME=/root` can become the account's home in place."""
    steps = (step for step in reversed(plan.steps) if step.keyword == "ENV")
    last = next((one for one in steps if any(_sets_home(plan, one, it) for it in _words(plan, one))), None)
    return last is not None and _is_free(plan, last)


def _is_free(plan: Plan, step: Step) -> bool:
    """Whether no RUN of root's below a step needs root's home."""
    above = (index for index in plan.runs if step.index < index < plan.user_index)
    return all(_creates(plan, index) for index in above)


def _creates(plan: Plan, index: int) -> bool:
    created = plan.account.created
    return created is not None and created.index == index


def _sets_home(plan: Plan, step: Step, match: re.Match[str]) -> bool:
    """Whether a word is the value that an ENV gives to HOME, which no value of another variable is."""
    before = match.string[step.instruction.args_start : match.start()]
    is_value = step.keyword == "ENV" and re.search(r"(?<!\w)HOME[\s=]+[\"']?$", before) is not None
    return is_value and plan.after(step).env.get("HOME", "").startswith(match[0])


def find_left(plan: Plan) -> Iterator[tuple[str, int]]:
    """(path, line) of what the image needs from root's home at the start and what cannot move."""
    prefixes = moving_places(plan)
    yield from _left_in_variables(plan, prefixes)
    for keyword in _STARTING:
        step = plan.lineage.last(keyword)
        for match in _words(plan, step) if step else ():
            if not is_below_any(match[0].rstrip("/"), prefixes):
                assert step is not None
                yield match[0], step.instruction.line_of(match.start())
    for step, path in find_volumes(plan.lineage):
        if is_root_home(path) and not is_below_any(path, prefixes):
            yield path, step.instruction.line


def _left_in_variables(plan: Plan, prefixes: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    """The same for variables: they move with what they contain, which HOME may not."""
    for key, value in plan.lineage.end.env.items():
        for match in _WORD.finditer(value):
            path, step = match[0].rstrip("/"), _env_step(plan, key)
            if key == "HOME":
                stays = not plan.home.strip("/")
            else:
                unused = _is_idle(plan, key) and not plan.replay.leaves(path, find_moved_installers(plan))
                moves = home_follows(plan) or not _contains_home(plan, key)
                stays = not unused and not (moves and is_below_any(path, prefixes))
            if stays:
                yield path, step.instruction.line


def _contains_home(plan: Plan, key: str) -> bool:
    """Whether the value of a variable is made of HOME, or of one that is."""
    seen: set[str] = set()
    todo = [key]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += _NAME.findall(_env_step(plan, name).instruction.args)
    return "HOME" in seen


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


def _env_step(plan: Plan, key: str) -> Step:
    """The last ENV that changes a variable, the first step of the file for one of the base."""
    steps = (one for one in reversed(plan.steps) if one.keyword == "ENV")
    found = (one for one in steps if plan.after(one).env.get(key) != one.before.env.get(key))
    return next(found, plan.steps[0])
