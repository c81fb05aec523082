"""What the user that an image runs as already is surely denied, and what would take that away.

Only what is certain counts: the base is known in full, every possible answer of the replay is a denial,
and the command runs in any case. What a program may do beyond that is no reason to touch a file.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from dockfix.model.command_operations import home_use, in_home
from dockfix.model.current import has_known_accounts, is_surely_missing
from dockfix.model.filetree import START, each
from dockfix.model.image_texts import find_source
from dockfix.model.mounts import find_mounts
from dockfix.model.operations import Act, Operation
from dockfix.model.outcomes import Key, Outcome, ask
from dockfix.model.paths import is_below_any, is_ownable, is_system_directory, is_within, resolve
from dockfix.model.permissions import SEARCH, WRITE, Answer, Identity, Verdict, find_denials, may, permits
from dockfix.model.plan import Plan
from dockfix.model.repairs import NO_REPAIRS, Repairs

_IN_SOURCES: Final = -1
_CHANGES: Final = frozenset({Act.MAKE, Act.WRITE, Act.INSTALL})
_OF_STEPS: Final = frozenset({Act.MAKE, Act.INSTALL}) | {
    Act.REMOVE,
    Act.REPLACE,
    Act.COPY,
    Act.MOVE,
    Act.LINK,
}
_OF_START: Final = frozenset({Act.READ, Act.RUN})
_OF_KERNEL: Final = ("/dev", "/proc", "/sys")
_NO_CACHE: Final = frozenset({"--no-cache-dir", "--no-cache"})
_INSTALLERS: Final = frozenset({"uv", "poetry", "pipenv", "pdm", "conda", "mamba", "pipx"})
_NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]*")
_A_HOME: Final = re.compile(r"/(?:home|Users)/[^/]+")


@dataclass(frozen=True, slots=True)
class Denied:
    """One thing that the user is surely denied; `line` is 0 for what the application's sources do."""

    line: int
    message: str
    repairs: Repairs

    @property
    def subject(self) -> str:
        """What is denied, without the place that denies it."""
        return self.message.partition(", which ")[0]


def find_denied(plan: Plan) -> tuple[Denied, ...]:
    """The denials of a file that runs as a user, in the order of its lines; () if nothing is certain."""
    if not has_known_accounts(plan.lineage.image) or plan.strangers:
        return ()
    account, user = plan.account, plan.lineage.last("USER")
    if user is None:
        return ()
    if is_surely_missing(plan.lineage, account):
        name = account.name
        message = (
            f"USER names {name}, which no step creates and {plan.lineage.stages[0].reference} does not have"
        )
        return (Denied(user.instruction.line, message, Repairs(account=True)),)
    if not account.exists:
        return ()
    found = (*_of_operations(plan), *_of_start(plan), *_of_mounts(plan), *_of_path(plan))
    return tuple(sorted(dict.fromkeys(found), key=lambda one: one.line))


# -- operations ------------------------------------------------------------------------------------


def _of_operations(plan: Plan) -> Iterator[Denied]:
    reported: set[str] = set()
    by_steps = not _uses_sudo(plan)
    for one in plan.replay.outcomes:
        if (by_steps or one.key.step == START) and _is_sure(plan, one):
            repairs = _repairs(plan, one)
            place = next(iter(sorted(repairs.directories)), one.operation.path)
            if place not in reported:
                reported.add(place)
                yield Denied(_line_of(plan, one), _describe(plan, one, repairs), repairs)


def _line_of(plan: Plan, one: Outcome) -> int:
    """The line of the command, or of the start command for what the application does."""
    steps = plan.starting.steps
    return one.line or (steps[-1].instruction.line if steps else 0)


def _is_sure(plan: Plan, one: Outcome) -> bool:
    if one.who != plan.replay.who or is_below_any(one.operation.path, _OF_KERNEL):
        return False
    verdicts = {answer.verdict for answer in _known_answers(plan, one)}
    if one.key.step != START and one.operation.act in (Act.COPY, Act.MOVE):
        # Without its source, the command would fail as well.
        verdicts.discard(Verdict.ABSENT)
    if verdicts != {Verdict.DENIED}:
        return False
    if one.key.step != START:
        is_file = one.operation.act is Act.WRITE and bool(one.operation.spec)
        is_meant = one.operation.act in _OF_STEPS or is_file
        return is_meant and not one.optional
    if is_below_any(one.operation.path, _mounted(plan)):
        return False
    if one.key.command == _IN_SOURCES:
        return not _is_on_another_machine(plan, one.operation.path)
    return one.key.command >= 0 and one.operation.act in _OF_START and not one.optional


