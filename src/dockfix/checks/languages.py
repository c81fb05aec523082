"""Whether a file looks like Python, and the review of one that does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from dockfix.checks import codes
from dockfix.knowledge import read_table
from dockfix.knowledge.languages import ALL, find_language
from dockfix.model.plan import Plan
from dockfix.model.runs import Run
from dockfix.results import Finding

_PYTHON: Final = re.compile(
    r"python|\bpip3?\b|conda|\bmamba\b|gunicorn|uvicorn|\.py\b|\buvx?\b|poetry|pipenv|jupyter|django|flask|requirements",
    re.IGNORECASE,
)


def mentions_python(plan: Plan) -> bool:
    """Whether the file has to do with Python, beyond a package of the system's that a step installs."""
    if not _PYTHON.search(plan.tree.text):
        return False
    runs = {id(run.instruction): run for run in plan.runs.values()}
    texts = (
        _without_packages(runs[id(one)]) if id(one) in runs else str(one) for one in plan.tree.instructions
    )
    if any(map(_PYTHON.search, texts)):
        return True
    return any(_PYTHON.search(one.command.program) for one in plan.starting.commands)


def _without_packages(run: Run) -> str:
    """The words of a RUN, except for those of the system's package managers."""
    managers = read_table("bases")["package_managers"]
    commands = [one.command for one in run.invocations if one.command.program not in managers]
    return " ".join(word.text for command in commands for word in command.words)


def review_language(plan: Plan, line: int) -> Finding:
    """The review of a file without Python: a proof may answer it if its language was asked for."""
    language = find_language((stage.reference for stage in plan.stages), _programs(plan))
    wanted = plan.options.languages
    if ALL in wanted or (language is not None and language.name in wanted):
        title = (
            f"{language.title}, which dockfix does not read"
            if language
            else "in no language that dockfix knows"
        )
        help = "--verify tries it, and makes the change if it is proven"
        if language is not None and not language.is_tried:
            help += "; dockfix's own tests do not run it"
        return Finding(codes.OTHER_LANGUAGE, line, f"this is {title}", help)
    like = f", but like {language.title}" if language else ""
    return Finding(
        codes.NOT_PYTHON, line, f"nothing here looks like Python{like}", "check what the application writes"
    )


def _programs(plan: Plan) -> Iterator[str]:
    """The programs that the image's steps and its start run, as written."""
    for run in plan.runs.values():
        yield from (one.command.program for one in run.invocations)
    yield from (one.command.program for one in plan.starting.commands)
