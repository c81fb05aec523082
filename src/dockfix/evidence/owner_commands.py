"""The one command that gives the files of a mount to the image's user."""

from __future__ import annotations

import re
from typing import Final

from dockfix.context import Deployment, Mount

_PLAIN: Final = re.compile(r"[\w./@+:-]+")


def command_to_give(one: Deployment, mount: Mount, place: str, user: str) -> str:
    """The command that gives the files mounted at `place` to the user, "" if there is none to run.

    Only plain words of a manifest are put into it.
    """
    target = _plain(place, "PLACE")
    if one.kind == "compose":
        run = f"docker compose run --rm -u 0 --entrypoint chown {_plain(one.name, 'SERVICE')}"
    elif one.kind == "docker run":
        volume = f"{_plain(mount.source, 'FOLDER')}:{target}"
        run = f"docker run --rm -u 0 -v {volume} --entrypoint chown {_plain(one.image, 'IMAGE')}"
    else:
        return ""
    return f"once: {run} -R {user} {target}"


def _plain(word: str, otherwise: str) -> str:
    """A word of a manifest that needs no quoting in a shell, or a placeholder."""
    return word if _PLAIN.fullmatch(word) and not word.startswith("-") else otherwise
