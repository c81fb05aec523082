"""The directories that an image writes while it runs, for a read-only root file system."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from dockfix.context import Context, Deployment
from dockfix.knowledge.homes import find_module_use, find_own_variable
from dockfix.model.command_operations import home_use, in_home
from dockfix.model.copies import Copy, find_volumes
from dockfix.model.filetree import BASE, START, Kind, Origin, each
from dockfix.model.image_texts import find_source
from dockfix.model.operations import Act
from dockfix.model.outcomes import Outcome, works_inside
from dockfix.model.paths import is_ownable, is_root_home, is_within
from dockfix.model.plan import Plan
from dockfix.writable import TEMPORARY, Content, Purpose, Writable

_IN_DIRECTORY: Final = frozenset({Act.WRITE, Act.REMOVE, Act.REPLACE, Act.COPY, Act.MOVE, Act.LINK})
_KERNEL: Final = ("/dev", "/proc", "/sys")
# Files that only interactive sessions and downloads write.
_HISTORY: Final = re.compile(r"_history$|-hsts$")


class HomeCache(NamedTuple):
    """A cache of the start in the home: its path, and the variable that moves it, or ""."""

    path: str
    variable: str


class _Use(NamedTuple):
    path: str
    purpose: Purpose
    why: str = ""


def find_writable(plan: Plan) -> tuple[Writable, ...]:
    """The directories that must be writable, none within another, by path."""
    found = {"/tmp": _Use("/tmp", Purpose.TEMPORARY)}
    for use in _uses(plan):
        path = plan.replay.end.follow(use.path)
        if is_ownable(path) and not is_root_home(path) and not path.startswith(_KERNEL):
            found.setdefault(path, use)
        elif path in TEMPORARY:
            found.setdefault(path, use._replace(purpose=Purpose.TEMPORARY))
    tops = (path for path in found if not any(path != one and is_within(path, one) for one in found))
    return tuple(_describe(plan, path, found[path]) for path in sorted(tops))


def find_home_caches(plan: Plan) -> Iterator[HomeCache]:
    """The caches that the start keeps in the home, where nothing of the image and no mount stands."""
    who, end = plan.replay.who, plan.lineage.end
    env = {**end.env, "HOME": who.home}
    uses = [home_use(one, who) for one in plan.starting.invocations]
    uses += [find_module_use(one, env) for one in plan.evidence.tools]
    # What a build step that was not read may have fetched is data of the image.
    fetched = () if _runs_unread(plan) else (place for use in uses if use for place in use.writes)
    places = (*(place for use in uses if use for place in use.caches), *fetched)
    for place in dict.fromkeys(places):
        path = in_home(place, who.home, end.workdir)
        if place.startswith("~/") and not _HISTORY.search(place) and not _is_filled(plan, path):
            yield HomeCache(path, find_own_variable(place))


def _runs_unread(plan: Plan) -> bool:
    """Whether a step of the build runs code that was not read."""
    acts = (one.operation.act for one in plan.replay.outcomes if one.key.step != START)
    return any(act in (Act.CODE, Act.UNKNOWN) for act in acts)


def _is_filled(plan: Plan, path: str) -> bool:
    """Whether the image has something there, or a deployment mounts something there."""
    tree = plan.replay.end
    if any(node.kind is not Kind.DIRECTORY for node in each(tree.look(path))) or tree.below(path):
        return True
    targets = (mount.target.value for one in plan.context.deployments for mount in one.mounts)
    homes = (re.sub(r"^(?:/root|~)(?=/|$)", plan.home, target) for target in targets)
    return any(is_within(path, one) or is_within(one, path) for one in homes if one.startswith("/"))


def _uses(plan: Plan) -> Iterator[_Use]:
    """What is written, the image's volumes first."""
    for _, path in find_volumes(plan.lineage):
        yield _Use(path, Purpose.VOLUME)
    for written, why in plan.evidence.places:
        if find_own_variable(written.rstrip("/")) in plan.lineage.end.env:
            continue  # It goes where that variable says.
        path = in_home(written, plan.replay.who.home, plan.lineage.end.workdir)
        yield _Use(path if written.endswith("/") else posixpath.dirname(path), Purpose.DATA, why)
    for path, line in plan.starting.written:
        yield _Use(posixpath.dirname(path), Purpose.DATA, f"line {line}")
    # Operations with a negative number follow from the sources, whose places are known.
    own = (one for one in plan.replay.outcomes if one.key.step == START and one.key.command >= 0)
    yield from (_Use(path, Purpose.DATA) for one in own if (path := _written_by(plan, one)))
    for cache in find_home_caches(plan):
        yield _Use(cache.path, Purpose.CACHE)