def _is_on_another_machine(plan: Plan, path: str) -> bool:
    """Whether the sources name a home that the image does not have, such as that of who wrote them."""
    home = _A_HOME.match(path)
    if home is None or is_within(path, plan.home):
        return False
    return not any(each(plan.replay.end.look(home[0])))


def _uses_sudo(plan: Plan) -> bool:
    """Whether steps of the user become root, so that the replay does not know what belongs to whom."""
    return any("sudo" in one.command.via for run in plan.runs.values() for one in run.invocations)


def _known_answers(plan: Plan, one: Outcome) -> list[Answer]:
    """The answers without those that the files of the build context rule out."""
    path = one.operation.path
    answers = list(one.answers)
    if one.operation.act is Act.RUN:
        # A binary runs without being readable.
        return [*answers, *may(plan.replay.end, path, one.who, SEARCH)]
    if one.key.step == START and one.operation.act is Act.WRITE and one.operation.spec:
        if _is_in_context(plan, path) is False:
            copied = {plan.origins[copy.step.index] for copy in plan.copies if copy.stage is None}
            there = ("", path)
            answers = [one for one in answers if one.origin not in copied or one.obstacle not in there]
        if _is_in_context(plan, posixpath.dirname(path)):
            answers = [one for one in answers if one.verdict is not Verdict.ABSENT]
    return answers or list(one.answers)


def _is_in_context(plan: Plan, path: str) -> bool | None:
    """Whether a copy brings a path from the build context, None if that is unknown."""
    names = plan.context.names
    if names is None:
        return None
    found = (find_source(copy, path) for copy in plan.copies if copy.stage is None)
    return any(
        posixpath.basename(source) in {name.rstrip("/") for name in names(posixpath.dirname(source))}
        for source in found
        if source
    )


def _of_start(plan: Plan) -> Iterator[Denied]:
    """Files that options of the start command, and variables, name to be written."""
    tree, who = plan.replay.end, plan.replay.who
    for number, (path, line) in enumerate(plan.starting.written):
        operation = Operation(Act.WRITE, path, "file")
        answers = ask(tree, operation, who)
        one = Outcome(
            Key(START, _IN_SOURCES, Act.WRITE, number), operation, who, answers, line, "the start command"
        )
        if not one.may_succeed and not is_below_any(path, (*_mounted(plan), *_perhaps_written(plan))):
            repairs = _repairs(plan, one)
            yield Denied(line, _describe(plan, one, repairs), repairs)


def _perhaps_written(plan: Plan) -> Iterator[str]:
    """The targets of redirections of a start that may be skipped, or may fail without consequence."""
    for one in plan.starting.commands:
        if one.invocation.optional:
            targets = (redirect.target.expand(one.invocation.env) for redirect in one.command.redirects)
            yield from filter(None, targets)


def _mounted(plan: Plan) -> tuple[str, ...]:
    """Where deployments mount something whose owner the image does not decide."""
    mounts = (mount for one in plan.context.deployments for mount in one.mounts)
    return tuple(resolve(one.target.value, "/") for one in mounts)


def _describe(plan: Plan, one: Outcome, repairs: Repairs) -> str:
    who = plan.lineage.end.user
    what = one.command or "the application"
    if repairs.home:
        return f"{what} {one.operation.act} the home of {who}, which does not exist"
    denials = find_denials(frozenset(_known_answers(plan, one)))
    obstacle = min(answer.obstacle for answer in denials)
    return f"{what} {one.operation.act} {one.operation.path}, which is denied to {who}: {obstacle}"


def _repairs(plan: Plan, one: Outcome) -> Repairs:
    """What takes a denial away, nothing if nothing does."""
    if _is_allowed_with_groups(plan, one):
        return Repairs(groups=True)
    steps = {answer.origin for answer in one.answers if isinstance(answer.origin, int)}
    copied = frozenset(at for at in steps if _lacks_owner(plan, at))
    if one.operation.act not in _CHANGES:
        return Repairs(copies=copied)
    return _of_write(plan, one, copied)


def _of_write(plan: Plan, one: Outcome, copied: frozenset[int]) -> Repairs:
    path = one.operation.path
    if _is_in_missing_home(plan, path):
        return Repairs(home=True, directories=frozenset({plan.home}))
    place = _place(one)
    tree = plan.replay.end
    if one.key.step == START and place != path and tree.exists(tree.follow(path)):
        return Repairs(copies=copied, directories=frozenset() if copied else frozenset({path}))
    if not is_ownable(place) or is_system_directory(place) or place == "/":
        return NO_REPAIRS
    return Repairs(directories=frozenset({place}))


def _place(one: Outcome) -> str:
    """The directory to give: for a step the one in its way, for a start the one that it writes to."""
    if one.key.step != START:
        return next(iter(sorted(answer.obstacle for answer in one.answers)), "/")
    path, is_file = one.operation.path, bool(one.operation.spec)
    return posixpath.dirname(path) if is_file else path


