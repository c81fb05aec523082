"""Reviews: what to check before a change is applied; notes: what the file does not show."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from dockfix.checks import codes
from dockfix.checks.languages import mentions_python, review_language
from dockfix.checks.owner_commands import command_for_volume, user_to_give
from dockfix.context import COPIED, Deployment
from dockfix.knowledge import read_names
from dockfix.knowledge.processes import find_installer
from dockfix.model.closed_copies import find_closed
from dockfix.model.copies import find_volumes
from dockfix.model.effects import UNKNOWN_PLACE
from dockfix.model.filetree import START, Kind
from dockfix.model.interpreters import find_kept_interpreter
from dockfix.model.losses import Loss
from dockfix.model.makefiles import MAKES, find_recipes
from dockfix.model.operations import WRITING, Act, Operation
from dockfix.model.ownership import find_reclaimed, find_undecided, owns
from dockfix.model.paths import NOWHERE, is_shared, is_system_directory
from dockfix.model.plan import Plan
from dockfix.model.runs import Invocation
from dockfix.model.starting import StartedCommand, Starting
from dockfix.model.writable import find_hidden
from dockfix.results import Finding
from dockfix.syntax.words import is_number
from dockfix.writable import Writable

SHOWN: Final = 120
"""The maximum number of characters of a base's ONBUILD steps to show."""
_LOW_PORT_WORD: Final = re.compile(
    r"(?:--?(?:port|p|server[._]port|http-port|bind|b|listen)[= ]+(?:\[?[\w.:*\]]*:)?|:)"
    r"(\d{1,3})(?![\d.:/\w])"
)

# The bits of a umask without which others can neither read nor enter.
_OF_OTHERS: Final = 0o005


def find_reviews(plan: Plan) -> Iterator[Finding]:
    """What has to be checked before the change is made, one finding per topic."""
    starting = plan.starting
    yield from _of_context(plan)
    yield from _of_base(plan)
    yield from _of_start(plan, starting)
    yield from _of_runners(starting)
    yield from _of_jobs(plan)
    yield from _of_places(plan, starting)
    yield from _of_interpreters(plan)
    yield from _of_login_shells(plan)
    yield from _root_tools(plan)
    yield from _docker_clients(plan)
    yield from _low_ports(plan)
    yield from _triggers(plan)


def _of_context(plan: Plan) -> Iterator[Finding]:
    for one in plan.context.missing[:1] if not plan.context.is_alone else ():
        yield Finding(
            codes.UNKNOWN_CONTEXT, one.line,
            f"no folder up to the repository root contains all that is copied, such as {one.path}",
            "name the build context in a compose file, or check what the application writes",
        )  # fmt: skip
    if plan.context.is_undecided and not plan.context.missing:
        yield Finding(
            codes.UNKNOWN_CONTEXT, _first_copy(plan),
            f"{plan.context.open_callers[0]} builds it from a folder known only during the build,"
            " and nothing that is copied shows which",
            "name the build context in a compose file, or check what the application writes",
        )  # fmt: skip


def _first_copy(plan: Plan) -> int:
    """The line of the first copy from the build context, or 0."""
    copies = (copy for copy in plan.copies if copy.stage is None and not copy.step.instruction.heredocs)
    return next((copy.step.instruction.line for copy in copies), 0)


def _of_base(plan: Plan) -> Iterator[Finding]:
    image, first = plan.lineage.image, plan.steps[0].instruction.line
    starts_unread = image.facts is None and plan.lineage.last("ENTRYPOINT") is None
    if image.family == "unknown" or (not image.known and starts_unread):
        yield Finding(
            codes.UNKNOWN_BASE, first, f"dockfix does not know the base image {image.name}",
            "ask the image with --inspect, or pass --base FAMILY",
        )  # fmt: skip
    elif image.uncertain:
        yield Finding(
            codes.UNKNOWN_BASE, first,
            f"dockfix is not certain of the base image {image.name}: {image.uncertain}",
            "ask the image with --inspect, or name its facts under images in the configuration",
        )  # fmt: skip
    if not mentions_python(plan):
        yield review_language(plan, first)
    users = list(plan.lineage.of("USER"))
    if plan.lineage.end.is_root and any(not one.before.is_root for one in users):
        yield Finding(
            codes.FINAL_USER_ROOT,
            users[-1].instruction.line,
            "the file switches back to USER root at its end",
            "check whether that is deliberate",
        )


