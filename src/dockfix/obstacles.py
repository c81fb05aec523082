"""Why a file is left alone, what a person has to look at first, and what a file cannot tell."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from dockfix.context import Context
from dockfix.knowledge import read_table
from dockfix.model.copies import find_volumes
from dockfix.model.effects import drops_privileges, effect, process_need
from dockfix.model.paths import is_system_directory
from dockfix.model.plan import Plan
from dockfix.model.relocation import find_unknown_references
from dockfix.model.roothome import find_left
from dockfix.model.starting import Starting
from dockfix.results import Finding
from dockfix.syntax.shell import Command
from dockfix.syntax.tree import Comment, Dockerfile
from dockfix.syntax.validity import rejections

_ROOT_AT_START: Final = frozenset(
    "apk apt apt-get dnf microdnf yum zypper pacman dpkg rpm adduser addgroup useradd groupadd usermod"
    " groupmod deluser userdel chown chgrp mount umount modprobe sysctl iptables ip6tables ipset nft setcap"
    " service systemctl update-ca-certificates update-alternatives ldconfig locale-gen visudo sudo".split()
)
_INSTALLERS: Final = ("apt-get", "apt", "aptitude", "apk", "yum", "dnf", "microdnf", "zypper")
_WINDOWS_SHELL: Final = re.compile(r"powershell|pwsh|cmd(\.exe)?$", re.IGNORECASE)
_IGNORE: Final = re.compile(r"#\s*dockfix:\s*ignore(?:\[([\w\s,-]*)\])?", re.IGNORECASE)
_TEMPLATE_LINE: Final = re.compile(r"^\s*(\{\{|\{%|<%|%%|@@)")
_TEMPLATE_WORD: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|<%.*?%>|@@?\w+@@?$|%%\w+%%|__[A-Z_]+__")
_FREE_TEXT: Final = frozenset({"RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK", "LABEL", "ONBUILD", "MAINTAINER"})
_PYTHON: Final = re.compile(
    r"python|\bpip3?\b|conda|\bmamba\b|gunicorn|uvicorn|\.py\b|\buvx?\b|poetry|pipenv|jupyter|django|flask|requirements",
    re.IGNORECASE,
)
_LOW_PORT_WORD: Final = re.compile(
    r"(?:--?(?:port|p|server[._]port|http-port|bind|b|listen)[= ]+(?:\[?[\w.:*\]]*:)?|:)"
    r"(\d{1,3})(?![\d.:/\w])"
)


def ignored_names(tree: Dockerfile) -> tuple[frozenset[str], int]:
    """Transforms that `# dockfix: ignore[...]` comments name ("*": all), and the line of the last."""
    names: set[str] = set()
    line = 0
    for node in tree.nodes:
        if isinstance(node, Comment) and (match := _IGNORE.search(str(node))):
            line = node.line
            names.update(name.strip() for name in match[1].split(",")) if match[1] else names.add("*")
    return frozenset(names), line


def find_unreadable(tree: Dockerfile) -> Iterator[Finding]:
    """Why the text is no Dockerfile that BuildKit would build: a template, or refused by its parser."""
    if line := _template_line(tree):
        yield Finding(
            "template",
            line,
            "a template, not yet a Dockerfile",
            "run dockfix on what it renders to, or edit it by hand",
        )
        return
    for problem in (*tree.problems, *rejections(tree)):
        yield Finding(
            "rejected-by-buildkit",
            problem.line,
            f"BuildKit refuses the file: {problem.message}",
            "mend the file first",
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
    """USER comes from a variable that the file gives no value, or root's."""
    user, end = plan.lineage.last("USER"), plan.lineage.end
    if user is None or "$" not in user.instruction.args:
        return
    line = user.instruction.line
    if not end.user or "$" in end.user:
        yield Finding(
            "unknown-user", line, "USER comes from a variable without a value",
            "give the ARG a default, or write the user out",
        )  # fmt: skip
    elif end.is_root:
        yield Finding(
            "unknown-user",
            line,
            "USER comes from a variable whose value here is root's",
            "give it another default",
        )


