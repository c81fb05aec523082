"""Virtual environments: the one that a pip call installs into, and those that a RUN creates."""

from __future__ import annotations

from collections.abc import Iterator

from dockfix.model.operations import Act, How
from dockfix.model.paths import resolve
from dockfix.model.pip import PipCall
from dockfix.model.runs import Invocation, Run


def virtual_place(pip: PipCall, one: Invocation) -> str:
    """The directory of the virtual environment that a pip call installs into, "" if unknown."""
    program = pip.command.program
    if "/bin/" in program:
        return resolve(program.rpartition("/bin/")[0], one.cwd)
    if place := one.env.get("VIRTUAL_ENV"):
        return place
    first = one.env.get("PATH", "").partition(":")[0]
    return first.removesuffix("/bin") if first.endswith("/bin") else ""


def find_environments(run: Run) -> Iterator[str]:
    """The absolute paths of the environments that a RUN creates or changes."""
    for one in run.invocations:
        for operation in one.effect(run.home).operations:
            if operation.act is Act.WRITE and How.PACKAGES in operation.how and operation.path != one.cwd:
                yield operation.path