def _only_copied(plan: Plan) -> tuple[Deployment, ...]:
    """The deployments of the image, if all of them only copy files out of it."""
    found = plan.context.deployments
    return found if all(one.kind == COPIED for one in found) else ()


def _of_start(plan: Plan, starting: Starting) -> Iterator[Finding]:
    if not (starting.steps or starting.deployed) and not plan.lineage.image.starts:
        yield Finding(
            codes.STARTS_NOTHING, plan.lineage.final.instructions[0].line,
            "no CMD or ENTRYPOINT: probably a base for images whose steps need root",
            "check which images build on it",
        )  # fmt: skip
    elif plan.context.deployments and (copies := _only_copied(plan)):
        yield Finding(
            codes.STARTS_NOTHING, plan.lineage.final.instructions[0].line,
            f"{copies[0].place} only copies files out of the image", "check whether anybody else runs it",
        )  # fmt: skip
    if not starting.understood:
        line = starting.steps[-1].instruction.line
        yield Finding(
            codes.OPAQUE_COMMAND,
            line,
            "the start command cannot be parsed",
            "check that it does not need root",
        )
    if starting.is_waiting:
        yield Finding(
            codes.OPAQUE_COMMAND, starting.steps[-1].instruction.line,
            "ENTRYPOINT expects arguments, but there is no CMD", "check what callers pass",
        )  # fmt: skip
    for start in [one for one in starting.deployed if one.is_unknown][:1]:
        yield Finding(
            codes.OPAQUE_COMMAND, 0,
            f"the program that {start.by.place} starts is a variable without a value",
            "check that it does not need root",
        )  # fmt: skip
    for one in starting.commands:
        parts = (one.command.name, *one.command.args) if one.command.name is not None else ()
        words = [word.expand(one.invocation.env) or word.text for word in parts]
        if one.command.script is None and (installer := find_installer(words)):
            yield Finding(
                codes.DENIED_TO_USER, one.line,
                f"the start{one.place} installs packages with {installer}, where the user may not",
                "install them at build time",
            )  # fmt: skip
            break
    for one in islice(_find_lost_places(plan, starting), 1):
        yield Finding(
            codes.OPAQUE_COMMAND, one.line,
            f"{one.command.program} in the start{one.place} works at a place that is not known",
            "check that the user may write there",
        )  # fmt: skip
    for path, line in starting.unread:
        yield Finding(
            codes.UNREAD_ENTRYPOINT, line, f"{path} cannot be read", "check that it does not need root"
        )


def _of_runners(starting: Starting) -> Iterator[Finding]:
    """A command that runs tasks of a file that is not read: of a justfile, or a goal that no Makefile has."""
    runners = read_names("processes", "start", "runners") | MAKES
    for one in starting.commands:
        program = one.command.program.rpartition("/")[2]
        if program in runners and not any(find_recipes(one.invocation, starting.read)):
            yield Finding(
                codes.UNREAD_ENTRYPOINT, one.line,
                f"the tasks that {program} runs{one.place} were not read",
                "check what it writes, and that it does not need root",
            )  # fmt: skip
            return


def _find_lost_places(plan: Plan, starting: Starting) -> Iterator[StartedCommand]:
    """Commands that write or work where a variable, another command's output or a loop leads.

    They are certain to run, unless the loop has no round or the place is there already. A script is read
    with and without the arguments that CMD gives it; one place that is known is enough.
    """
    lost = {id(one): _is_lost(one.invocation, plan.home) for one in starting.commands}
    known = {(one.where, id(one.command)) for one in starting.commands if not lost[id(one)]}
    for before, one in zip((None, *starting.commands), starting.commands, strict=False):
        is_certain = _is_certain(one) or (before is not None and _makes_missing(before, one))
        if lost[id(one)] and is_certain and (one.where, id(one.command)) not in known:
            yield one


def _is_certain(one: StartedCommand) -> bool:
    return one.invocation.looped or not one.invocation.optional


_TESTS: Final = frozenset({"[", "[[", "test"})
_EXISTENCE: Final = frozenset({"-d", "-e", "-f"})


