"""What depends on the working directory of an image that started in `/` and gets another one."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from dockfix.model.copies import Copy, find_volumes
from dockfix.model.facts import Facts
from dockfix.model.lineage import Step
from dockfix.model.paths import is_below_any, is_within, resolve
from dockfix.model.scripts import PYTHON, find_called
from dockfix.syntax.tree import Instruction

if TYPE_CHECKING:
    from dockfix.model.runs import Invocation, Run

# An absolute path in an instruction: a word, or the start of one.
ABSOLUTE: Final = re.compile(r"(?<![\w./$}~:@%*?-])/[\w.+-]+(?:/[\w.+@-]+)*/?")
_RELATIVE: Final = re.compile(r"(?<![\w./$}~:@%*?=-])(?:\./)?[\w-][\w.-]*(?:/[\w.-]+)*")
_UNREAD: Final = "not understood"
_BUILDERS: Final = frozenset({"make", "gmake", "ninja", "just"})
_USERS: Final = frozenset({"CMD", "ENTRYPOINT", "RUN", "HEALTHCHECK", "ENV"})
_TOP: Final = tuple(
    f"/{name}" for name in
    "bin boot dev etc home lib lib32 lib64 media mnt opt proc root run sbin srv sys tmp usr var".split()
)  # fmt: skip


def moved_copies(facts: Facts) -> tuple[Copy, ...]:
    """The copies whose relative destination resolves against `/`."""
    return tuple(copy for copy in facts.copies if copy.is_relative and copy.step.before.workdir == "/")


def leaves_relative(facts: Facts, run: Run) -> bool:
    """Whether a RUN working in `/` leaves something there that a later step names by a relative path."""
    if run.step.before.workdir != "/":
        return False
    later = [step.instruction.args for step in facts.lineage.of(*_USERS) if step.index > run.step.index]
    for one in run.invocations:
        for path in one.effect("/root").writes if one.cwd == "/" else ():
            name = path[1:]
            if name and "/" not in name and path not in _TOP:
                word = re.compile(rf"(?<![\w/.@:=-]){re.escape(name)}(?![\w.-])")
                if any(word.search(text) for text in later):
                    return True
    return False


def find_references(facts: Facts) -> Iterator[tuple[Instruction, int]]:
    """(instruction, offset in its joined line) of absolute paths to what a relative copy put into `/`.

    These have to be changed along with the working directory.
    """
    landed = [path for copy in moved_copies(facts) for path in copy.landed()]
    for step, match in _absolute_words(facts):
        if _is_known(facts, match[0].rstrip("/"), landed):
            yield step.instruction, match.start()


def find_unknown_references(facts: Facts) -> Iterator[tuple[str, int]]:
    """(path, line) of absolute paths that may refer to what a relative copy put into `/`."""
    landed = [path for copy in moved_copies(facts) for path in copy.landed()]
    if "/*" not in landed:
        return
    made = [*_made_absolutely(facts), *_TOP]
    for step, match in _absolute_words(facts):
        path = match[0].rstrip("/")
        if not is_below_any(path, made) and not _is_known(facts, path, landed):
            yield path, step.instruction.line_of(match.start())


def leans_on_root(facts: Facts) -> bool:
    """Whether the image, or a program that was not read, may rely on `/` as its working directory."""
    started = " ".join(step.instruction.args for step in facts.lineage.of("CMD", "ENTRYPOINT"))
    if any(_fills_root(copy, started) for copy in facts.copies) or _is_mounted_over(facts):
        return True
    return any(_works_unread(facts, run) for run in facts.runs.values()) or _names_relatively(facts)


def _names_relatively(facts: Facts) -> bool:
    """Whether instructions that work in `/` name files with absolute destinations by relative paths."""
    copied = [path for copy in facts.copies if not copy.is_relative for path in copy.landed()]
    made = [*copied, *(path for path in _made_absolutely(facts) if path != "/")]
    relative = {path for copy in moved_copies(facts) for path in copy.landed()}
    for step in facts.lineage.of("CMD", "ENTRYPOINT", "RUN", "HEALTHCHECK"):
        if step.before.workdir != "/":
            continue
        # What a RUN creates and a later one names may only be temporary.
        places = copied if step.keyword == "RUN" else made
        for match in _RELATIVE.finditer(step.instruction.args):
            path = resolve(match[0], "/")
            if is_below_any(path, places) and path not in relative and path not in _TOP:
                return True
    return False


def _works_unread(facts: Facts, run: Run) -> bool:
    """Whether a program that was not read works in `/`: it may name there what would move, or leave more.

    What is piped into a shell was fetched, and knows nothing of the application.
    """
    if run.step.before.workdir != "/":
        return False
    here = (one for one in run.invocations if one.cwd == "/" and not one.command.piped)
    return any(_is_unread(one) and find_called(one, facts.starting.read) is None for one in here)


def _is_unread(one: Invocation) -> bool:
    """Whether a command runs what only the application knows: a target of make, or a program of its own."""
    if PYTHON.fullmatch(one.command.program) or one.pip is not None:
        return False
    found = one.effect("/root")
    is_own = one.command.program in _BUILDERS or one.command.program.startswith("./")
    return found.root.startswith(_UNREAD) or (found.runs_code and is_own)


def _is_mounted_over(facts: Facts) -> bool:
    """Whether a deployment mounts to, or starts in, a path outside of the standard top-level directories."""
    mounted = [posixpath.normpath(one.target.value) for by in facts.context.deployments for one in by.mounts]
    places = [by.workdir for by in facts.context.deployments if by.workdir]
    return any(not is_below_any(path, _TOP) for path in (*mounted, *places) if path.startswith("/"))


def _fills_root(copy: Copy, started: str) -> bool:
    """Whether an absolute copy puts something directly into `/` that may be read from there by its name."""
    if copy.is_relative or copy.stage is not None:
        return False
    landed = copy.landed()
    return any(path.count("/") == 1 and path not in started for path in landed)


def _is_known(facts: Facts, path: str, landed: list[str]) -> bool:
    if any(is_within(path, one) for one in landed if one not in ("/*", "/")):
        return True
    return "/*" in landed and facts.context.read(path[1:]) is not None


def _absolute_words(facts: Facts) -> Iterator[tuple[Step, re.Match[str]]]:
    for step in facts.steps:
        if step.keyword in _USERS:
            instruction = step.instruction
            for match in ABSOLUTE.finditer(instruction.joined, instruction.args_start, instruction.args_end):
                yield step, match


def _made_absolutely(facts: Facts) -> Iterator[str]:
    for copy in facts.copies:
        if not copy.is_relative:
            yield copy.destination
    yield from (path for _, path in find_volumes(facts.lineage))
    for run in facts.runs.values():
        for one in run.invocations:
            yield from (path for path in one.effect("/root").writes if path != "/")
