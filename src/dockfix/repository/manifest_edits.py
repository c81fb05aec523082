"""Edits that adapt a manifest to an image that now runs as a user."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from dockfix.checks import codes
from dockfix.context import Deployment, Setting
from dockfix.edits import Edit
from dockfix.evidence.contradictions import find_contradictions, path_in_home

RESOLVED_BY_EDITS: Final = frozenset({codes.MANIFEST_USER.name, codes.MANIFEST_MOUNT.name})


def edit_manifest(
    deployments: Iterable[Deployment],
    text: str,
    *,
    user: str,
    ids: str,
    home: str,
    others: Iterable[Deployment] = (),
) -> tuple[Edit, ...]:
    """The edits that adapt one manifest to its image's user, in order; comments and layout stay.

    Mounts below /root move to the home, and a root user becomes the user: by number (`ids`, `uid:gid`,
    may be empty) for Kubernetes, else by name. Values that `others` in the file share through an anchor
    or a pod stay, and so do values that are not literally in `text` (escapes, block scalars, tags,
    variables).
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
                edits.add(Edit(target.start, target.end, path_in_home(target.value, home)))
    return tuple(sorted(edits))


def find_resolved(one: Deployment, edits: Iterable[Edit]) -> set[str]:
    """The messages of `find_contradictions` about a deployment that these edits resolve."""
    starts = {edit.start for edit in edits}
    user = None if one.user is not None and one.user.start in starts else one.user
    mounts = tuple(mount for mount in one.mounts if mount.target.start not in starts)
    return _messages(one) - _messages(replace(one, user=user, mounts=mounts))


def _messages(one: Deployment) -> set[str]:
    return {finding.message for finding in find_contradictions([one], user="", home="")}


def _settings(one: Deployment) -> Iterator[Setting]:
    """The settings of a deployment that may be edited."""
    if one.user is not None:
        yield one.user
    yield from (mount.target for mount in one.mounts)