def _makes_missing(test: StartedCommand, one: StartedCommand) -> bool:
    """Whether only a test for what a command makes is in its way: `[ -d "$d" ] || mkdir "$d"`."""
    words = {word.text for word in test.command.args}
    places = words - _EXISTENCE - {"!"}
    asks = test.command.program in _TESTS and len(places) == 1 and not words.isdisjoint(_EXISTENCE)
    if not asks or places.isdisjoint(word.text for word in one.command.args):
        return False
    if "!" in words:
        return _is_certain(test)
    ways = (test.command.way, one.command.way)
    return all(way is not None and way.outer is None and way.branch.exhaustive for way in ways)


def _is_lost(one: Invocation, home: str) -> bool:
    root = one.effect(home).root
    return root == UNKNOWN_PLACE or (root != "" and one.cwd == NOWHERE)


def _of_jobs(plan: Plan) -> Iterator[Finding]:
    """Jobs of a CI system that run their own steps in the image, as its user.

    Taskcluster's run-task gives their volumes to the account `worker` itself, if it runs as root
    (taskcluster/taskgraph, src/taskgraph/run-task/run-task).
    """
    if "/taskcluster/docker/" in f"/{plan.context.path}":
        yield Finding(
            codes.FOREIGN_OWNER, plan.steps[0].instruction.line,
            "Taskcluster starts jobs in this image by run-task, which gives them their volumes as root",
            "leave it as root: run-task drops it by itself",
        )  # fmt: skip
        return
    for one in plan.context.deployments:
        if one.kind == "job" and one.user is None:
            yield Finding(
                codes.FOREIGN_OWNER, plan.steps[0].instruction.line,
                f"{one.place} runs the steps of a job in this image, in a workspace of another user",
                "let the job run as root (`options: --user root`, or `docker: user` in GitLab)",
            )  # fmt: skip
            return


def _of_places(plan: Plan, starting: Starting) -> Iterator[Finding]:
    for path, line in starting.written:
        if is_system_directory(posixpath.dirname(path)) and not owns(plan, posixpath.dirname(path)):
            yield Finding(
                codes.WRITES_TO_SYSTEM_DIRECTORY, line,
                f"the start command writes {path}, which only root can do",
                "use a directory that the user owns, or /dev/stdout",
            )  # fmt: skip
    if plan.home == plan.lineage.end.env.get("HOME") and is_system_directory(plan.home):
        yield Finding(
            codes.DENIED_TO_USER, _line_of_home(plan), f"HOME is {plan.home}, where the user cannot write",
            "set HOME to the user's own home, or check that nothing writes there",
        )  # fmt: skip


def _line_of_home(plan: Plan) -> int:
    """The line of the last ENV that sets HOME, or the first line if the base sets it."""
    steps = [step for step in plan.lineage.of("ENV") if "HOME" in step.instruction.args]
    return (steps[-1] if steps else plan.steps[0]).instruction.line


def _root_tools(plan: Plan) -> Iterator[Finding]:
    tools = read_names("processes", "packages", "roots")
    installers = read_names("processes", "packages", "installers")
    for run in plan.runs.values():
        for one in run.invocations:
            if one.command.program not in installers:
                continue
            names = [word.text.partition("=")[0] for word in one.command.args]
            for name in sorted(tools.intersection(names)):
                yield Finding(
                    codes.INSTALLS_ROOT_TOOL, run.line_of(one.command), f"only root can use {name}",
                    "check that nothing starts it",
                )  # fmt: skip
                return


def _docker_clients(plan: Plan) -> Iterator[Finding]:
    """Copies of docker's client from other images, and downloads: it talks to a socket of root's."""
    for line in (*_copied_clients(plan), *_downloaded_clients(plan)):
        yield Finding(
            codes.INSTALLS_ROOT_TOOL, line, "only root can use docker's socket, which the client needs",
            "check that nothing starts it, or give the user the socket's group",
        )  # fmt: skip
        return


def _copied_clients(plan: Plan) -> Iterator[int]:
    """The lines of the copies."""
    for copy in plan.copies:
        programs = [path for path in copy.sources if posixpath.basename(path) == "docker"]
        if copy.stage and any(is_system_directory(posixpath.dirname(path)) for path in programs):
            yield copy.step.instruction.line


