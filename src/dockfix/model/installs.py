"""Where a `pip install` may go: the user site, a virtual environment, or only root's site-packages."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Final

from dockfix.model.facts import Facts
from dockfix.model.lineage import Step, find_heirs
from dockfix.model.paths import resolve
from dockfix.model.pip import is_virtual
from dockfix.model.replay import is_left
from dockfix.model.runs import Invocation, Run
from dockfix.model.scripts import PYTHON
from dockfix.options import Install

_HARMLESS: Final = frozenset("list freeze show check cache debug help config index".split())
_OFF: Final = ("0", "no", "false", "off")
_SYSTEM_SITE: Final = re.compile(
    r"/usr/local/(?:bin/(?!python|pip)[\w.-]+|lib/python[\d.]*/(?:site|dist)-packages)"
)
# The files that every user's pip reads, and the keys that `--user` cannot be combined with.
# Source: pip documentation, Configuration; pypa/pip src/pip/_internal/commands/install.py.
_PIP_SETTINGS: Final = ("/etc/pip.conf", "/etc/xdg/pip/pip.conf", "/usr/local/pip.conf")
_PLACE_KEY: Final = re.compile(r"^[ \t]*(target|prefix|root|user|no-user)[ \t]*[=:]", re.MULTILINE)
_PLACE_NAME: Final = re.compile(r"(?:global|install)\.(?:target|prefix|root|user|no-user)")
_SHEBANG: Final = re.compile(r"#![ \t]*(?:/usr/bin/env[ \t]+(?:-S[ \t]*)?)?(\S.*)")
_PATH_VALUE: Final = re.compile(r"(?<!\w)PATH[=\s]+(\"[^\"]*\"|'[^']*'|\S+)")


def pip_reason(facts: Facts, run: Run, one: Invocation, site_reason: str) -> str:
    """The reason why a pip call must run as root, "" if the account can run it too."""
    pip = one.pip
    assert pip is not None
    action = pip.action.text
    if "sudo" in one.command.via:
        return "uses sudo"
    if action in _HARMLESS:
        return "configures pip for all users" if "--global" in pip.options else ""
    if action in ("download", "wheel"):
        return ""
    if not pip.installs:
        return f"pip {action} changes what root installed"
    if is_virtual(pip.command.program, one.env):
        return ""
    if all(call.only_bootstraps for call in run.pips):
        return "upgrades pip itself"
    if pip.is_user_install:
        return "" if facts.home.strip("/") else "has no home to install to"
    return user_refusal(facts, one, site_reason)


def goes_to_user(facts: Facts, one: Invocation, site_reason: str) -> bool:
    """Whether an install below USER goes to the account's user site, or would with `--user`."""
    pip = one.pip
    assert pip is not None
    if is_virtual(pip.command.program, one.env):
        return False
    return pip.is_user_install or not user_refusal(facts, one, site_reason)


def user_refusal(facts: Facts, one: Invocation, site_reason: str) -> str:
    """Why a `pip install` cannot be made the account's (with `--user` or in a venv), "" if it can."""
    pip = one.pip
    assert pip is not None
    if facts.options.install is Install.SYSTEM:
        return "installs for all users"
    if facts.lineage.image.python != "image":
        return "the base's Python does not support user installs"
    if not facts.home.strip("/"):
        return "has no home to install to"
    if pip.chooses_place or any(key in one.env for key in ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT")):
        return "installs to a location of its own"
    if one.env.get("PIP_USER", "1").lower() in _OFF or "PYTHONNOUSERSITE" in one.env:
        return "user installs are switched off"
    return site_reason


def system_site_reason(facts: Facts) -> str:
    """Why packages must stay system-wide, "" for no reason: something names their path, or resets PATH."""
    names = facts.lineage.final.names()
    for one in facts.tree.instructions:
        flag = one.flag("from") if one.keyword in ("COPY", "ADD") else None
        if flag and flag.value and flag.value.lower() in names and "/usr/local" in one.args:
            return "another stage copies the packages from their system-wide path"
    if any(True for _ in find_heirs(facts.stages, facts.lineage.final)):
        return "a stage built on this one uses the packages as root"
    if facts.strangers:
        return f"{facts.strangers[0].place} runs the image as somebody else, who has another home"
    if any(_ignores_user_site(facts, one) for one in facts.starting.invocations):
        return "the start command ignores user installs"
    return _configured_place(facts) or _named_site(facts)


def _configured_place(facts: Facts) -> str:
    """Which settings of pip choose the place of packages, so that `--user` would fail; "" if none do."""
    for path in (*_PIP_SETTINGS, facts.lineage.end.env.get("PIP_CONFIG_FILE", "")):
        match = _PLACE_KEY.search(facts.starting.read(path) or "") if path.startswith("/") else None
        if match:
            return f"{path} sets {match[1]}"
    for run in facts.runs.values():
        for pip in run.pips:
            if pip.action.text == "config" and any(map(_PLACE_NAME.fullmatch, pip.operands)):
                return "pip's configuration chooses the place of packages"
    return ""


def _named_site(facts: Facts) -> str:
    """What names the system-wide path of packages, or sets PATH without it; "" if nothing does."""
    for step in facts.lineage.own_steps:
        if step.keyword == "ENV" and "PATH" in step.instruction.args and not _keeps_path(step):
            return "PATH is reset"
    copied = tuple(copy.destination for copy in facts.copies if copy.destination != "/")
    for text in _texts_with_paths(facts):
        for match in _SYSTEM_SITE.finditer(text):
            if not (match[0].startswith(copied) or is_left(facts.replay.end, match[0])):
                return f"{match[0]} is referred to by its system-wide path"
    return ""


def _texts_with_paths(facts: Facts) -> Iterator[str]:
    """The steps, the start with its scripts, and the strings of the sources, which may name a program."""
    keywords = ("CMD", "ENTRYPOINT", "ENV", "HEALTHCHECK", "RUN")
    yield from (step.instruction.args for step in facts.lineage.own_steps if step.keyword in keywords)
    for one in facts.starting.invocations:
        yield from (word.text for word in one.command.words)
    yield from facts.evidence.names


def _ignores_user_site(facts: Facts, one: Invocation) -> bool:
    """Whether a command is a Python that ignores the user site (-I, -s, PYTHONNOUSERSITE)."""
    words = [word.text for word in one.command.args]
    program = one.command.program
    if "/" in program and (text := facts.starting.read(resolve(program, one.cwd))) is not None:
        shebang = _SHEBANG.match(text)
        program, *words = shebang[1].split() if shebang else [program]
    if not PYTHON.fullmatch(program):
        return False
    options = itertools.takewhile(lambda word: word.startswith("-"), words)
    letters = "".join(word[1:] for word in options if not word.startswith("--"))
    return "PYTHONNOUSERSITE" in one.env or bool(
        {"I", "s"} & set(letters.partition("m")[0].partition("c")[0])
    )


def _keeps_path(step: Step) -> bool:
    values = _PATH_VALUE.findall(step.instruction.args)
    return all("$PATH" in value or "${PATH" in value for value in values)
