"""Where a manifest contradicts an image that runs as a user: what to tell, and the edits that mend it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from dockfix.checks import codes
from dockfix.edits import Edit
from dockfix.repository.manifests import Deployment, Mount, Setting
from dockfix.results import Finding

MENDED_BY_EDITS: Final = frozenset({codes.MANIFEST_USER.name, codes.MANIFEST_MOUNT.name})


def find_contradictions(
    deployments: Iterable[Deployment], *, user: str, home: str, written: Iterable[str] = ()
) -> Iterator[Finding]:
    """What the deployments of an image say against its user (a name or `uid:gid`), each once.

    `home` is the user's home, `written` the directories that the application writes. Lines are of
    the manifest, which the message names; the finding's own line is 0.
    """
    seen: set[str] = set()
    for one in deployments:
        for finding in _of(one, user, home, tuple(written)):
            if finding.message not in seen:
                seen.add(finding.message)
                yield finding


def _of(one: Deployment, user: str, home: str, written: tuple[str, ...]) -> Iterator[Finding]:
    if one.is_root and one.user is not None:
        where = one.at(one.user)
        yield Finding(codes.MANIFEST_USER, 0, f"{where} runs it as root all the same", "drop that line")
    if one.privileged is not None:
        message = f"{one.at(one.privileged)} runs it privileged, which a user's process makes no use of"
        yield Finding(codes.MANIFEST_PRIVILEGED, 0, message, "see whether it is still needed")
    if one.needs_number and one.non_root is not None and not user[:1].isdigit():
        message = f"{one.at(one.non_root)} asks for runAsNonRoot, which a named user does not pass"
        yield Finding(codes.NAMED_USER, 0, message, "use --numeric, or set runAsUser there")
    for port in one.ports:
        if port.value.isdigit() and 0 < int(port.value) < 1024 and one.kind != "compose":
            message = f"{one.at(port)} opens port {port.value}, which some runtimes keep for root"
            yield Finding(codes.LOW_PORT, 0, message, "move the application to a port from 1024 on")
    for mount in one.mounts:
        yield from _of_mount(one, mount, home, written)
    if one.read_only is not None:
        open_places = [mount.target.value for mount in one.mounts if not mount.read_only]
        for path in written:
            if not any(_is_within(path, place) for place in open_places):
                where = one.at(one.read_only)
                message = f"{where} makes the image read-only, but the application writes {path}"
                yield Finding(codes.MANIFEST_READ_ONLY, 0, message, f"mount a volume or tmpfs at {path}")


def _of_mount(one: Deployment, mount: Mount, home: str, written: tuple[str, ...]) -> Iterator[Finding]:
    place = mount.target.value
    where = one.at(mount.target)
    if _is_within(place, "/root"):
        message = f"{where} mounts {place}, which only root reads"
        yield Finding(codes.MANIFEST_MOUNT, 0, message, f"mount it at {moved_home(place, home)}")
        return
    if mount.read_only or not any(_is_within(path, place) for path in written):
        return
    if mount.is_bind:
        message = f"{where} mounts {mount.source} at {place}, where the application writes"
        yield Finding(
            codes.EXISTING_VOLUMES, 0, message, f"give {mount.source} to the user on the host, once"
        )
    elif one.kind in ("kubernetes", "helm") and one.group is None:
        message = f"{where} mounts a volume at {place}, where the application writes, without fsGroup"
        yield Finding(codes.MANIFEST_GROUP, 0, message, "set fsGroup to the user's group")


def edit_manifest(
    deployments: Iterable[Deployment],
    text: str,
    *,
    user: str,
    ids: str,
    home: str,
    others: Iterable[Deployment] = (),
) -> tuple[Edit, ...]:
    """The edits on one manifest that follow its image to a user, in order; comments and layout stay.

    Mounts below /root move to the home, and root as the user becomes the user: by number (`ids`,
    `uid:gid`, may be empty) where Kubernetes reads it, else by name. What the `others` of the file
    share through an anchor or a pod stays, and so does what does not stand in `text` as it reads
    (escapes, block scalars, tags, variables).
    """
    shared = {setting.start for one in others for setting in _settings(one)}

    def is_plain(setting: Setting) -> bool:
        return text[setting.start : setting.end] == setting.value and setting.start not in shared

    edits: set[Edit] = set()
    for one in deployments:
        number = ids.partition(":")[0]
        as_user = (ids or user) if one.kind == "compose" else number
        if one.is_root and one.user is not None and is_plain(one.user) and as_user:
            edits.add(Edit(one.user.start, one.user.end, as_user))
        for mount in one.mounts:
            target = mount.target
            # A mount over the whole home would hide what the image has there.
            if home and is_plain(target) and posixpath.normpath(target.value).startswith("/root/"):
                edits.add(Edit(target.start, target.end, moved_home(target.value, home)))
    return tuple(sorted(edits))


def find_mended(one: Deployment, edits: Iterable[Edit]) -> set[str]:
    """The messages of what `find_contradictions` says of a deployment and these edits mend."""
    starts = {edit.start for edit in edits}
    user = None if one.user is not None and one.user.start in starts else one.user
    mounts = tuple(mount for mount in one.mounts if mount.target.start not in starts)
    left = {finding.message for finding in _of(replace(one, user=user, mounts=mounts), "", "", ())}
    return {finding.message for finding in _of(one, "", "", ())} - left


def _settings(one: Deployment) -> Iterator[Setting]:
    """What of a deployment an edit may touch."""
    if one.user is not None:
        yield one.user
    yield from (mount.target for mount in one.mounts)


def moved_home(path: str, home: str) -> str:
    """A path below /root as it lies below the user's home."""
    return home + path.removeprefix("/root")


def _is_within(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")
