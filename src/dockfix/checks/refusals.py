"""Refusals: why a file is left alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Final

from dockfix.checks import codes
from dockfix.checks.generated import find_header
from dockfix.context import ACTION, Context
from dockfix.knowledge import read_names
from dockfix.model.accounts import find_created
from dockfix.model.effects import drops_privileges, effect, process_need
from dockfix.model.filetree import START
from dockfix.model.interpreters import find_interpreters
from dockfix.model.lineage import trace
from dockfix.model.losses import Loss
from dockfix.model.operations import Act
from dockfix.model.outcomes import describe
from dockfix.model.paths import is_root_home
from dockfix.model.plan import Plan
from dockfix.model.relocation import find_unknown_references
from dockfix.model.roothome import find_left
from dockfix.results import Finding
from dockfix.syntax.shell import Command
from dockfix.syntax.tree import Dockerfile
from dockfix.syntax.validity import rejections

_WINDOWS_SHELL: Final = re.compile(r"powershell|pwsh|cmd(\.exe)?$", re.IGNORECASE)
_TEMPLATE_LINE: Final = re.compile(r"^\s*(\{\{|\{%|<%|%%|@@)")
_TEMPLATE_WORD: Final = re.compile(
    r"\{\{(?:(?!\{\{).)*?\}\}|\{%(?:(?!\{%).)*?%\}|<%(?:(?!<%).)*?%>|@@?\w+@@?$|%%\w+%%|__[A-Z_]+__"
)
_ACTIONS: Final = ("action.yml", "action.yaml")
_FREE_TEXT: Final = frozenset({"RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK", "LABEL", "ONBUILD", "MAINTAINER"})


def find_unreadable(tree: Dockerfile) -> Iterator[Finding]:
    """Why BuildKit would not build the text: it is a template or generated, or the parser rejects it.

    A text without FROM may be anything, such as a password file, so nothing in it is quoted.
    """
    is_dockerfile = any(one.keyword == "FROM" for one in tree.instructions)
    if line := _template_line(tree):
        yield Finding(
            codes.TEMPLATE,
            line,
            "a template, not yet a Dockerfile",
            "run dockfix on the rendered file, or edit it by hand",
        )
        return
    if header := find_header(tree):
        source = header.source if is_dockerfile else ""
        named = f" from {source}" if source else ""
        yield Finding(
            codes.GENERATED, header.line, f"generated{named}: the header asks not to edit it",
            f"change {source or 'what it is generated from'} instead",
        )  # fmt: skip
        return
    for problem in (*tree.problems, *rejections(tree)):
        yield Finding(
            codes.REJECTED_BY_BUILDKIT,
            problem.line,
            f"BuildKit refuses the file: {problem.message if is_dockerfile else 'it has no FROM'}",
            "fix the file first",
        )
        return


def _template_line(tree: Dockerfile) -> int:
    for one in tree.instructions:
        if _TEMPLATE_LINE.match(str(one)):
            return one.line
        match = None if one.keyword in _FREE_TEXT else _TEMPLATE_WORD.search(one.args)
        if match and (match[0][0] not in "@_" or one.keyword == "FROM"):
            return one.line
    return 0


def find_unknown_user(plan: Plan) -> Iterator[Finding]:
    """A finding if USER is a variable without a value in the file, or its value is root."""
    user, end = plan.lineage.last("USER"), plan.lineage.end
    if user is None or "$" not in user.instruction.args:
        return
    line = user.instruction.line
    if not end.user or "$" in end.user:
        yield Finding(
            codes.UNKNOWN_USER, line, "USER comes from a variable without a value",
            "give the ARG a default, or name the user",
        )  # fmt: skip
    elif end.is_root:
        yield Finding(
            codes.UNKNOWN_USER,
            line,
            "USER comes from a variable whose value here is root",
            "give it a different default",
        )


def find_refusals(plan: Plan) -> Iterator[Finding]:
    """Why the image must stay as it is."""
    yield from find_foreign(plan.context)
    image = plan.lineage.image
    first = plan.steps[0].instruction.line
    if image.family == "windows" or _WINDOWS_SHELL.search(plan.lineage.end.shell[0]):
        yield Finding(
            codes.WINDOWS,
            first,
            "a Windows image, which has no POSIX accounts and no --chown",
            "use ContainerUser",
        )
        return
    last = plan.tree.instructions[-1]
    if last.is_open:
        yield Finding(
            codes.OPEN_INSTRUCTION, last.line, f"{last.keyword} is continued, but the file ends there",
            "end it: lines added after it would become part of it",
        )  # fmt: skip
    yield from _of_start(plan)
    account = plan.likely_account
    if account.exists and is_root_home(account.home):
        yield Finding(
            codes.ROOT_HOME,
            first,
            f"the home of {account.name} is root's, {account.home}",
            "give it one of its own",
        )
        return
    for path, line in find_left(plan):
        yield Finding(
            codes.ROOT_HOME,
            line,
            f"{path} is in root's home, which no other user can enter",
            "install it outside /root",
        )
        break
    for path, line in find_interpreters(plan):
        yield Finding(
            codes.ROOT_HOME, line, f"{path} may hold the Python that uv's virtual environments link to",
            "set UV_PYTHON_INSTALL_DIR to a place outside /root",
        )  # fmt: skip
        break
    if plan.relocates:
        for path, line in find_unknown_references(plan):
            yield Finding(
                codes.ABSOLUTE_REFERENCE, line, f"{path} may name what a relative COPY puts into /",
                "give the file a WORKDIR",
            )  # fmt: skip
            break


def find_failing_steps(losses: Iterable[Loss]) -> Iterator[Finding]:
    """The first step of the build that would not do what it did, whatever a rewrite corrects."""
    for loss in losses:
        before = loss.before
        if before.key.step != START:
            what = f"{before.command or 'this step'} {describe(before)}"
            yield Finding(
                codes.STEP_WOULD_FAIL, before.line, f"{what}, which would fail in the rewrite",
                "separate what the build needs from what the application needs",
            )  # fmt: skip
            return


def find_clashes(original: Plan, rewrite: Plan) -> Iterator[Finding]:
    """A stage that makes the account itself, on one in which the rewrite makes it now: that would fail."""
    account = rewrite.account
    created = account.created
    if created is None or isinstance(rewrite.origins[created.index], int):
        return
    own = {stage.index for stage in original.lineage.stages}
    for stage in original.stages:
        if stage.index in own or created.stage.index not in (one.index for one in trace(stage).stages):
            continue
        for other in find_created(trace(stage)):
            step = other.created
            if step is None or step.stage.index in own:
                continue
            if account.name in (other.name, other.group):
                yield Finding(
                    codes.STEP_WOULD_FAIL, step.instruction.line,
                    f"creates {account.name} too, which would fail in the rewrite",
                    "name another user with --user",
                )  # fmt: skip
                return


def find_missing_targets(original: Plan, rewrite: Plan) -> Iterator[Finding]:
    """The first path that the rewrite would have to give to the account and that may not be there."""
    doubtful = [
        one for one in rewrite.replay.outcomes if one.operation.act is Act.OWN and not one.surely_succeeds
    ]
    known = {one.key for one in original.replay.outcomes} if doubtful else set()
    for one in doubtful:
        path, tree = one.operation.path, original.replay.end
        if one.who.is_root and one.key not in known and tree.may_exist(path) and not tree.exists(path):
            message = f"an archive or a link decides whether {path} can be given to the user"
            yield Finding(
                codes.STEP_WOULD_FAIL, 0, message, "create it in a step, or name it without the link"
            )
            return


def find_foreign(context: Context) -> Iterator[Finding]:
    """Reasons, from where a file is, that others decide on its user."""
    if _is_of_action(context):
        yield Finding(
            codes.GITHUB_ACTION,
            0,
            "the image of a GitHub Docker action, which has to run as root",
            "leave it as it is",
        )
        return
    parts = context.path.split("/")
    if ".devcontainer" in parts or "devcontainer.json" in context.siblings:
        yield Finding(
            codes.DEV_CONTAINER,
            0,
            "a dev container, whose user is set in devcontainer.json",
            "set remoteUser there",
        )


def _is_of_action(context: Context) -> bool:
    """Whether an action stands beside the file, or one of the repository names it or its image."""
    beside = (context.read(name) or "using: docker" for name in _ACTIONS if name in context.siblings)
    named = any(one.kind == ACTION for one in context.deployments)
    return named or any(re.search(r"using:\s*['\"]?docker", text) for text in beside)


def _starts_process(plan: Plan) -> bool:
    """Whether the base's entrypoint may start its own process, which depends on the first word of CMD."""
    patterns = plan.lineage.image.process_of
    if not patterns or plan.lineage.last("CMD") is None:
        return True
    programs = [one.command.program for one in plan.starting.commands if not one.where]
    return not all(programs) or any(fnmatchcase(one, pattern) for one in programs for pattern in patterns)