def _downloaded_clients(plan: Plan) -> Iterator[int]:
    """The lines of the downloads: docker's script, the archives of its programs, and compose."""
    addresses = read_names("processes", "packages", "docker")
    for run in plan.runs.values():
        for one in run.invocations:
            words = (word.expand(one.env) or word.text for word in one.command.args)
            if any(address in word for word in words for address in addresses):
                yield run.line_of(one.command)


def _low_ports(plan: Plan) -> Iterator[Finding]:
    low = [port for port in plan.lineage.image.ports if port < 1024]
    if low and not any(step in plan.steps for step in plan.starting.steps):
        yield Finding(
            codes.LOW_PORT, plan.steps[0].instruction.line,
            f"the base image listens on port {low[0]}, which is below 1024",
            "Docker allows it (20.10 and later), other runtimes may not",
        )  # fmt: skip
        return
    for step in plan.steps:
        ports: list[str] = []
        if step.keyword == "EXPOSE":
            ports = re.findall(
                r"(?<![\w.-])(\d+)(?:-\d+)?(?:/\w+)?(?!\S)", step.expand(step.instruction.args)
            )
        elif step in plan.starting.steps:
            words = " ".join(step.instruction.json or (step.instruction.args,))
            ports = _LOW_PORT_WORD.findall(words)
        for port in ports:
            if is_number(port) and 0 < int(port) < 1024:
                yield Finding(
                    codes.LOW_PORT,
                    step.instruction.line,
                    f"port {port} is below 1024",
                    "Docker allows it (20.10 and later), other runtimes may not",
                )
                return


def _triggers(plan: Plan) -> Iterator[Finding]:
    facts = plan.lineage.image.facts
    if facts is not None and facts.onbuild:
        yield Finding(
            codes.ONBUILD, plan.steps[0].instruction.line,
            f"the base image's ONBUILD steps run as root: {'; '.join(facts.onbuild)[:SHOWN]}",
            "check what they copy and install, and where",
        )  # fmt: skip
    elif facts is None and "onbuild" in plan.lineage.image.tag:
        yield Finding(
            codes.ONBUILD, plan.steps[0].instruction.line,
            "the base image's ONBUILD steps copy and install as root",
            "check where they put it",
        )  # fmt: skip
    for step in plan.lineage.of("ONBUILD"):
        yield Finding(
            codes.ONBUILD, step.instruction.line, "ONBUILD steps will run as the new user in other images",
            "check which images build on it",
        )  # fmt: skip
        return


def _of_interpreters(plan: Plan) -> Iterator[Finding]:
    if line := find_kept_interpreter(plan):
        yield Finding(
            codes.USES_ROOT_HOME, line,
            "uv downloads the Python of the environment to root's home, where the user cannot run it",
            "set UV_PYTHON_INSTALL_DIR to a directory outside root's home",
        )  # fmt: skip


def _of_login_shells(plan: Plan) -> Iterator[Finding]:
    """A login shell that sets PATH to the system's directories, where the account's own programs are not.

    Alpine's /etc/profile does (alpinelinux/docker-alpine, v3.20). Debian's ~/.profile adds ~/.local/bin, and
    RHEL's /etc/profile only extends PATH (ydirson/rh-setup, profile).
    """
    if plan.lineage.image.family != "alpine" or not plan.user_installs:
        return
    for line in plan.starting.login[:1]:
        yield Finding(
            codes.DENIED_TO_USER, line,
            f"the login shell of the start sets PATH anew, without {plan.user_scripts}",
            "start it without the option -l",
        )  # fmt: skip