def _is_in_missing_home(plan: Plan, path: str) -> bool:
    account, home = plan.account, plan.replay.who.home
    if not (account.homeless or account.nowhere) or plan.replay.end.exists(plan.home):
        return False
    return is_within(path, home) and (home != "/" or path.startswith("/."))


def _lacks_owner(plan: Plan, origin: int) -> bool:
    """Whether a step is a copy without `--chown`."""
    copies = (copy for copy in plan.copies if plan.origins[copy.step.index] == origin)
    return any(not copy.has_owner for copy in copies)


def _is_allowed_with_groups(plan: Plan, one: Outcome) -> bool:
    """Whether the denial comes from `USER name:group`, which drops the account's other groups."""
    name, colon, _ = plan.lineage.end.user.partition(":")
    if not colon:
        return False
    who: Identity = plan.replay.accounts.identity(name, plan.lineage.end.env)
    if who.groups <= one.who.groups:
        return False
    full = replace(one.who, groups=who.groups | one.who.groups)
    return any(answer.verdict is Verdict.ALLOWED for answer in ask(plan.replay.end, one.operation, full))


# -- mounts ----------------------------------------------------------------------------------------


def _of_mounts(plan: Plan) -> Iterator[Denied]:
    """Cache mounts of the account's steps in which its tools keep their caches, and which it cannot write."""
    who = plan.replay.who
    for step in plan.steps[plan.user_index :]:
        if step.keyword != "RUN" or step.before.user != plan.lineage.end.user:
            continue
        used = set(_caches_of(plan, step.index))
        for one in find_mounts(step):
            if one.kind == "cache" and one.target in used and not permits(one.node, who, WRITE):
                name = plan.account.name
                message = f"the cache mount at {one.target} belongs to root, and {name} cannot write it"
                yield Denied(step.instruction.line, message, _of_mount(plan, step.index))


def _of_mount(plan: Plan, index: int) -> Repairs:
    origin = plan.origins[index]
    if plan.account.uid is None or not isinstance(origin, int):
        return NO_REPAIRS
    return Repairs(mounts=frozenset({origin}))


def _caches_of(plan: Plan, index: int) -> Iterator[str]:
    """The directories in which the commands of a RUN keep their caches."""
    who = plan.replay.who
    for one in plan.runs[index].invocations:
        words = {word.text for word in one.command.args}
        use = home_use(one, who)
        if use is not None and not words & _NO_CACHE and "PIP_NO_CACHE_DIR" not in one.env:
            yield from (in_home(place, who.home, one.cwd) for place in use.caches)


# -- PATH ------------------------------------------------------------------------------------------


def _of_path(plan: Plan) -> Iterator[Denied]:
    """A start command that only the account's own installs bring, in a directory that PATH does not name."""
    if not plan.user_installs or not plan.starting.steps or plan.finds_user_scripts:
        return
    first = next((one for one in plan.starting.commands if not one.is_deployed), None)
    if first is None or first.command.script is not None or _may_come_from_elsewhere(plan):
        return
    program = first.command.program
    if "/" not in program and program.lower().replace("_", "-") in _installed(plan):
        message = f"{program} is installed in {plan.user_scripts}, which is not on PATH"
        yield Denied(first.line, message, Repairs(path=True))


def _may_come_from_elsewhere(plan: Plan) -> bool:
    """Whether root's steps or copies may bring programs of packages."""
    above = (run for index, run in plan.runs.items() if index < plan.user_index)
    brings = any(one.installs and not one.only_bootstraps for run in above for one in run.pips)
    programs = (one.command.program for run in plan.runs.values() for one in run.invocations)
    others = any(program.rpartition("/")[2] in _INSTALLERS for program in programs)
    folders = [one for one in plan.lineage.end.env.get("PATH", "").split(":") if one.startswith("/")]
    copied = any(
        is_within(folder, copy.destination) or is_within(copy.destination, folder)
        for copy in plan.copies
        for folder in folders
    )
    return brings or others or copied


def _installed(plan: Plan) -> set[str]:
    """The names of the packages that the account installs, also those of readable requirements files."""
    found: set[str] = set()
    for run, pip in plan.user_installs:
        found.update(map(_name_of, pip.operands))
        for path in pip.requirements:
            text = plan.starting.read(resolve(path, run.step.before.workdir)) or ""
            found.update(map(_name_of, text.splitlines()))
    return found


def _name_of(requirement: str) -> str:
    wheel = requirement.rpartition("/")[2].partition("-")[0] if requirement.endswith(".whl") else ""
    match = _NAME.match(wheel or requirement.strip())
    return match[0].lower().replace("_", "-") if match else ""