def _of_start(plan: Plan) -> Iterator[Finding]:
    starting = plan.starting
    image = plan.lineage.image
    if image.platform:
        first = plan.steps[0].instruction.line
        yield Finding(
            codes.NEEDS_ROOT_PROCESS,
            first,
            f"the base image's platform: {image.platform}",
            "leave it as it is",
        )
        return
    if image.process and plan.lineage.last("ENTRYPOINT") is None and _starts_process(plan):
        first = plan.steps[0].instruction.line
        yield Finding(
            codes.NEEDS_ROOT_PROCESS,
            first,
            f"the base image's main process: {image.process}",
            "leave it as root",
        )
        return
    dropping = [one for one in starting.commands if drops_privileges(one.command)]
    for one in dropping[:1]:
        yield Finding(
            codes.DROPS_PRIVILEGES, one.line, f"the start command{one.place} drops root by itself",
            "leave it as root, or remove that step",
        )  # fmt: skip
        return
    for one in starting.commands:
        if need := process_need(one.command, plan.lineage.end.variables):
            yield Finding(
                codes.NEEDS_ROOT_PROCESS, one.line, f"the main process{one.place}: {need}", "leave it as root"
            )
            return
        if need := _start_effect(plan, one.command):
            yield Finding(
                codes.NEEDS_ROOT_PROCESS,
                one.line,
                f"the start command{one.place} {need}",
                "do that at build time, above USER",
            )
            return
    if "docker.sock" in plan.tree.text:
        line = plan.tree.text[: plan.tree.text.index("docker.sock")].count("\n") + 1
        yield Finding(
            codes.NEEDS_ROOT_PROCESS,
            line,
            "uses the docker socket, which belongs to root",
            "leave it as root",
        )
    elif starting.unread and (match := re.search(r"\b(gosu|su-exec|setpriv)\b", plan.tree.text)):
        line = plan.tree.text[: match.start()].count("\n") + 1
        yield Finding(
            codes.DROPS_PRIVILEGES, line,
            f"{match[0]} is installed for {starting.unread[0][0]}, which then drops root by itself",
            "leave it as root",
        )  # fmt: skip


def _start_effect(plan: Plan, command: Command) -> str:
    # The table of build commands is too strict for a start: there, an installer that cannot write system-wide
    # installs for the user, or is the application itself. These can do nothing without root.
    if command.program.rpartition("/")[2] not in read_names("processes", "start", "root"):
        return ""
    found = effect(command, plan.lineage.end.variables, plan.workdir, plan.home or "/")
    return f"needs root: {found.root}" if found.root else ""
