"""Why a RUN must stay root."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from dockfix.model.effects import drops_privileges
from dockfix.model.facts import Facts
from dockfix.model.installs import pip_reason
from dockfix.model.lineage import Step
from dockfix.model.outcomes import Outcome, describe
from dockfix.model.paths import is_below_any, is_root_home
from dockfix.model.pip import is_virtual
from dockfix.model.runs import Invocation, Run, activated
from dockfix.model.scripts import runs_readable_script, with_called

_OWNED_MOUNT: Final = re.compile(r"type=(cache|secret|ssh)\b")
# Commands that are certainly not scripts of a package that the same RUN installs with pip.
_BASE_COMMANDS: Final = re.compile(
    r"(.*/)?(python|pip)[\d.]*|rm|mkdir|cd|echo|printf|find|true|set|chmod|ls|cp|mv|ln|touch|sed|export|cat|test"
    r"|\[|pwd|env|which|head|tail|grep|exit|:|if|du|sync|unset|tar|unzip"
)


def needs_ids(step: Step) -> bool:
    """Whether a RUN has a cache, secret or ssh mount without an owner.

    Its owner can only be given by number.
    """
    mounts = (flag.value or "" for flag in step.instruction.flags if flag.name == "mount")
    return any(_OWNED_MOUNT.search(value) and "uid=" not in value for value in mounts)


def root_reason(facts: Facts, run: Run, site_reason: str, denied: Outcome | None) -> str:
    """Why a RUN must stay root, "" if the account can run it too."""
    if not run.script.understood:
        return "a script that is not understood"
    if any(drops_privileges(command) for command in run.script.commands):
        return "switches the user"
    account = facts.likely_account
    if account.exists and account.uid is None and needs_ids(run.step):
        return "has a mount that takes numeric IDs, and the account's are unknown"
    installed = False
    for one in with_called(run.invocations, facts.starting.read):
        name = one.command.program or ":"
        if installed and one.pip is None and not _BASE_COMMANDS.fullmatch(name):
            return f"runs {name} in the RUN that installs it"
        if one.pip and one.pip.installs and one.pip not in run.pips:
            return "calls pip through another shell"
        reason = pip_reason(facts, run, one, site_reason) if one.pip else _other_reason(one)
        if reason:
            return reason
        installed = installed or (one.pip is not None and one.pip.installs)
    return describe(denied) if denied is not None else ""


def is_harmless(facts: Facts, own: Collection[str], one: Invocation) -> bool:
    """Whether a command needs no trial run: pip's rules decide, or it is known to be harmless."""
    if one.pip is not None:
        return one.pip.installs and not is_virtual(one.pip.command.program, one.env)
    if activated(one.command, one.env):
        return True
    return is_below_any(one.cwd, own) and runs_readable_script(one, facts.starting.read)


def _other_reason(one: Invocation) -> str:
    if "sudo" in one.command.via:
        return "uses sudo"
    for word in one.command.args:
        if "/root" in word.text and is_root_home((word.expand(one.env) or "").partition("=")[2] or word.text):
            return "uses root's home"
    return ""
