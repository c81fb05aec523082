"""Manifests that contradict an image that runs as a user."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dockfix.checks import codes
from dockfix.checks.owner_commands import command_to_give
from dockfix.context import Deployment, Mount
from dockfix.knowledge.homes import is_cache
from dockfix.model.paths import is_root_home, is_within
from dockfix.results import Finding
from dockfix.syntax.words import is_number


def find_contradictions(
    deployments: Iterable[Deployment], *, user: str, home: str, written: Iterable[str] = ()
) -> Iterator[Finding]:
    """How deployments of an image contradict its user (a name or `uid:gid`), each finding once.

    `home` is the user's home, `written` the directories that the application writes. The message names
    the line of the manifest; the finding's own line is 0.
    """
    seen: set[str] = set()
    for one in deployments:
        for finding in _of(one, user, home, tuple(written)):
            if finding.message not in seen:
                seen.add(finding.message)
                yield finding


def hides_mount(one: Deployment) -> bool:
    """Whether a deployment runs as the image's user, so that a mount below /root is out of its reach."""
    return one.user is None and not one.follows


def _of(one: Deployment, user: str, home: str, written: tuple[str, ...]) -> Iterator[Finding]:
    if one.is_root and one.user is not None:
        where = one.at(one.user)
        yield Finding(codes.MANIFEST_USER, 0, f"{where} still runs it as root", "remove that line")
    if one.needs_number and one.non_root is not None and not is_number(user[:1]):
        message = f"{one.at(one.non_root)} sets runAsNonRoot, which rejects a named user"
        yield Finding(codes.NAMED_USER, 0, message, "use --numeric, or set runAsUser there")
    for port in one.ports:
        if is_number(port.value) and 0 < int(port.value) < 1024 and one.kind != "compose":
            message = f"{one.at(port)} opens port {port.value}, which some runtimes reserve for root"
            yield Finding(codes.LOW_PORT, 0, message, "move the application to port 1024 or above")
    for mount in one.mounts:
        yield from _of_mount(one, mount, home, user)
    if one.read_only is not None:
        open_places = [mount.target.value for mount in one.mounts if not mount.read_only]
        for path in written:
            if not any(is_within(path, place) for place in open_places):
                where = one.at(one.read_only)
                message = f"{where} makes the image read-only, but the application writes {path}"
                yield Finding(codes.MANIFEST_READ_ONLY, 0, message, f"mount a volume or tmpfs at {path}")


def _of_mount(one: Deployment, mount: Mount, home: str, user: str) -> Iterator[Finding]:
    place = mount.target.value
    if not is_root_home(place):
        return
    what = f"{mount.source} at {place}" if mount.source else place
    is_lost = _is_cache(place) and not mount.read_only
    lost = ": the user's own cache is lost with each container" if is_lost else ""
    message = f"{one.at(mount.target)} mounts {what}, which only root can read{lost}"
    own = path_in_home(place, home)
    command = command_to_give(one, mount, own, user) if mount.source else ""
    also = f"; {command}" if command and not mount.read_only else ""
    yield Finding(codes.MANIFEST_MOUNT, 0, message, f"mount it at {own}{also}")


def _is_cache(place: str) -> bool:
    in_home = "~" + place.removeprefix("/root")
    return in_home.startswith("~/.cache") or is_cache(in_home)


def path_in_home(path: str, home: str) -> str:
    """The path below the user's home that corresponds to one below /root."""
    return home + path.removeprefix("/root")