def _written_by(plan: Plan, one: Outcome) -> str:
    """The directory that an operation of the start changes, "" if none."""
    operation, tree = one.operation, plan.replay.end
    path = operation.destination
    # An unknown program is only assumed to work in its directory.
    assumed = path == plan.lineage.end.workdir and operation.act is Act.WRITE
    if not path.startswith("/") or assumed or not one.happens:
        return ""
    if operation.act is Act.MAKE:
        return path
    if operation.act not in _IN_DIRECTORY:
        return ""
    is_inside = operation.act is Act.WRITE and not operation.spec and works_inside(tree, operation)
    return path if is_inside else posixpath.dirname(path.rstrip("/"))


def _describe(plan: Plan, path: str, use: _Use) -> Writable:
    sources = [source for copy in plan.copies if (source := _source_in_context(copy, path)) is not None]
    is_copied = any(_is_folder(plan.context, one) for one in sources)
    stands = plan.replay.end.exists(path) or is_copied
    return Writable(path, use.purpose, use.why, stands, _content(plan, path, is_copied=is_copied))


def _is_folder(context: Context, path: str) -> bool:
    above, name = posixpath.split(path)
    return context.names is not None and f"{name}/" in context.names(above)


def _source_in_context(copy: Copy, path: str) -> str | None:
    """The folder of the build context that a copy brings to a directory below its destination."""
    return find_source(copy, path) if copy.stage is None and path != copy.destination else None


def _content(plan: Plan, path: str, *, is_copied: bool) -> Content:
    copied = [copy.destination for copy in plan.copies]
    if any(is_within(one, path) for one in (*copied, plan.lineage.end.workdir, plan.home) if one):
        return Content.PROGRAM
    tree = plan.replay.end
    # What the build context may bring is looked up there; a base has nothing where a step makes a directory.
    known: set[Origin] = {plan.origins[copy.step.index] for copy in plan.copies if copy.stage is None}
    if any(one.kind is Kind.DIRECTORY and one.origin != BASE for one in tree.look(path)):
        known.add(BASE)
    nodes = (one for one in tree.contents(path) if one.kind is not Kind.DIRECTORY)
    is_filled = is_copied or any(one.origin not in known for one in nodes)
    return Content.FILES if is_filled else Content.NOTHING


def find_hidden(one: Deployment, writable: Sequence[Writable]) -> list[Writable]:
    """The places with files of the image that a mount would hide, or keep from being updated.

    A new volume of docker's starts with the image's files; compose keeps it when the image is updated, so
    that old programs would go on running. An emptyDir starts empty.
    """
    kept = {Content.NOTHING} if one.kind == "kubernetes" else {Content.NOTHING, Content.FILES}
    return [place for place in writable if place.content not in kept and not is_mounted(one, place)]


def is_mounted(one: Deployment, place: Writable) -> bool:
    """Whether a deployment mounts something writable there."""
    mounts = (mount.target.value.rstrip("/") for mount in one.mounts if not mount.read_only)
    return any(place.path == target or place.path.startswith(f"{target}/") for target in mounts if target)
