"""Mounts over paths that the image writes: host folders, and volumes that root has filled."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from dockfix.checks import codes
from dockfix.checks.owner_commands import command_to_give, user_to_give
from dockfix.context import Deployment, Mount
from dockfix.evidence.contradictions import path_in_home
from dockfix.evidence.image_files import Layout
from dockfix.evidence.landings import Landing
from dockfix.evidence.private_mounts import find_private_mounts
from dockfix.evidence.python.catalogue import writes_where_it_runs
from dockfix.evidence.python.path_strings import find_uses
from dockfix.model.copies import find_volumes
from dockfix.model.filetree import START, Kind
from dockfix.model.operations import written_at
from dockfix.model.ownership import owns
from dockfix.model.paths import (
    FOR_SERVICES,
    is_below_any,
    is_ownable,
    is_root_home,
    is_shared,
    is_system_directory,
    is_within,
    resolve,
)
from dockfix.model.plan import Plan
from dockfix.results import Finding

_SHOWN: Final = 3
_SOCKET: Final = "docker.sock"
# Variables for programs, modules, settings and homes, which do not name paths that the application writes;
# those such as LOG_PATH and DB_PATH may.
_OF_CODE: Final = re.compile(
    r"(?<!_)PATH$|(?:LIBRARY|INCLUDE|PREFIX|PYTHON|MODULE|PLUGIN|CONFIG|SETTINGS|CREDENTIAL|KEY|CERT|BINARY"
    r"|EXECUTABLE|MODEL)S?_PATH$|^VIRTUAL_ENV$|^HOME$|_HOME$|_VENV$|_MODULE$"
)
_OPEN: Final = ("/tmp", "/var/tmp", "/dev/shm")
_BY_DOCKER: Final = ("compose", "compose run", "docker run")
"""The kinds of deployments whose new volumes take the owner of the image's directory, or are root's."""
# Source: systemd rules.d/50-udev-default.rules.in (mode 0666); NVIDIA's driver README, NVreg_DeviceFileMode.
_DEVICES_OF_ALL: Final = tuple(
    f"/dev/{name}" for name in ("shm", "null", "zero", "random", "urandom", "net/tun", "fuse", "nvidia")
)
_DATABASE: Final = re.compile(r"(?:sqlite|duckdb)[\w+]*:///(/[^?]*)")
_UNKNOWN: Final = "$"
"""The beginning of a path that is a variable without a value."""


@dataclass(frozen=True, slots=True)
class Written:
    """The absolute paths that an image writes or may write; `is_complete`: it writes no others.

    `uses` are paths that it names, `reads` those of them that it only reads.
    """

    places: frozenset[str]
    is_complete: bool
    uses: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class VolumeFindings:
    """The findings about mounts: refusals for those that break, reviews and notes for those that may."""

    refusals: tuple[Finding, ...] = ()
    reviews: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()


def find_written(plan: Plan, claimed: Iterable[str], texts: Iterable[str], *, is_complete: bool) -> Written:
    """The paths that the start of an image writes, from its command lines and the sources' claims.

    `texts` are the sources and configuration files.
    """
    places = {path.rstrip("/") or "/" for path in claimed if path.startswith("/")}
    places.update(path for path, _ in plan.starting.written)
    places.update(path for _, path in find_volumes(plan.lineage))
    if not any(one.mounts for one in plan.context.deployments):
        return Written(frozenset(places), is_complete)
    places.update(_find_started(plan))
    workdir = plan.lineage.end.workdir
    uses, reads = (frozenset(resolve(one, workdir) for one in found) for found in find_uses(texts))
    return Written(frozenset(places), is_complete, uses, reads)


def _find_started(plan: Plan) -> Iterator[str]:
    """What the start's command lines write, but not the directories where only unknown programs work."""
    workdirs = {plan.lineage.end.workdir, *(one.workdir for one in plan.starting.deployed)}
    for one in plan.replay.outcomes:
        place = written_at(one.operation) if one.key.step == START else ""
        if place and one.operation.path not in workdirs:
            yield place
    for started in plan.starting.commands:
        if writes_where_it_runs([word.text for word in started.command.words]):
            yield started.invocation.cwd


def find_mount_points(
    plan: Plan, layout: Layout, written: Written, mounted: Sequence[Landing]
) -> tuple[str, ...]:
    """The directories that the image needs for its volumes, and that must belong to the user.

    `mounted` are the folders of the build context that deployments mount.
    """
    return tuple(dict.fromkeys(_Judge(plan, layout, written, (), mounted).mount_points()))