def find_lost(plan: Plan, losses: Iterable[Loss]) -> Iterator[Finding]:
    """Findings for what root can do but the account cannot, or what it no longer finds; one per path."""
    reported: set[str] = set()
    for loss in losses:
        start = f"the start command{_place_of(plan, loss)}"
        where = f"line {loss.before.line}: " if loss.before.line else f"{start}: "
        place = loss.obstacle or loss.before.operation.path
        if place in reported:
            continue
        reported.add(place)
        act = loss.before.operation.act
        if NOWHERE in (place, loss.before.operation.path):
            yield Finding(
                codes.OPAQUE_COMMAND, loss.before.line,
                f"{where}{loss.before.command or 'the application'} works at a place that is not known",
                "check that the user may write there",
            )  # fmt: skip
            continue
        if loss.before.operation.path == place == "/":
            yield Finding(
                codes.WORKS_IN_ROOT_DIRECTORY, loss.before.line,
                "the image works in /, where the new user cannot write", "check that it writes nothing there",
            )  # fmt: skip
            continue
        if act is Act.HOME:
            origins = [one.origin for one in loss.before.answers if isinstance(one.origin, int)]
            line = min((plan.steps[origin].instruction.line for origin in origins), default=0)
            yield Finding(
                codes.USES_ROOT_HOME, line,
                f"what this may leave in {loss.before.operation.path} will not be in the user's {plan.home}",
                "run the step as the user, or use a directory outside root's home",
            )  # fmt: skip
            continue
        if act in WRITING and (
            is_system_directory(place) or _is_file_of_system(loss.before.operation, place)
        ):
            yield Finding(
                codes.WRITES_TO_SYSTEM_DIRECTORY, loss.before.line,
                f"{start} writes {loss.before.operation.destination}, which only root can do",
                "use a directory that the user owns, or /dev/stdout",
            )  # fmt: skip
            continue
        path = loss.before.operation.path
        at = f": {place}" if place != path else ""
        yield Finding(
            codes.DENIED_TO_USER, loss.before.line,
            f"{where}{loss.before.command or 'the application'} {act} {path},"
            f" which is denied to the user{at}",
            "give it to the user, or use another path",
        )  # fmt: skip


def _place_of(plan: Plan, loss: Loss) -> str:
    """` in FILE` of the script or the deployment that a start stands in, "" for the Dockerfile."""
    key, commands = loss.before.key, plan.starting.commands
    return commands[key.command].place if key.step == START and 0 <= key.command < len(commands) else ""


def _is_file_of_system(operation: Operation, place: str) -> bool:
    """Whether an operation writes a file that lies in a directory of the system, as in /var/log."""
    above = posixpath.dirname(place)
    return (
        operation.path == place and operation.spec == "file" and above != "/" and is_system_directory(above)
    )


def find_out_of_reach(original: Plan, rewrite: Plan) -> Iterator[Finding]:
    """Files that a rewrite puts into the user's home, although something runs the image as another user."""
    home = rewrite.home
    if not original.strangers or not home.strip("/"):
        return
    old = _left_in(original, home) if original.replay.end.exists(home) else set()
    steps = [original.steps[origin] for origin in sorted(_left_in(rewrite, home) - old)]
    # Root reads what is copied anywhere, and looks for the settings and data of programs in its own home.
    only_root = all(one.is_root for one in original.strangers)
    lines = [step.instruction.line for step in steps if step.keyword == "RUN" or not only_root]
    if lines:
        yield Finding(
            codes.DENIED_TO_USER, lines[0],
            f"{original.strangers[0].place} runs the image as somebody else, who does not look into {home}",
            "keep it outside of homes, or let it run as the image's user",
        )  # fmt: skip


def find_taken_back(original: Plan, rewrite: Plan) -> Iterator[Finding]:
    """Directories of the account's that a copy may bring again, as somebody else's."""
    for path, index in find_reclaimed(rewrite).items():
        origin, copy = rewrite.origins[index], rewrite.steps[index].instruction
        if isinstance(origin, int):
            what = f"the copy may bring {path} again, which the user writes, for another owner or read-only"
            advice = "copy it with --chown and a mode of its own, or check that the copy does not hold it"
            if copy.flag("chmod") and copy.flag("chown"):
                what = f"--chmod is the mode of folders as well: not even the owner of {path} may use it"
                advice = "let directories be entered and written (--chmod=755), or change the files alone"
            yield Finding(codes.DENIED_TO_USER, original.steps[origin].instruction.line, what, advice)
            return


def find_undecided_owners(rewrite: Plan) -> Iterator[Finding]:
    """Directories that the account is given, and that may stay closed to it."""
    undecided = find_undecided(rewrite)
    for path in sorted(undecided - find_reclaimed(rewrite).keys())[:1] if undecided else ():
        yield Finding(
            codes.DENIED_TO_USER, 0, f"an archive, a link or a later step may keep {path} from the user",
            "check that the user can write there",
        )  # fmt: skip


