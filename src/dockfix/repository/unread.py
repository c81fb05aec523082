"""Why a file that describes builds or deployments could not be read, without quoting it."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from typing import Final

from dockfix.checks import codes
from dockfix.confined import Loss, finding_of
from dockfix.files.candidates import Candidate
from dockfix.knowledge.file_names import COMPOSE_NAME
from dockfix.results import Finding

Faults = tuple[tuple[str, str], ...]
"""(path from the repository root, reason) of files that could not be read."""

LAYOUT: Final = "its parts are not what its format asks for"
DEPTH: Final = "nested too deeply to be read"
_BUILDERS: Final = ("docker", "podman", "buildah", "nerdctl", "kaniko")


def is_about_images(name: str, text: str) -> bool:
    """Whether a file is a loss: it builds or runs images by its name, or mentions a program that does."""
    base = name.rpartition("/")[2].lower()
    is_bake = "bake" in base and base.endswith((".json", ".hcl"))
    is_skaffold = base.startswith("skaffold") and base.endswith((".yml", ".yaml"))
    if is_bake or is_skaffold or COMPOSE_NAME.search(base):
        return True
    lower = text.lower()
    return any(word in lower for word in _BUILDERS)


def explain_size(limit: int) -> str:
    """The reason for a file above the limit, in bytes."""
    return f"larger than {limit >> 10} KiB"


def explain_error(error: OSError | ValueError) -> str:
    """The reason for a file that cannot be opened, "" if there is none of that name."""
    if not isinstance(error, OSError) or error.errno in (errno.ENOENT, errno.ENOTDIR):
        return ""
    if error.errno == errno.ELOOP:
        return "a symbolic link leads out of the repository"
    if error.errno in (errno.EINVAL, errno.EISDIR, errno.ENXIO):
        return "not a regular file"
    return error.strerror or "not readable"


def explain_text(name: str, text: str) -> str:
    """What is wrong with a text in the format that its name stands for, "" if nothing is.

    A template of a chart is in no format before it is rendered.
    """
    if "/templates/" in f"/{name}" and "{{" in text:
        return ""
    find = next((one for suffix, one in _FORMATS if name.lower().endswith(suffix)), None)
    try:
        return find(text) if find is not None else ""
    except RecursionError:
        return DEPTH


def lose_description(top: str, name: str, loss: Loss) -> Candidate:
    """A failed candidate for a file that could not be read within the limits of a confined process."""
    real = os.path.join(top, name)
    found = finding_of(loss)
    # To exclude a file keeps it from being changed, not from being read.
    help = found.help.replace("--exclude it", "correct it")
    finding = Finding(codes.named(found.code), 0, found.message, help)
    return Candidate(os.path.relpath(real), real, finding, failed=True, root=top)


def report_unread(top: str, name: str, why: str) -> Candidate:
    """A file of the repository at `top` that is left out, with the reason."""
    real = os.path.join(top, name)
    message = f"{why}: what it builds or runs is not known"
    finding = Finding(codes.UNREAD_DESCRIPTION, 0, message, "correct it, or ignore this note")
    return Candidate(os.path.relpath(real), real, finding, root=top)


def _yaml_fault(text: str) -> str:
    from dockfix.repository.yaml_nodes import find_error

    line = find_error(text)
    return f"not valid YAML (line {line})" if line else ""


def _json_fault(text: str) -> str:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f"not valid JSON (line {error.lineno})"
    except ValueError:  # a number of too many digits
        return "not valid JSON"
    return ""


def _commented_fault(text: str) -> str:
    from dockfix.repository.commented_json import read_commented

    try:
        read_commented(text)
    except ValueError:
        return "not valid JSON"
    return ""


def _toml_fault(text: str) -> str:
    import tomllib

    try:
        tomllib.loads(text)
    except ValueError:
        return "not valid TOML"
    return ""


def _hcl_fault(text: str) -> str:
    from dockfix.repository.hcl import find_error

    line = find_error(text)
    return f"not valid HCL (line {line})" if line else ""


_FORMATS: Final[tuple[tuple[str, Callable[[str], str]], ...]] = (
    (".yml", _yaml_fault),
    (".yaml", _yaml_fault),
    ("devcontainer.json", _commented_fault),
    (".json", _json_fault),
    (".toml", _toml_fault),
    (".hcl", _hcl_fault),
)
