"""What was read outside of a Dockerfile, and what it showed."""

from __future__ import annotations

import os
from collections.abc import Iterator

from dockfix.context import Deployment
from dockfix.evidence.assess import read_application
from dockfix.evidence.claims import Claim, Kind
from dockfix.explain.walk import Outside
from dockfix.files.build_context import FolderReader
from dockfix.files.candidates import Build
from dockfix.model.plan import Plan

_DEEDS = {
    Kind.WRITE: "writes {}",
    Kind.PORT: "opens port {}",
    Kind.ROOT: "needs root: {}",
    Kind.HOME: "keeps files in {}",
    Kind.INSTALL: "installs a package: {}",
    Kind.MISSING: "starts {}, which was not found",
    Kind.FETCHED: "starts {}, which a step downloads",
    Kind.DOCKER: "talks to docker: {}",
    Kind.PLATFORM: "uses what SageMaker mounts: {}",
}


def find_outside(plan: Plan, builds: tuple[Build, ...]) -> Iterator[Outside]:
    """The repository's files that build and run the image, then the scripts and modules that it starts."""
    yield from map(_of_build, builds)
    yield from map(_of_deployment, plan.context.deployments)
    for where in dict.fromkeys(one.where for one in plan.starting.commands if one.where.startswith("/")):
        programs = dict.fromkeys(
            one.command.program
            for one in plan.starting.commands
            if one.where == where and one.command.program
        )
        yield Outside(where, (f"is started, and runs {', '.join(programs)}",))
    yield from (
        Outside(path, (f"is started by line {line}, and cannot be read",))
        for path, line in plan.starting.unread
    )
    if plan.options.evidence and plan.context.knows_files:
        yield from _of_sources(plan)


def _of_build(build: Build) -> Outside:
    target = f", target {build.target}" if build.target else ""
    return Outside(build.source, (f"builds it in {build.context or '.'}{target}",))


def _of_deployment(one: Deployment) -> Outside:
    showed = [f"runs it as {one.kind} {one.name}".rstrip()]
    command = (*(one.entrypoint or ()), *(one.command or ()))
    if command:
        showed.append(f"starts {' '.join(command)}")
    if one.user is not None:
        showed.append(f"sets the user {one.user.value}")
    if one.non_root is not None:
        showed.append("checks that the user is not root (runAsNonRoot)")
    if one.read_only is not None:
        showed.append("makes the file system read-only")
    showed += (f"mounts {mount.source or 'a volume'} at {mount.target.value}" for mount in one.mounts)
    return Outside(one.place, tuple(showed))


def _of_sources(plan: Plan) -> Iterator[Outside]:
    reading = read_application(plan).reading
    by_file: dict[str, list[Claim]] = {file: [] for file in reading.modules}
    for claim in reading.claims:
        by_file.setdefault(claim.file, []).append(claim)
    for file, claims in by_file.items():
        showed = tuple(map(_sentence, claims)) or ("shows no write, no low port and no need for root",)
        yield Outside(_on_disk(plan, file), showed)
    yield from (Outside(name, ("is started, and was not found",)) for name in reading.unread)
    if reading.is_cut:
        yield Outside("further modules", ("were not read: too many, or not to be parsed",))


def _sentence(claim: Claim) -> str:
    what = _DEEDS[claim.kind].format(claim.what or "to an unknown path")
    return f"line {claim.line}{'' if claim.certain else ' perhaps'} {what}"


def _on_disk(plan: Plan, file: str) -> str:
    """The path of a file of the build context, relative to the current folder."""
    folder = plan.context.read.folder if isinstance(plan.context.read, FolderReader) else ""
    return os.path.relpath(os.path.join(folder, file)) if folder else file


def find_looked_at(plan: Plan, known: set[str]) -> tuple[str, ...]:
    """Further files that were read."""
    reads = getattr(plan.context.read, "reads", {})
    names = (name for name, digest in reads.items() if digest and not name.endswith("/"))
    return tuple(sorted({_on_disk(plan, name) for name in names} - known))
