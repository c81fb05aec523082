"""Build stages, what they inherit, and the state that is in force at each instruction."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import Final, NamedTuple

from dockfix.knowledge import read_table
from dockfix.lazy import cached_property
from dockfix.model.account_commands import read_number
from dockfix.model.images import Image, find_image, infer_image, with_start
from dockfix.model.paths import resolve
from dockfix.options import ANY_STAGE, Options
from dockfix.syntax.expansion import expand
from dockfix.syntax.shell import parse_script
from dockfix.syntax.tree import Dockerfile, Instruction
from dockfix.syntax.words import declared_arguments, image_from, is_number, key_values

DEFAULT_SHELL: Final = ("/bin/sh", "-c")
DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PLATFORM_ARGS: Final = {"TARGETPLATFORM": "linux/amd64", "TARGETOS": "linux", "TARGETARCH": "amd64"} | {
    "BUILDPLATFORM": "linux/amd64",
    "BUILDOS": "linux",
    "BUILDARCH": "amd64",
    "TARGETVARIANT": "",
}
_SETTINGS: Final = frozenset({"ARG", "ENV", "LABEL", "SHELL", "MAINTAINER", "ONBUILD", "STOPSIGNAL"})
# The instructions that the current user affects, and the one that sets it.
_TOUCHED: Final = ("USER", "RUN", "COPY", "ADD")
_VARIABLE: Final = re.compile(r"\$\{?(\w+)")
_NUMBERS: Final = re.compile(r"(?:useradd|adduser|usermod)[^;&|]{0,400}?[ \t]-(?:-uid|\w{0,8}u)|/etc/passwd")
"""What may give an account a number."""
_OF_ROOT: Final = re.compile(r"(?<![\w.:-])([a-z_][\w.-]*):[^:\s]*:0+:")
"""A line of /etc/passwd with root's number. Source: passwd(5)."""


class State(NamedTuple):
    """What is in force when an instruction starts.

    `variables` are ARG and ENV values for substitution (ENV wins); `env` holds the ENV values alone.
    `user` is as written, "" if its variable is empty. `roots` are the accounts besides root that have its
    number.
    """

    user: str
    workdir: str
    env: Mapping[str, str]
    variables: Mapping[str, str]
    shell: tuple[str, ...] = DEFAULT_SHELL
    roots: frozenset[str] = frozenset()

    @property
    def is_root(self) -> bool:
        """Whether the current user is root, perhaps by another name."""
        if is_root_user(self.user):
            return True
        return bool(self.roots) and self.user.partition(":")[0] in self.roots


@dataclass(slots=True, eq=False)
class Step:
    """One instruction of a stage; `index` is its position in the lineage."""

    index: int
    keyword: str
    instruction: Instruction
    stage: Stage
    before: State

    def expand(self, raw: str) -> str:
        """The value after Dockerfile variable substitution; unchanged if the syntax is not supported."""
        value = expand(raw, self.before.variables, self.instruction.escape)
        return raw if value is None else value


@dataclass(eq=False)
class Stage:
    """A FROM and its instructions; `parent` is the stage of the same file that it is built from, if any.

    `earlier` are the stages before it, from which it may copy. `arguments` are build arguments for those
    without a default, `given` those that replace defaults.
    """

    index: int
    name: str
    reference: str
    instructions: tuple[Instruction, ...]
    arguments: Mapping[str, str]
    parent: Stage | None = None
    earlier: tuple[Stage, ...] = field(default=(), repr=False)
    given: Mapping[str, str] = field(default_factory=dict)
    image: Image = field(init=False)

    def names(self) -> tuple[str, ...]:
        """The names by which `--from=` and FROM can refer to this stage."""
        return (self.name.lower(), str(self.index)) if self.name else (str(self.index),)