def find_closed_packages(original: Plan, rewrite: Plan) -> Iterator[Finding]:
    """Packages that root installs with a umask that lets nobody else read them."""
    above = [run for index, run in rewrite.runs.items() if index < rewrite.user_index]
    for run in (run for run in above if run.step.before.is_root):
        origin = rewrite.origins[run.step.index]
        installs = any(one.pip and one.pip.installs and one.umask & _OF_OTHERS for one in run.invocations)
        if installs and isinstance(origin, int):
            yield Finding(
                codes.DENIED_TO_USER, original.steps[origin].instruction.line,
                "the umask lets root alone read the packages that this installs",
                "install them with umask 022",
            )  # fmt: skip
            return


def find_closed_files(original: Plan, rewrite: Plan) -> Iterator[Finding]:
    """Files of the build context that stay closed to the group, because no step can open them."""
    for path, index in find_closed(rewrite).items() if rewrite.serves_any_uid else ():
        origin = rewrite.origins[index]
        if isinstance(origin, int):
            yield Finding(
                codes.DENIED_TO_USER, original.steps[origin].instruction.line,
                f"only its owner may read {path}, by its mode in the build context",
                "let its group read it, or copy it with --chmod",
            )  # fmt: skip
            return


def _left_in(plan: Plan, home: str) -> set[int]:
    """The steps that leave more than directories in a home."""
    found = [one for node in plan.replay.end.contents(home) for one in (node, *node.inside)]
    kinds = (Kind.FILE, Kind.ANY, Kind.LINK)
    return {one.origin for one in found if isinstance(one.origin, int) and one.kind in kinds}


def _find_unread(plan: Plan) -> int:
    """The line of the first copy from a build context that cannot be read, or 0."""
    is_read = plan.context.knows_files and not (plan.context.is_alone and plan.context.missing)
    return 0 if is_read else _first_copy(plan)


def find_notes(plan: Plan) -> Iterator[Finding]:
    """What the file does not show, but users will notice."""
    if unread := _find_unread(plan):
        yield Finding(
            codes.NOTHING_READ, unread, "nothing but the Dockerfile was read",
            "run dockfix in the repository, which shows what the application writes",
        )  # fmt: skip
    if plan.context.open_callers and not plan.context.is_undecided and not plan.context.missing:
        yield Finding(
            codes.UNKNOWN_CONTEXT, _first_copy(plan),
            f"{plan.context.open_callers[0]} may build it from another folder, known only during the build",
            "check that its sources are those of the build",
        )  # fmt: skip
    volumes = [(step, path) for step, path in find_volumes(plan.lineage) if not is_shared(path)]
    if volumes:
        step, path = volumes[0]
        yield Finding(
            codes.EXISTING_VOLUMES, step.instruction.line,
            f"files in volumes that the old image created at {path} belong to root",
            command_for_volume(path, user_to_give(plan)),
        )  # fmt: skip


def find_writable_note(plan: Plan, writable: Sequence[Writable]) -> Iterator[Finding]:
    """What a read-only root file system has to leave writable, and how `docker run` does that."""
    if not writable:
        return
    places = ", ".join(map(_describe_writable, writable))
    rest = "" if plan.evidence.is_complete else "; not all that starts was read, so there may be more"
    flags = " ".join(flag for one in writable for flag in one.flags)
    yield Finding(
        codes.READ_ONLY_ROOT, 0, f"must be writable on a read-only root file system: {places}{rest}",
        f"docker run --read-only {flags} IMAGE",
    )  # fmt: skip
    names = plan.lineage.final.names()
    own = (one for one in plan.context.deployments if one.kind in ("compose", "kubernetes"))
    for one in (one for one in own if one.is_of(names)):
        for place in find_hidden(one, writable)[:1]:
            yield Finding(
                codes.READ_ONLY_ROOT, 0,
                f"{one.place} cannot get a read-only root file system: {_describe_writable(place)}",
                "let it write to a directory of its own",
            )  # fmt: skip


def _describe_writable(one: Writable) -> str:
    """A directory with what it is for, what writes there, and what the image has in it."""
    facts = (one.purpose, one.why, f"holds {one.content}" if one.content else "")
    return f"{one.path} ({', '.join(filter(None, facts))})"