def find_volume_findings(
    plan: Plan,
    layout: Layout,
    written: Written,
    given: tuple[str, ...],
    mounted: Sequence[Landing],
) -> VolumeFindings:
    """The findings about mounts of deployments that run as the image's own user.

    `given` are the directories that are made for the user, and given to it, `mounted` the folders of the
    build context that deployments mount.
    """
    refusals: list[Finding] = []
    reviews: list[Finding] = []
    notes: list[Finding] = []
    names = plan.lineage.final.names()
    judge = _Judge(plan, layout, written, given, mounted)
    for one in plan.context.deployments:
        if one.user is not None or not one.is_of(names):
            continue
        for mount in one.mounts:
            place = posixpath.normpath(mount.target.value)
            reviews += find_private_mounts(one, mount) if not is_root_home(place) else ()
            if place.endswith(_SOCKET):
                refusals.append(_of_socket(one, mount))
            elif mount.source == "/dev" or mount.source.startswith("/dev/"):
                reviews += _of_device(one, mount)
            elif _is_harmless(mount, place):
                continue
            elif not mount.takes_owner or one.kind in ("kubernetes", "helm"):
                reviews += judge.foreign(one, mount, place)
            elif found := list(judge.roots(one, mount, place)):
                reviews += found
            else:
                rows = reviews if _is_filled_by_root(plan, one, mount) else notes
                rows += judge.volume(one, mount, place)
    notes += judge.moved()
    return VolumeFindings(_folded(refusals), _folded(reviews), _folded(notes))


def _is_harmless(mount: Mount, place: str) -> bool:
    """Whether nobody writes to a mount, or everybody may; those below root's home are reported elsewhere."""
    is_named = place.startswith(("/", _UNKNOWN))
    return mount.read_only or mount.is_open or is_root_home(place) or not is_named


def _of_database(value: str) -> str:
    """The file of a database's URL (`sqlite:////data/app.db`), and any other value unchanged."""
    found = _DATABASE.match(value)
    return found[1] if found else value


def _folded(findings: list[Finding]) -> tuple[Finding, ...]:
    """The first few distinct findings."""
    return tuple(dict.fromkeys(findings))[:_SHOWN]


def _of_socket(one: Deployment, mount: Mount) -> Finding:
    message = f"{one.at(mount.target)} mounts the docker socket, which belongs to root"
    return Finding(
        codes.NEEDS_ROOT_PROCESS, 0, message, "leave it as root, or talk to docker through a proxy"
    )


def _of_device(one: Deployment, mount: Mount) -> Iterator[Finding]:
    """The finding for a device of the host, which keeps its owner and mode; everybody may open some."""
    if not mount.source.startswith(_DEVICES_OF_ALL):
        device = f"{one.at(mount.target)} gives it {mount.source}"
        message = f"{device}, which belongs to root and to a group of the host"
        help_ = "give the container that group (group_add, --group-add)"
        yield Finding(codes.FOREIGN_OWNER, 0, message, help_)


def _is_filled_by_root(plan: Plan, one: Deployment, mount: Mount) -> bool:
    """Whether a service that runs the same image as root works in the same volume."""
    others = (other for other in plan.context.deployments if other.file == one.file and other.is_root)
    mounts = (found for other in others for found in other.mounts if not found.read_only)
    return any(found.source == mount.source for found in mounts)


