"""Where a `pip install` may go: to the account, to a virtual environment, or to root's site alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from dockfix.model.lineage import Step, find_heirs
from dockfix.model.paths import resolve
from dockfix.model.pip import PipCall, is_virtual
from dockfix.model.runs import Invocation, Run
from dockfix.options import Install

if TYPE_CHECKING:
    from dockfix.model.plan import Plan

_HARMLESS: Final = frozenset("list freeze show check cache debug help config index".split())
_OFF: Final = ("0", "no", "false", "off")
_SYSTEM_SITE: Final = re.compile(
    r"/usr/local/(?:bin/(?!python|pip)[\w.-]+|lib/python[\d.]*/(?:site|dist)-packages)"
)
_PATH_VALUE: Final = re.compile(r"(?<!\w)PATH[=\s]+(\"[^\"]*\"|'[^']*'|\S+)")


def pip_reason(plan: Plan, run: Run, one: Invocation) -> str:
    """Why a pip call has to stay root's; "" where the account can make it as well."""
    pip = one.pip
    assert pip is not None
    action = pip.action.text
    if "sudo" in one.command.via:
        return "asks sudo for root"
    if action in _HARMLESS:
        return "configures pip for everybody" if "--global" in pip.options else ""
    if action in ("download", "wheel"):
        return ""
    if not pip.installs:
        return f"pip {action} changes what root installed"
    if is_virtual(pip.command.program, one.env):
        return ""
    if all(call.only_bootstraps for call in run.pips):
        return "upgrades pip itself"
    if pip.is_user_install:
        return "" if plan.home.strip("/") else "has no home to install to"
    return user_refusal(plan, one)


def goes_to_user(plan: Plan, one: Invocation) -> bool:
    """Whether an install below USER lands in the account's site, or would with `--user`."""
    pip = one.pip
    assert pip is not None
    if is_virtual(pip.command.program, one.env):
        return False
    return pip.is_user_install or not user_refusal(plan, one)


def user_refusal(plan: Plan, one: Invocation) -> str:
    """Why a `pip install` cannot become the account's (`--user`, or a venv of its own); "" where it can."""
    pip = one.pip
    assert pip is not None
    if plan.options.install is Install.SYSTEM:
        return "installs for everybody"
    if plan.lineage.image.python != "image":
        return "the base's Python is not one to install into for one user"
    if not plan.home.strip("/"):
        return "has no home to install to"
    if pip.chooses_place or any(key in one.env for key in ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT")):
        return "installs to a place of its own"
    if one.env.get("PIP_USER", "1").lower() in _OFF or "PYTHONNOUSERSITE" in one.env:
        return "user installs are switched off"
    return plan.system_site_reason


def system_site_reason(plan: Plan) -> str:
    """Why packages have to stay system-wide: something names their place, or resets PATH; "" for nothing."""
    names = plan.lineage.final.names()
    for one in plan.tree.instructions:
        flag = one.flag("from") if one.keyword in ("COPY", "ADD") else None
        if flag and flag.value and flag.value.lower() in names and "/usr/local" in one.args:
            return "another stage copies the packages from where root's pip puts them"
    if any(True for _ in find_heirs(plan.stages, plan.lineage.final)):
        return "a stage built on this one uses the packages as root"
    copied = [copy.destination for copy in plan.copies if copy.destination != "/"]
    for step in plan.lineage.own_steps:
        if step.keyword == "ENV" and "PATH" in step.instruction.args and not _keeps_path(step):
            return "PATH is set anew"
        if step.keyword in ("CMD", "ENTRYPOINT", "ENV", "HEALTHCHECK", "RUN"):
            match = _SYSTEM_SITE.search(step.instruction.args)
            if match and not match[0].startswith(tuple(copied)):
                return f"{match[0]} is named where root's pip puts it"
    return ""


def _keeps_path(step: Step) -> bool:
    values = _PATH_VALUE.findall(step.instruction.args)
    return all("$PATH" in value or "${PATH" in value for value in values)


def virtual_place(pip: PipCall, one: Invocation) -> str:
    """The directory of the virtual environment that a pip call installs into, "" where it is not known."""
    program = pip.command.program
    if "/bin/" in program:
        return resolve(program.rpartition("/bin/")[0], one.cwd)
    if place := one.env.get("VIRTUAL_ENV"):
        return place
    first = one.env.get("PATH", "").partition(":")[0]
    return first.removesuffix("/bin") if first.endswith("/bin") else ""


def find_virtual(run: Run) -> Iterator[str]:
    """The virtual environments that a RUN creates, as absolute paths."""
    for one in run.invocations:
        words = [word.value or "" for word in one.command.args]
        if one.command.args and ("venv" in words or one.command.program.endswith("virtualenv")):
            place = one.command.args[-1].expand(one.env)
            if place:
                yield resolve(place, one.cwd)