def find_refusals(plan: Plan) -> Iterator[Finding]:
    """Why the image has to stay as it is."""
    yield from _of_place(plan.context)
    image = plan.lineage.image
    first = plan.steps[0].instruction.line
    if image.family == "windows" or _WINDOWS_SHELL.search(plan.lineage.end.shell[0]):
        yield Finding(
            "windows",
            first,
            "a Windows image: --chown and POSIX accounts mean nothing there",
            "use ContainerUser",
        )
        return
    yield from _of_start(plan)
    for path, line in find_left(plan):
        yield Finding(
            "root-home",
            line,
            f"{path} is in root's home, which nobody else may enter",
            "install it outside /root",
        )
        break
    if plan.relocates:
        for path, line in find_unknown_references(plan):
            yield Finding(
                "absolute-reference", line, f"{path} may name what a relative COPY puts into /",
                "give the file a WORKDIR",
            )  # fmt: skip
            break


def _of_place(context: Context) -> Iterator[Finding]:
    for name in ("action.yml", "action.yaml"):
        if name in context.siblings and re.search(
            r"using:\s*['\"]?docker", context.read(name) or "using: docker"
        ):
            yield Finding(
                "github-action",
                0,
                "the image of a GitHub Docker action, which has to run as root",
                "leave it as it is",
            )
            return
    parts = context.path.split("/")
    if ".devcontainer" in parts or "devcontainer.json" in context.siblings:
        yield Finding(
            "dev-container",
            0,
            "a dev container, whose user is set in devcontainer.json",
            "set remoteUser there",
        )


def _of_start(plan: Plan) -> Iterator[Finding]:
    starting = Starting(plan)
    image = plan.lineage.image
    if image.process and plan.lineage.last("ENTRYPOINT") is None:
        first = plan.steps[0].instruction.line
        yield Finding(
            "needs-root-process", first, f"the base's main process: {image.process}", "leave it as root"
        )
        return
    dropping = [one for one in starting.commands if drops_privileges(one.command)]
    for one in dropping[:1]:
        yield Finding(
            "drops-privileges", one.line, f"the start{one.place} gives up root by itself",
            "leave it as root, or take that step out",
        )  # fmt: skip
        return
    for one in starting.commands:
        if need := process_need(one.command, plan.lineage.end.variables):
            yield Finding(
                "needs-root-process", one.line, f"the main process{one.place}: {need}", "leave it as root"
            )
            return
        if need := _start_effect(plan, one.command):
            yield Finding(
                "needs-root-process",
                one.line,
                f"the start{one.place} {need}",
                "do that at build time, above USER",
            )
            return
    if "docker.sock" in plan.tree.text:
        line = plan.tree.text[: plan.tree.text.index("docker.sock")].count("\n") + 1
        yield Finding(
            "needs-root-process", line, "uses the docker socket, which is root's", "leave it as root"
        )
    elif starting.unread and (match := re.search(r"\b(gosu|su-exec|setpriv)\b", plan.tree.text)):
        line = plan.tree.text[: match.start()].count("\n") + 1
        yield Finding(
            "drops-privileges", line,
            f"{match[0]} is installed for {starting.unread[0][0]}, which then gives up root by itself",
            "leave it as root",
        )  # fmt: skip


def _start_effect(plan: Plan, command: Command) -> str:
    # A build's table says too much of a start: there, an installer that cannot write system-wide
    # installs for the user, or is the application itself. These can do nothing without root.
    if command.program.rpartition("/")[2] not in _ROOT_AT_START:
        return ""
    found = effect(command, plan.lineage.end.variables, plan.workdir, plan.home or "/")
    return f"needs root: {found.root}" if found.root else ""


