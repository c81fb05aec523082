"""The image of a GitHub Docker action: a Dockerfile beside the action or elsewhere, or a published image.

Source: docs.github.com, "Metadata syntax for GitHub Actions" (`runs.image`) and "Dockerfile support for
GitHub Actions" (USER).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from dockfix.context import ACTION, Deployment
from dockfix.repository.image_names import known_name
from dockfix.repository.parts import mapping_of

ACTION_NAME: Final = re.compile(r"(?:^|/)action\.ya?ml$")
_PUBLISHED: Final = "docker://"


def read_action(path: str, text: str) -> Iterator[Deployment]:
    """The deployment in an action.yml; none if the action does not run in a container."""
    from dockfix.repository.yaml_nodes import read_values

    for document in read_values(text):
        runs = mapping_of(mapping_of(document).get("runs"))
        written = str(runs.get("image") or "")
        if runs.get("using") != "docker" or not written:
            continue
        line = text.count("\n", 0, text.find(written)) + 1
        if not written.startswith(_PUBLISHED):
            dockerfile = posixpath.normpath(posixpath.join(posixpath.dirname(path), written))
            yield Deployment(path, line, ACTION, "", "", dockerfile)
        elif name := known_name(written.removeprefix(_PUBLISHED)):
            yield Deployment(path, line, ACTION, "", name)
