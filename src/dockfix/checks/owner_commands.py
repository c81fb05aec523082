"""The one command that gives the files of a mount to the image's user."""

from __future__ import annotations

import re
from typing import Final

from dockfix.context import Deployment, Mount
from dockfix.model.plan import Plan

_PLAIN: Final = re.compile(r"[\w./@+:-]+")


def user_to_give(plan: Plan) -> str:
    """Whom the commands below give files to: a name, or `uid:0` if every uid of group 0 needs them."""
    return plan.account.ids if plan.serves_any_uid else plan.account.name


def command_to_give(one: Deployment, mount: Mount, place: str, user: str) -> str:
    """The command that gives the files mounted at `place` to the user, "" if there is none to run.

    Only plain words of a manifest are put into it.
    """
    target = _plain(place, "PLACE")
    program, words = _change(target, user)
    if one.kind == "compose":
        service = _plain(one.name, "SERVICE")
        return f"once: docker compose run --rm -u 0 --entrypoint {program} {service} {words}"
    if one.kind == "docker run":
        volume, image = _plain(mount.source, "FOLDER"), _plain(one.image, "IMAGE")
        return f"once: docker run --rm -u 0 -v {volume}:{target} --entrypoint {program} {image} {words}"
    return ""


def command_for_volume(place: str, user: str) -> str:
    """The command for a volume and an image that no manifest names."""
    target = _plain(place, "PLACE")
    program, words = _change(target, user)
    return f"once: docker run --rm -u 0 -v VOLUME:{target} --entrypoint {program} IMAGE {words}"


def _change(place: str, user: str) -> tuple[str, str]:
    """(program, its arguments); group 0 gets its owner's rights where the image runs as any uid."""
    if user.endswith(":0"):
        return "sh", f"-c 'chgrp -R 0 {place} && chmod -R g=u {place}'"
    return "chown", f"-R {user.partition(':')[0]} {place}"


def _plain(word: str, otherwise: str) -> str:
    """A word of a manifest that needs no quoting in a shell, or a placeholder."""
    return word if _PLAIN.fullmatch(word) and not word.startswith("-") else otherwise
