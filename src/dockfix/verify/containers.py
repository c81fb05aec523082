"""The containers of a session: create them, look at their state, and remove them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from dockfix.verify.session import Session

SECONDS: Final = 120.0
"""The time limit for creating a container."""
_ID: Final = re.compile(r"^[0-9a-f]{12,64}$", re.MULTILINE)
_JSON: Final = re.compile(r"^[\[{]", re.MULTILINE)


def create(
    session: Session, image: str, flags: Sequence[str], words: Sequence[str] = (), seconds: float = SECONDS
) -> tuple[str, str]:
    """The ID of a new container of an image with those words as its command, and what the engine printed.

    The ID is "" if no container was created.
    """
    done = session.call([*session.engine.create(image, session.label, flags), *words], seconds)
    found = _ID.findall(done.output) if done.ok else []  # warnings may surround it
    return (found[-1] if found else ""), done.output


def read_state(session: Session, container: str) -> Mapping[str, Any]:
    """The state of a container as the engine reports it, empty if there is none."""
    argv = session.engine.call("inspect", "--format", "{{json .State}}", container)
    state = read_json(session.call(argv).output)
    return state if isinstance(state, dict) else {}


def read_config(session: Session, image: str) -> Mapping[str, Any]:
    """The configuration of an image, empty if there is none."""
    images = read_json(session.call(session.engine.call("image", "inspect", image)).output)
    config = images[0].get("Config") if isinstance(images, list) and images else None
    return config if isinstance(config, dict) else {}


def remove(session: Session, *containers: str) -> None:
    """Remove containers with their volumes; in a session that has ended, the sweeper does."""
    if containers and not session.closed:
        session.call(session.engine.call("rm", "--force", "--volumes", *containers))


def read_json(output: str) -> Any:
    """The first JSON value at the start of a line, or None; engines print warnings to the same stream."""
    for begin in _JSON.finditer(output):
        try:
            return json.JSONDecoder().raw_decode(output, begin.start())[0]
        except ValueError:
            continue
    return None