@dataclass(eq=False)
class Lineage:
    """The stages that make up one shipped image, oldest first, with the state at every instruction.

    `unnamed`: no build names the stage; it ships because it starts something and no other stage is built
    on it.
    """

    stages: tuple[Stage, ...]
    unnamed: bool = False

    @property
    def final(self) -> Stage:
        """The stage that ships."""
        return self.stages[-1]

    @property
    def image(self) -> Image:
        """The base image of the oldest stage."""
        return self.stages[0].image

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """All instructions of all stages, in the order of execution."""
        return tuple(self._walk())

    @cached_property
    def own_steps(self) -> tuple[Step, ...]:
        """The steps of the final stage, without its FROM."""
        return tuple(step for step in self.steps if step.stage is self.final and step.keyword != "FROM")

    @cached_property
    def end(self) -> State:
        """The state when the image starts."""
        last = self.steps[-1]
        return _advance(last.before, last)

    def last(self, keyword: str) -> Step | None:
        """The last step with that keyword: the one in force for CMD, ENTRYPOINT, USER and the like."""
        steps = self.of(keyword)
        return steps[-1] if steps else None

    def of(self, *keywords: str) -> list[Step]:
        """The steps with one of those keywords, in order."""
        if len(keywords) == 1:
            return self._by_keyword.get(keywords[0], [])
        return [step for step in self.steps if step.keyword in keywords]

    @cached_property
    def _by_keyword(self) -> dict[str, list[Step]]:
        found: dict[str, list[Step]] = {}
        for step in self.steps:
            found.setdefault(step.keyword, []).append(step)
        return found

    def _walk(self) -> Iterator[Step]:
        image = self.image
        env = {"PATH": DEFAULT_PATH, **image.env}
        shell = image.facts.shell if image.facts and image.facts.shell else DEFAULT_SHELL
        roots = {one.name for one in image.accounts if one.uid == 0}
        state = State(image.user, image.workdir or "/", env, env, shell, frozenset(roots))
        index = 0
        for stage in self.stages:
            for instruction in stage.instructions:
                step = Step(index, instruction.keyword, instruction, stage, state)
                yield step
                state = _advance(state, step)
                index += 1


def count_settings(steps: Sequence[Step]) -> int:
    """How many steps after FROM only set things; an ENV paragraph is not split from the line that uses it."""
    count = next((at for at, step in enumerate(steps) if step.keyword not in _SETTINGS), len(steps))
    if not 0 < count < len(steps):
        return count
    rows = [steps[0].stage.instructions[0], *(step.instruction for step in steps[: count + 1])]
    top = count
    while top >= 0 and rows[top].end == rows[top + 1].start:
        top -= 1
    paragraph = rows[top + 1 : count + 1]
    if top < 0 or any(one.keyword != "ENV" for one in paragraph):
        return count
    names = {key for one in paragraph for key, _ in key_values(one.args, one.escape)}
    return top if names & set(_VARIABLE.findall(rows[count + 1].args)) else count


def is_root_user(user: str) -> bool:
    """Whether a USER value (`name` or `uid`, with or without `:group`) means root."""
    if user == "root":
        return True
    name = user.partition(":")[0]
    return name == "root" or (is_number(name) and int(name) == 0)


def _advance(state: State, step: Step) -> State:
    keyword = step.keyword
    if keyword == "RUN":
        written = step.instruction
        source = written.source
        may_number = "-u" in source or "-ou" in source or "/etc/passwd" in source
        if may_number and _NUMBERS.search(source, written.start, written.end):
            return state._replace(roots=_roots_after(step))
        return state
    if keyword in ("COPY", "FROM", "ADD", "CMD"):
        return state
    if keyword == "USER":
        user = step.expand(step.instruction.args)
        return State(user, state.workdir, state.env, state.variables, state.shell, state.roots)
    if keyword == "WORKDIR":
        workdir = resolve(step.expand(step.instruction.args), state.workdir)
        return State(state.user, workdir, state.env, state.variables, state.shell, state.roots)
    if keyword == "ENV":
        pairs = {
            key: step.expand(value)
            for key, value in key_values(step.instruction.args, step.instruction.escape)
        }
        env, variables = {**state.env, **pairs}, {**state.variables, **pairs}
        return State(state.user, state.workdir, env, variables, state.shell, state.roots)
    if keyword == "ARG":
        variables = _with_args(state, step)
        return State(state.user, state.workdir, state.env, variables, state.shell, state.roots)
    if keyword == "SHELL" and step.instruction.json:
        return state._replace(shell=step.instruction.json)
    return state


def _roots_after(step: Step) -> frozenset[str]:
    """The accounts besides root that have its number after a step that makes or changes accounts."""
    roots, written = set(step.before.roots), step.instruction
    for text in (written.args, *(one.body for one in written.heredocs)):
        if "/etc/passwd" in written.args:
            roots.update(_OF_ROOT.findall(text))
        for command in parse_script(text).commands:
            if (numbered := read_number(command, step.before.variables)) is not None:
                name, number = numbered
                roots = roots | {name} if number == 0 else roots - {name}
    return frozenset(roots - {"root"})


def _with_args(state: State, step: Step) -> dict[str, str]:
    variables = dict(state.variables)
    for name, value in declared_arguments(step.instruction.args, step.instruction.escape):
        if name in state.env:
            continue
        if name in step.stage.given:
            variables[name] = step.stage.given[name]
        elif value is not None:
            variables[name] = step.expand(value)
        elif name in step.stage.arguments:
            variables[name] = step.stage.arguments[name]
    return variables