@dataclass(frozen=True, slots=True)
class _Judge:
    plan: Plan
    layout: Layout
    written: Written
    given: tuple[str, ...]
    mounted: Sequence[Landing]

    def foreign(self, one: Deployment, mount: Mount, place: str) -> Iterator[Finding]:
        """Findings for a mount that does not take its owner from the image."""
        judge = self.bind if mount.is_bind else self.claim if mount.takes_owner else self.bare
        yield from judge(one, mount, place)

    def bind(self, one: Deployment, mount: Mount, place: str) -> Iterator[Finding]:
        """Findings for a host folder, which keeps its owner whoever the image's user is."""
        if self._is_untouched(place):
            return
        # Everybody may write to the host's own /tmp and /dev/shm.
        if mount.source in _OPEN or (verb := self._writes(one, place)) == "":
            return
        message = f"{one.at(mount.target)} mounts {mount.source} at {place}, where the application {verb}"
        yield Finding(codes.EXISTING_VOLUMES, 0, message, self._help(one, mount, place))

    def bare(self, one: Deployment, mount: Mount, place: str) -> Iterator[Finding]:
        """Findings for a tmpfs, or a volume that takes nothing over from the image: both belong to root."""
        takes_mode = mount.is_tmpfs and not mount.is_bare
        if is_shared(place) or self._is_untouched(place) or (takes_mode and not self._stands(place)):
            return
        yield from self._of_root(one, mount, place)

    def roots(self, one: Deployment, mount: Mount, place: str) -> Iterator[Finding]:
        """Findings for a volume that takes over the image's directory, if that is root's."""
        is_given = one.kind not in _BY_DOCKER or place in _OPEN or self.can_give(one, place)
        if not is_given and (self._is_used(one, place) or not is_system_directory(place)):
            yield from self._of_root(one, mount, place)

    def _of_root(self, one: Deployment, mount: Mount, place: str) -> Iterator[Finding]:
        if verb := self._writes(one, place):
            volume = f"the volume {mount.source}" if mount.source else "a volume"
            what = "a tmpfs" if mount.is_tmpfs else volume
            message = (
                f"{one.at(mount.target)} mounts {what} at {place}; it belongs to root,"
                f" and the application {verb}"
            )
            takes_uid = mount.is_tmpfs or (mount.is_bare and not mount.source)
            help_ = "mount it with the user's uid" if takes_uid else self._help(one, mount, place)
            yield Finding(codes.EXISTING_VOLUMES, 0, message, help_)

    def mount_points(self) -> Iterator[str]:
        """Where volumes are mounted that need a directory of the user's in the image."""
        home = self.plan.home if self.plan.home.strip("/") else ""
        for one in self.plan.context.deployments:
            for mount in one.mounts if one.kind in _BY_DOCKER else ():
                place = posixpath.normpath(mount.target.value)
                if not mount.takes_owner or mount.read_only or not place.startswith("/"):
                    continue
                if not is_root_home(place) and self._needs_directory(one, mount, place):
                    yield place
                elif is_root_home(place) and place != "/root" and home:
                    inside = place.removeprefix("/root/").split("/")
                    yield from (posixpath.join(home, *inside[:depth]) for depth in range(1, len(inside) + 1))

    def _needs_directory(self, one: Deployment, mount: Mount, place: str) -> bool:
        """Whether a directory is to be made for a volume: always for a named one, which others may fill."""
        return self.can_give(one, place) and bool(mount.source or self._writes(one, place))

    def can_give(self, one: Deployment, place: str) -> bool:
        """Whether the directory at a mount point may be made, and given to the user.

        Below a system directory it has to be one that the application uses; no image keeps one in /dev.
        """
        if self.plan.lineage.image.account_command == "none":
            return self.plan.rehearsal.end.exists(place) and owns(self.plan, place)
        is_systems = is_system_directory(place) and not is_below_any(place, FOR_SERVICES)
        is_kept = is_ownable(place) and not is_within(place, "/dev")
        return is_kept and (not is_systems or self._is_used(one, place))

    def _is_used(self, one: Deployment, place: str) -> bool:
        """Whether the application writes below a path, or names one there that it may write."""
        named = self.written.uses - self.written.reads
        is_used = self._is_hit(place) or any(is_within(path, place) for path in named)
        return is_used or self._is_named(one, place)

    def _stands(self, place: str) -> bool:
        """Whether the new image has a directory there that not everybody may write to."""
        nodes = self.plan.rehearsal.end.look(place)
        is_copied = any(self.layout.exists(f"{source}/") for source in self.layout.sources_of(place))
        is_made = any(one.kind is Kind.DIRECTORY and not one.mode & 0o002 for one in nodes)
        return is_copied or is_made or any(is_within(path, place) for path in self.given)

    def claim(self, one: Deployment, mount: Mount, place: str) -> Iterator[Finding]:
        """Findings for a pod's volume, which belongs to root unless fsGroup is set."""
        if one.group is None and (verb := self._writes(one, place)):
            message = (
                f"{one.at(mount.target)} mounts a volume at {place}, where the application {verb},"
                " without fsGroup"
            )
            yield Finding(codes.MANIFEST_GROUP, 0, message, "set fsGroup to the user's group")

    def volume(self, one: Deployment, mount: Mount, place: str) -> Iterator[Finding]:
        """Findings for a named volume: a new one takes the image's owner, but existing files stay root's."""
        is_written = self._writes(one, place) or self._is_started_with(one, place)
        if mount.source and (is_written or self._is_named(one, place)):
            message = (
                f"{one.at(mount.target)} mounts the volume {mount.source} at {place}:"
                " what it holds already belongs to root"
            )
            yield Finding(codes.EXISTING_VOLUMES, 0, message, self._help(one, mount, place))

    def moved(self) -> Iterator[Finding]:
        """Findings for mounts that move from root's home to the user's, with the files that they have."""
        names = self.plan.lineage.final.names()
        for one in (one for one in self.plan.context.deployments if one.follows and one.is_of(names)):
            for mount in (mount for mount in one.mounts if mount.source and not mount.read_only):
                place = posixpath.normpath(mount.target.value)
                if is_root_home(place):
                    message = (
                        f"{one.at(mount.target)} mounts {mount.source}: what it holds already belongs to root"
                    )
                    help_ = self._help(one, mount, path_in_home(place, self.plan.home))
                    yield Finding(codes.EXISTING_VOLUMES, 0, message, help_)

    def _writes(self, one: Deployment, place: str) -> str:
        """`writes` and the first path written below it, `may write`, or "" if nothing is written there."""
        if place.startswith(_UNKNOWN):
            return "may write" if self.written.places or not self.written.is_complete else ""
        if hits := sorted(path for path in self.written.places if is_within(path, place)):
            return "writes" if hits[0] == place else f"writes {hits[0]}"
        if is_shared(place):
            return "writes"
        return self._may_write(one, place)

    def _may_write(self, one: Deployment, place: str) -> str:
        """`may write` and what it names there, or "" if it is known to write nothing below it."""
        is_code = self._is_code(place)
        named = () if is_code else [path for path in self.written.uses if is_within(path, place)]
        if used := sorted(path for path in named if path not in self.written.reads):
            return "may write" if used[0] == place else f"may write {used[0]}"
        is_over_all = is_within(self.plan.lineage.end.workdir, place)
        if "." in posixpath.basename(place) or (is_code and not is_over_all):
            return ""
        if not self.written.is_complete or (not is_code and self._is_named(one, place)):
            return "may write"
        # Something unread names it then: a variable in an .env that is not committed, a path put together.
        is_unexplained = not (is_code or named or any(self._variables_at(one, place)))
        return "may write, as nothing that was read names it" if is_unexplained else ""

    def _is_started_with(self, one: Deployment, place: str) -> bool:
        """Whether a command line of the start names a path below it."""
        own = (
            word.expand(run.env) or "" for run in self.plan.starting.invocations for word in run.command.args
        )
        words = (*(one.entrypoint or ()), *(one.command or ()), *own)
        return any(word.startswith("/") and is_within(posixpath.normpath(word), place) for word in words)

    def _is_untouched(self, place: str) -> bool:
        """Whether it is a directory of the system's in which the application writes nothing that is known."""
        return is_system_directory(place) and not is_shared(place) and not self._is_hit(place)

    def _is_hit(self, place: str) -> bool:
        return any(is_within(path, place) for path in self.written.places)

    def _is_named(self, one: Deployment, place: str) -> bool:
        """Whether a variable that is not for code or settings holds the path, or one below it."""
        return not all(map(_OF_CODE.search, self._variables_at(one, place)))

    def _variables_at(self, one: Deployment, place: str) -> Iterator[str]:
        """The variables that hold the path, or one below it."""
        variables = {**self.plan.lineage.end.env, **dict(one.environment)}
        for name, value in variables.items():
            path = _of_database(value)
            if path.startswith("/") and is_within(posixpath.normpath(path), place):
                yield name

    def _is_code(self, place: str) -> bool:
        """Whether the mount brings sources of the build context, or replaces copied ones (development)."""
        sources = (*self.layout.sources_of(place), *(one.source for one in self._mounted_at(place)))
        if any(map(self.layout.holds_code, sources)):
            return True
        landings = self.layout.final.landings
        return any(not one.stage and is_within(one.destination, place) for one in landings)

    def _mounted_at(self, place: str) -> Iterator[Landing]:
        return (one for one in self.mounted if one.destination == place)

    def _help(self, one: Deployment, mount: Mount, place: str) -> str:
        """The command that gives the mounted files to the user.

        Only plain words of a manifest are put into it.
        """
        if self._is_code(place):
            return "give the user the folders that it writes there, once, on the host"
        if one.kind == "kubernetes":
            return f"give the user {mount.source} on the node, once"
        command = command_to_give(one, mount, place, user_to_give(self.plan))
        return command or "give the user the files that are there already, once"
