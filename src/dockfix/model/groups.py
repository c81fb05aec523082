"""Groups that a file creates without an account: a new account joins them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from dockfix.model.account_commands import GROUP_CREATORS, first_of, parse_options, to_number
from dockfix.model.lineage import Lineage, Step
from dockfix.model.paths import is_root_home
from dockfix.model.runs import read_run
from dockfix.syntax.shell import Command

_CREATES: Final = re.compile("|".join(GROUP_CREATORS))
_CHANGERS: Final = ("groupdel", "delgroup", "groupmod")
_NEEDS_ACCOUNT: Final = ("COPY", "ADD", "VOLUME", "USER")


@dataclass(frozen=True, slots=True)
class Group:
    """A group that a step creates; `is_ready`: it certainly exists where a new account is created."""

    name: str
    gid: int | None
    is_ready: bool


@lru_cache(maxsize=8)
def find_groups(lineage: Lineage) -> tuple[Group, ...]:
    """The groups that RUN steps of the lineage create, in order."""
    steps = [step for step in lineage.of("RUN") if _CREATES.search(step.instruction.args)]
    return tuple(_find(lineage, steps)) if steps else ()


def _find(lineage: Lineage, steps: list[Step]) -> Iterator[Group]:
    found = [(step, one) for step in steps for one in read_run(step, "/root").invocations]
    changed = any(one.command.program.rpartition("/")[2] in _CHANGERS for _, one in found)
    limit = -1 if changed else _first_need(lineage)
    for step, one in found:
        for name, gid in read_group(one.command, one.env):
            yield Group(name, gid, step.before.is_root and step.index < limit and not one.optional)


def _first_need(lineage: Lineage) -> int:
    """The index of the first step that a new account may have to precede, -1 if that is not known."""
    end = lineage.end.workdir
    if end == "/" or is_root_home(end):
        return -1
    return next((step.index for step in lineage.of(*_NEEDS_ACCOUNT)), len(lineage.steps))


def read_group(command: Command, env: Mapping[str, str]) -> Iterator[tuple[str, int | None]]:
    """(name, number if it is given) of the group that a command creates."""
    if command.program.rpartition("/")[2] in GROUP_CREATORS:
        options, operands = parse_options(command, env)
        if len(operands) == 1:
            yield operands[0], to_number(first_of(options, "-g", "--gid"))