def read_stages(tree: Dockerfile, options: Options) -> tuple[Stage, ...]:
    """All stages of a file, each linked to its parent stage or base image.

    A build argument has its default, or else a value that the builds give; the options may turn that around.
    """
    variables = {**_PLATFORM_ARGS, **dict(options.arguments)}
    given = dict(options.arguments) if options.overrides else {}
    stages: list[Stage] = []
    rows: list[list[Instruction]] = []
    for instruction in tree.instructions:
        if instruction.keyword == "FROM":
            rows.append([instruction])
        elif rows:
            rows[-1].append(instruction)
        elif instruction.keyword == "ARG":
            for argument, default in declared_arguments(instruction.args, instruction.escape):
                if default is not None and argument not in given:
                    variables[argument] = expand(default, variables, instruction.escape) or ""
    for index, row in enumerate(rows):
        written, name = image_from(row[0].args)
        reference = expand(written, variables, row[0].escape) or ""
        parent = next((stage for stage in stages if reference.lower() == stage.name.lower() != ""), None)
        stage = Stage(index, name or "", reference, tuple(row), variables, parent, tuple(stages), given)
        stage.image = parent.image if parent else _base_image(stage, rows, options)
        stages.append(stage)
    return tuple(stages)


def _base_image(stage: Stage, rows: list[list[Instruction]], options: Options) -> Image:
    image = find_image(stage.reference, options.images, options.facts)
    if image.known:
        return image
    if options.base:
        return with_start(replace(find_image(options.base), name=image.name, tag=image.tag), image.facts)
    used = {name for row in rows for one in row if one.keyword == "RUN" for name in _managers(one.args)}
    managers = [name for name in read_table("bases")["package_managers"] if name in used]
    return with_start(infer_image(image, managers), image.facts)


@lru_cache(maxsize=4096)
def _managers(script: str) -> frozenset[str]:
    return frozenset(_manager_pattern().findall(script))


@cache
def _manager_pattern() -> re.Pattern[str]:
    names = "|".join(read_table("bases")["package_managers"])
    return re.compile(rf"(?<![\w/.-])({names})(?= )")


def find_lineages(stages: tuple[Stage, ...], targets: tuple[str, ...]) -> tuple[Lineage, ...]:
    """The lineages that ship: the last stage, the named targets, and stages with a start of their own.

    Stages that others are built on, and those that inherit their start, ship only if a target is unknown.
    A target that has nothing but files for `--output` is not an image that anybody runs.
    """
    wanted = [stages[-1]]
    for target in targets:
        named = (stage for stage in stages if target.lower() in stage.names() and not _is_output(stage))
        wanted += [stage for stage in named if stage not in wanted]
    parents = [stage.parent for stage in stages]
    if ANY_STAGE in targets:
        own = (stage for stage in stages if any(map(_starts, _ancestry(stage))))
    else:
        own = (stage for stage in stages if stage not in parents and _starts(stage))
    return (
        *map(trace, wanted),
        *(Lineage(tuple(_ancestry(stage)), unnamed=True) for stage in own if stage not in wanted),
    )


def _is_output(stage: Stage) -> bool:
    """Whether a stage is `FROM scratch` and starts nothing."""
    ancestry = _ancestry(stage)
    return ancestry[0].reference == "scratch" and not any(map(_starts, ancestry))


def _starts(stage: Stage) -> bool:
    """Whether a stage has a CMD or ENTRYPOINT of its own."""
    return any(one.keyword in ("CMD", "ENTRYPOINT") and one.args != "[]" for one in stage.instructions)


def trace(stage: Stage) -> Lineage:
    """The lineage of any stage, shipped or not."""
    return Lineage(tuple(_ancestry(stage)))


def _ancestry(stage: Stage) -> list[Stage]:
    found = [stage]
    while found[-1].parent is not None:
        found.append(found[-1].parent)
    return found[::-1]


def find_heirs(stages: Sequence[Stage], final: Stage) -> Iterator[tuple[Stage, Instruction]]:
    """(stage, first affected instruction) for each stage built on `final` whose steps expect root."""
    heirs = [final]
    for stage in stages:
        if stage.parent not in heirs:
            continue
        first = next((one for one in stage.instructions if one.keyword in _TOUCHED), None)
        if first is None:
            heirs.append(stage)
        elif first.keyword != "USER" or is_root_user(first.args):
            yield stage, first
