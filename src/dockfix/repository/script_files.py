"""Files that contain shell commands, by name."""

from __future__ import annotations

import re
from typing import Final

PIPELINE_NAME: Final = re.compile(
    r"^(?:azure-pipelines.*|cloudbuild.*|bitbucket-pipelines|buildspec.*|appveyor|\.travis|\.?drone|\.woodpecker.*"
    r"|\.cirrus|taskfile|\.?semaphore)\.ya?ml$"
)
"""Files of CI systems in YAML by their name, in lower case."""
SCRIPT_NAME: Final = re.compile(
    r"\.(?:sh|bash|mk)$|^(?:gnu)?makefile$|^justfile$|^jenkinsfile|^tox\.ini$|^readme\.(?:md|rst)$"
)
"""Files in which lines of a shell stand, by their name, in lower case."""


def is_pipeline(path: str) -> bool:
    """Whether a file configures a CI system."""
    name = path.rpartition("/")[2].lower()
    if path.startswith((".github/workflows/", ".github/actions/")):
        return name.endswith((".yml", ".yaml"))
    is_named = name.startswith(".gitlab-ci") or path == ".circleci/config.yml"
    return is_named or PIPELINE_NAME.search(name) is not None
