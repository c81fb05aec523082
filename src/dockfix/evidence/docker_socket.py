"""Docker's socket, which root and a group of the host may use: who talks to it needs it, mounted or not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from dockfix.evidence.claims import Claim, Kind
from dockfix.evidence.python.modules import Module

_REMOTE: Final = re.compile(r"(?:tcp|https?|ssh)://")
_NAMED: Final = re.compile(
    r"^[^#\n]*?['\"](?:(?:http\+)?unix:/{1,3})?(/?(?:var/)?run/docker\.sock)['\"]", re.MULTILINE
)


def is_remote(address: str) -> bool:
    """Whether an address of docker is that of a server, and not of a socket."""
    return _REMOTE.match(address) is not None


def find_named_sockets(module: Module) -> Iterator[Claim]:
    """The use of the socket by a module that names it."""
    found = _NAMED.search(module.source) if "docker.sock" in module.source else None
    if found is not None:
        line = module.source.count("\n", 0, found.start(1)) + 1
        yield Claim(Kind.DOCKER, f"/{found[1].lstrip('/')}", module.file, line)
