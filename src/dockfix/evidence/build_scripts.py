"""What Python code of the build context does in the RUNs that execute it."""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final, NamedTuple

from dockfix.evidence.claims import Claim, Kind
from dockfix.evidence.image_files import Layout
from dockfix.evidence.python.catalogue import load_catalogue
from dockfix.evidence.python.modules import read_imports
from dockfix.evidence.python.sources import Reading, read_start
from dockfix.evidence.python.start import Start, StartReader
from dockfix.model.evidence import BuildScript
from dockfix.model.paths import is_within
from dockfix.model.plan import Plan
from dockfix.model.runs import Invocation, Run, read_run
from dockfix.model.scripts import PYTHON, reaches_out, runs_others

# Modes without rights for others, a umask, and functions of tempfile, which close what they make.
_CLOSES: Final = re.compile(
    r"\b0o[0-7]{2,3}0\b|\bS_I(?:RWXU|[RW]USR)\b|\bumask\(|\b(?:mkstemp|mkdtemp|NamedTemporaryFile)\b"
)
_MAY_RUN: Final = re.compile(r"python[\d.]*['\" \t]")
# What these do depends on their command, which tables know.
_BY_COMMAND: Final = frozenset({"manage.py", "setup.py"})


class ReadRun(NamedTuple):
    """One command of a RUN, its working directory in the rewrite, its code, and what was read of it."""

    run: Run
    command: Invocation
    cwd: str
    start: Start
    reading: Reading


def read_runs(plan: Plan, layout: Layout, path: str) -> Iterator[ReadRun]:
    """Read the code that the RUNs of an image execute; `path` is the file name of the Dockerfile."""
    for run in plan.runs.values():
        if not _MAY_RUN.search(run.text):
            continue
        for one, moved in zip(run.invocations, relocate(plan, run).invocations, strict=False):
            if PYTHON.fullmatch(one.command.program):
                here = replace(layout, final=replace(layout.final, workdir=moved.cwd))
                start = _find_code(here, path, run, moved)
                if start.is_known:
                    yield ReadRun(run, one, moved.cwd, start, read_start(here, start, ""))


def find_filled_caches(plan: Plan, runs: Iterable[ReadRun]) -> Iterator[tuple[str, str]]:
    """(text of a RUN, variable) of each cache that the application's scripts fill as root."""
    variables = load_catalogue().cache_variables
    for one in runs:
        if one.run.step.before.is_root and one.run.step.index < plan.user_index:
            for place in one.reading.caches:
                if place in variables:
                    yield one.run.text, variables[place]


def describe_script(plan: Plan, layout: Layout, one: ReadRun) -> BuildScript:
    """What the replay has to know of the code that a RUN executes."""
    reading = one.reading
    claims = [claim for claim in reading.claims if claim.kind in (Kind.WRITE, Kind.HOME)]
    writes = dict.fromkeys(_given_places(layout, one), False)
    writes |= {_written(one, claims): one.certain for one in claims}
    texts = [
        *(layout.reader(file) or "" for file in reading.modules),
        *(code.text for code in one.start.codes),
    ]
    is_all = (
        bool(reading.modules)
        and not (reading.is_cut or reading.unread)
        and all(claim.what for claim in claims)
    )
    origin = plan.origins[one.run.step.index]
    assert isinstance(origin, int)
    return BuildScript(
        origin,
        tuple(word.text for word in one.command.command.words),
        tuple((_relative(path, one.cwd), certain) for path, certain in writes.items() if path.strip("/")),
        reading.names,
        is_all and not any(map(runs_others, texts)) and _imports_own(texts, reading.modules),
        not any(reaches_out(text, one.cwd) for text in texts),
        any(map(_CLOSES.search, texts)),
    )


def _given_places(layout: Layout, one: ReadRun) -> Iterator[str]:
    """The absolute paths that the command gives to the code, which may write there."""
    for word in one.command.command.args:
        value = word.expand(one.command.env) or ""
        path = value.partition("=")[2] if value.startswith("-") else value
        if path.startswith("/") and path not in one.start.files and layout.source_of(path) is None:
            yield path


def relocate(plan: Plan, run: Run) -> Run:
    """The RUN in the working directory that the rewrite gives the image, if it worked in `/`."""
    step = run.step
    if not plan.relocates or step.before.workdir != "/":
        return run
    return read_run(replace(step, before=step.before._replace(workdir=plan.workdir)), run.home, run.given)


def _find_code(layout: Layout, path: str, run: Run, one: Invocation) -> Start:
    """The code of the build context, or of the Dockerfile, that a Python command executes."""
    reader = StartReader(layout, path)
    line = run.line_of(one.command)
    start = reader.follow(one.command, line, one.cwd)
    if {posixpath.basename(file) for file in start.files} & _BY_COMMAND:
        return Start()
    documents = run.instruction.heredocs
    is_fed = any(one.operator.startswith("<<") for one in one.command.redirects)
    if is_fed and len(documents) == 1 and "$" not in documents[0].body and not start.is_known:
        return reader.follow_code(documents[0].body, line + 1, one.cwd)
    return start


def _imports_own(texts: Iterable[str], files: Iterable[str]) -> bool:
    """Whether code imports nothing but the standard library and its own modules.

    A package may fetch data into the home of whoever runs it.
    """
    own = {part for file in files for part in file.removesuffix(".py").split("/")}
    names = {(origin or name).partition(".")[0] for text in texts for origin, _, name in read_imports(text)}
    return names - own <= sys.stdlib_module_names | {""}


def _written(one: Claim, claims: Iterable[Claim]) -> str:
    """The path that is written, with a trailing slash for a directory."""
    if one.is_directory:
        return f"{one.directory}/"
    is_above = any(other.what.startswith(f"{one.what}/") for other in claims)
    return f"{one.what}/" if is_above and not one.what.endswith("/") else one.what


def _relative(path: str, cwd: str) -> str:
    """A path as seen from the working directory, if it is below it."""
    if cwd == "/" or not is_within(path, cwd) or path.rstrip("/") == cwd:
        return path
    return path[len(cwd) + 1 :]
