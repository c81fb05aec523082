"""Silence pip's warning about root where an install has to run as root.

pip 22.1 and later accept `--root-user-action=ignore`. If the image's tag and the file do not determine
pip's version, an environment variable is set for the command instead: an older pip ignores it, but
would reject the option. Where a stage has several such installs, one ARG of that name covers them:
RUN sees it, and the image does not keep it. pip 21.1 to 22.0 warn and cannot be silenced; older
versions do not warn. By default, a pip that only upgrades itself and stages that do not ship are left
alone; selected by name, this transform covers them too.

Source: pip's release notes for 21.1 (pypa/pip#6409) and 22.1 (pypa/pip#10556).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from packaging.version import Version

from dockfix.edits import Edit
from dockfix.model.lineage import Lineage, Stage
from dockfix.model.pip import PipCall, is_virtual
from dockfix.model.plan import Plan
from dockfix.model.runs import Invocation, Run, read_run
from dockfix.syntax.style import Layout, NewLine
from dockfix.transforms.run_words import insert_after, insert_before

NAME = "silence-pip"
CHANGES = ""
CASES = ("cases/pip-upgraded-before-the-install", "cases/several-installs-of-root")
BEFORE = """\
FROM python:3.12-slim
RUN pip install flask
"""
AFTER = """\
FROM python:3.12-slim
RUN pip install --root-user-action=ignore flask
"""
_FLAG = "--root-user-action"
_VARIABLE = "PIP_ROOT_USER_ACTION"


class _Install(NamedTuple):
    """A pip call that would warn; `knows` is what its pip supports."""

    run: Run
    pip: PipCall
    knows: str


def propose(plan: Plan) -> Iterator[Edit]:
    """An option for the only install of a stage that pip would warn about, an ARG above several."""
    found: dict[int, list[_Install]] = {}
    for one in _warned(plan):
        found.setdefault(one.run.step.stage.index, []).append(one)
    for installs in found.values():
        if len(installs) == 1:
            yield _quieted(installs[0])
        else:
            line = NewLine("ARG", f"{_VARIABLE}=ignore", "Silence pip's warning about root")
            yield Layout(plan.tree).insert_before(installs[0].run.instruction, [line])


def _warned(plan: Plan) -> Iterator[_Install]:
    """The installs that pip would warn about and that can be silenced."""
    everywhere = NAME in plan.options.select
    lineages = [plan.lineage]
    if everywhere:
        lineages += (Lineage(_ancestry(stage)) for stage in plan.stages)
    seen: set[int] = set()
    for lineage in lineages:
        knows = lineage.image.pip
        for step in lineage.steps:
            if step.keyword != "RUN" or not step.before.is_root:
                continue
            run = read_run(step, "/root")
            for one in run.invocations:
                if one.pip is None or not one.pip.installs or one.pip not in run.pips:
                    continue
                install = _Install(run, one.pip, knows)
                is_meant = everywhere or not one.pip.only_bootstraps
                if id(step.instruction) not in seen and is_meant and _can_be_silenced(install, one):
                    yield install
                knows = _after(one.pip, knows, lineage)
            seen.add(id(step.instruction))


def _ancestry(stage: Stage) -> tuple[Stage, ...]:
    return (*(_ancestry(stage.parent) if stage.parent else ()), stage)


def _can_be_silenced(install: _Install, one: Invocation) -> bool:
    run, pip, knows = install
    if _FLAG in pip.options or _VARIABLE in one.env or is_virtual(pip.command.program, one.env):
        return False
    is_plain = run.words is None and not pip.command.via and pip.command.name is not None
    return _takes_option(pip, knows) or (knows == "unknown" and is_plain)


def _takes_option(pip: PipCall, knows: str) -> bool:
    # The option came with pip 23.0.1.
    return knows == "quiet" or "--break-system-packages" in pip.options


def _quieted(install: _Install) -> Edit:
    run, pip, knows = install
    if _takes_option(pip, knows):
        return insert_after(run, pip.action, f"{_FLAG}=ignore")
    assert pip.command.name is not None
    return insert_before(run, pip.command.name, f"{_VARIABLE}=ignore ")


def _after(pip: PipCall, knows: str, lineage: Lineage) -> str:
    """What pip supports after this call, which may replace pip itself."""
    version = pip.pinned_pip()
    if version is None:
        return knows
    if not version:
        return _newest(lineage.image.name, lineage.image.tag) or ("quiet" if knows == "quiet" else "unknown")
    pinned = Version(version)
    if pinned >= Version("22.1"):
        return "quiet"
    return "warns" if pinned >= Version("21.1") else "silent"


def _newest(name: str, tag: str) -> str:
    """What the newest pip for a python image supports: Python 3.6 stopped at pip 21.3, 3.5 at 20.3."""
    match = re.match(r"(\d+)\.(\d+)", tag) if name.rpartition("/")[2] == "python" else None
    if match is None:
        return ""
    python = (int(match[1]), int(match[2]))
    if python >= (3, 7):
        return "quiet"
    return "warns" if python == (3, 6) else "silent"