def find_reviews(plan: Plan) -> Iterator[Finding]:
    """What a person has to look at before the change may be applied."""
    image, first = plan.lineage.image, plan.steps[0].instruction.line
    if image.family == "unknown" or (not image.known and plan.lineage.last("ENTRYPOINT") is None):
        yield Finding(
            "unknown-base",
            first,
            f"nothing is known of the base {image.name}",
            "check that it has useradd and starts as root; or say --base FAMILY",
        )
    if not _PYTHON.search(plan.tree.text):
        yield Finding("not-python", first, "no sign of Python", "check what the application writes")
    user = plan.lineage.last("USER")
    if user is not None and user.before.user and plan.lineage.end.is_root:
        yield Finding(
            "final-user-root", user.instruction.line, "USER root is set on purpose at the end", "check why"
        )
    starting = Starting(plan)
    if not starting.steps and not image.starts:
        yield Finding(
            "starts-nothing",
            first,
            "no CMD or ENTRYPOINT: often a base for others, whose steps need root",
            "check who builds on it",
        )
    if not starting.understood:
        line = starting.steps[-1].instruction.line
        yield Finding("opaque-command", line, "the start is not understood", "check that it needs no root")
    if image.known and plan.lineage.end.workdir == "/" and plan.home.strip("/") and not plan.relocates:
        yield Finding(
            "works-in-root-directory", starting.steps[-1].instruction.line if starting.steps else first,
            "the image works in /, where the new user cannot write", "check that it writes nothing there",
        )  # fmt: skip
    yield from _services(plan)
    for path, line in starting.written:
        if is_system_directory(posixpath.dirname(path)) and not plan.is_given(path):
            yield Finding(
                "writes-to-system-directory", line, f"the start writes {path}, where only root may",
                "name a place of the user's, or /dev/stdout",
            )  # fmt: skip
    for path, line in starting.unread:
        yield Finding("unread-entrypoint", line, f"{path} cannot be read", "check that it needs no root")
    yield from _low_ports(plan)
    if "onbuild" in image.tag:
        yield Finding(
            "onbuild",
            first,
            "the base's ONBUILD steps copy and install as root",
            "check where they put the code",
        )
    for step in plan.steps:
        if step.keyword == "ONBUILD":
            yield Finding(
                "onbuild",
                step.instruction.line,
                "ONBUILD steps will run as the new user elsewhere",
                "check who builds on it",
            )
            break


def _services(plan: Plan) -> Iterator[Finding]:
    services = frozenset(read_table("processes")["packages"]["services"])
    for run in plan.runs.values():
        for one in run.invocations:
            names = [word.text.partition("=")[0] for word in one.command.args]
            found = services.intersection(names) if one.command.program in _INSTALLERS else ()
            for name in sorted(found):
                yield Finding(
                    "installs-root-service", run.line_of(one.command), f"{name} is a service of root's",
                    "check that nothing starts it",
                )  # fmt: skip
                return


def _low_ports(plan: Plan) -> Iterator[Finding]:
    for step in plan.steps:
        ports: list[str] = []
        if step.keyword == "EXPOSE":
            ports = re.findall(
                r"(?<![\w.-])(\d+)(?:-\d+)?(?:/\w+)?(?!\S)", step.expand(step.instruction.args)
            )
        elif step in Starting(plan).steps:
            words = " ".join(step.instruction.json or (step.instruction.args,))
            ports = _LOW_PORT_WORD.findall(words)
        for port in ports:
            if 0 < int(port) < 1024:
                yield Finding(
                    "low-port",
                    step.instruction.line,
                    f"port {port} is below 1024",
                    "docker allows it (20.10 and later), other runtimes may not",
                )
                return


def find_notes(plan: Plan) -> Iterator[Finding]:
    """What the file cannot know and people will meet."""
    volumes = find_volumes(plan.lineage)
    if volumes:
        step, path = volumes[0]
        yield Finding(
            "existing-volumes", step.instruction.line,
            f"volumes of {path} made by the old image hold root's files",
            f"once: docker run --rm -u 0 -v VOLUME:{path} IMAGE chown -R {plan.account.ids} {path}",
        )  # fmt: skip
    if not plan.account.numeric:
        user = plan.lineage.last("USER")
        yield Finding(
            "named-user",
            user.instruction.line if user else 0,
            "Kubernetes' runAsNonRoot cannot check a named user",
            "use --numeric, or set runAsUser",
        )
