"""Mounts of files that root may read whoever owns them, and the account may not."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from dockfix.checks import codes
from dockfix.context import Deployment, Mount
from dockfix.knowledge import read_names
from dockfix.model.paths import is_below_any
from dockfix.results import Finding

_HOME: Final = re.compile(r"(?:~|\$HOME|\$\{HOME\}|/home/[^/]+)/")
_BY_KIND: Final = {
    "add-on": "leave it as root, or start a script as root that reads the options and then becomes the user"
}
"""The advice for root's files that a platform mounts, where there is no fsGroup."""
_PUBLIC: Final = re.compile(r"/(?:cert|chain|fullchain)\d*\.pem$")


def find_private_mounts(one: Deployment, mount: Mount) -> Iterator[Finding]:
    """The finding for a mount of what only root, or one account of the host, may read."""
    where, source = one.at(mount.target), mount.source
    if mount.is_private and one.group is None:
        message = f"{where} mounts files at {mount.target.value} that only root may read"
        help_ = _BY_KIND.get(one.kind, "set fsGroup to the user's group")
    elif source and _is_of_root(posixpath.normpath(source)):
        message = f"{where} mounts {source}, parts of which only root may read"
        help_ = "leave it as root, or mount a copy that the user may read"
    elif source and _is_of_owner(source):
        message = f"{where} mounts {source}, which only its owner on the host may read"
        help_ = "make sure that the user has the owner's uid"
    else:
        return
    yield Finding(codes.FOREIGN_OWNER, 0, message, help_)


def _is_of_root(source: str) -> bool:
    if source in read_names("directories", "host", "around"):
        return True
    return is_below_any(source, read_names("directories", "host", "root")) and not _PUBLIC.search(source)


def _is_of_owner(source: str) -> bool:
    home = _HOME.match(source)
    return home is not None and is_below_any(source[home.end() :], read_names("directories", "host", "owner"))
