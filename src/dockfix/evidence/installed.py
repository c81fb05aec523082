"""Where pip puts the build context's own projects, whose modules then stand in site-packages."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from dockfix.evidence.build_scripts import relocate
from dockfix.evidence.image_files import Layout, StageLayout
from dockfix.evidence.landings import Landing
from dockfix.model.environments import virtual_place
from dockfix.model.installs import goes_to_user
from dockfix.model.paths import resolve
from dockfix.model.pip import PipCall, is_virtual
from dockfix.model.plan import Plan
from dockfix.model.runs import Invocation, Run

_SITE: Final = "lib/python3/site-packages"
_EDITABLE: Final = frozenset({"-e", "--editable"})
_LOCAL: Final = re.compile(r"(?:\.{0,2}/[^:]*|\.{1,2})(?<!\.whl)")
_PACKAGES: Final = re.compile(r"/usr/(?:local/)?lib/python[\d.]+/(?:site|dist)-packages")
_COMMANDS: Final = re.compile(r"[&|;]")
_PIP_INSTALLS: Final = re.compile(r"\bpip3? install ")
_INSTALLS: Final = re.compile(r"install|\buv sync\b")
_OFF: Final = frozenset({"", "0", "false"})
_BUILDS: Final = re.compile(r"\b(?:pip3? wheel|(?:poetry|uv|hatch|flit|-m) build|bdist_wheel)\b")


def find_installed(plan: Plan, layout: Layout) -> Iterator[Landing]:
    """The folders of projects that the image installs, as copies into its site-packages."""
    yield from _find_copied(layout)
    for run in plan.runs.values():
        for one in relocate(plan, run).invocations if _INSTALLS.search(run.text) else ():
            if site := _find_site_of_uv(one):
                for source in (one.cwd, posixpath.join(one.cwd, "src")):
                    yield Landing(source, site, is_tree=True, stage=layout.final.name)
            pip = one.pip
            if pip is not None and pip.installs and not _EDITABLE & pip.options:
                site = _find_site(plan, run, one, pip)
                for stage, project in _find_projects(layout, one, pip) if site else ():
                    for source in (project, posixpath.join(project, "src")):
                        yield Landing(source, site, is_tree=True, stage=stage.name)


def _find_site_of_uv(one: Invocation) -> str:
    """The site-packages directory to which `uv sync` installs the project itself, "" if it does not."""
    words = [word.expand(one.env) or "" for word in one.command.args]
    if one.command.program.rpartition("/")[2] != "uv" or "sync" not in words[:2]:
        return ""
    if "--no-editable" not in words and one.env.get("UV_NO_EDITABLE", "0") in _OFF:
        return ""
    place = one.env.get("UV_PROJECT_ENVIRONMENT") or ".venv"
    return "" if "--no-install-project" in words else posixpath.join(resolve(place, one.cwd), _SITE)


def _find_copied(layout: Layout) -> Iterator[Landing]:
    """Likewise for the packages that another stage has installed, and that are copied from it."""
    for one in layout.final.landings:
        stage = layout.stages.get(one.stage)
        if stage is None or not (site := _site_of_copy(stage, one)):
            continue
        for project in dict.fromkeys(place for line in stage.runs for place in _find_installs(line.args)):
            folder = resolve(project, stage.workdir)
            for source in (folder, posixpath.join(folder, "src")):
                yield Landing(source, site, is_tree=True, stage=stage.name)


def _site_of_copy(stage: StageLayout, one: Landing) -> str:
    """The site-packages directory in what a copy brings from the stage that installs there, or ""."""
    if _PACKAGES.fullmatch(one.destination):
        return one.destination
    named = (*stage.env.values(), *(line.args for line in stage.runs))
    is_prefix = one.is_tree and any(f"{one.source}/bin" in text or f"={one.source}" in text for text in named)
    return posixpath.join(one.destination, _SITE) if is_prefix else ""


def _find_projects(layout: Layout, one: Invocation, pip: PipCall) -> Iterator[tuple[StageLayout, str]]:
    """(stage, directory) of the projects that a pip call installs, or whose wheels it does."""
    for operand in pip.operands:
        place = operand.partition("[")[0]
        if _LOCAL.fullmatch(place):
            yield layout.final, resolve(place, one.cwd)
        elif operand.endswith(".whl"):
            # A stage is listed under its number and its name.
            for stage in {id(each): each for each in layout.stages.values()}.values():
                if any(_BUILDS.search(line.args) for line in stage.runs):
                    yield stage, stage.workdir


def _find_site(plan: Plan, run: Run, one: Invocation, pip: PipCall) -> str:
    """The site-packages directory of a pip call in the rewrite, "" if it is unknown."""
    if is_virtual(pip.command.program, one.env):
        place = virtual_place(pip, one)
        return posixpath.join(resolve(place, one.cwd), _SITE) if place else ""
    if pip.chooses_place:
        return ""
    if run.step.index >= plan.user_index and goes_to_user(plan, one, plan.system_site_reason):
        return posixpath.join(plan.home, ".local", _SITE)
    return posixpath.join("/usr/local", _SITE)


def _find_installs(script: str) -> Iterator[str]:
    """The folders of the projects that commands of a script install, not as editable."""
    for command in _COMMANDS.split(script):
        if found := _PIP_INSTALLS.search(command):
            words = command[found.end() :].split()
            if not _EDITABLE.intersection(words):
                places = (word.partition("[")[0] for word in words)
                yield from (place for place in places if _LOCAL.fullmatch(place))
