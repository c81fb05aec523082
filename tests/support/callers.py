"""Sample repositories, one for each kind of file that builds and starts images, and what is read from each.

`fixtures/callers/NAME/repository` is the repository, `expected.toml` next to it the result of reading it
by hand.
"""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from dockfix.context import Deployment
from dockfix.discovery.walk import find_in
from dockfix.files.candidates import Build, Candidate
from dockfix.files.patterns import Selection
from dockfix.repository.deployments import find_deployments

ROOT: Final = Path(__file__).parents[2] / "fixtures" / "callers"
NAMES: Final = sorted(one.name for one in ROOT.iterdir())


def expected_of(name: str) -> Mapping[str, Any]:
    """The `builds` and `starts` that a person finds in a sample."""
    return tomllib.loads((ROOT / name / "expected.toml").read_text())


def read_sample(name: str, folder: Path) -> tuple[list[Candidate], dict[str, tuple[Deployment, ...]]]:
    """The Dockerfiles of a copy of the sample in a folder, and the starts of each, by path."""
    place = Path(os.path.realpath(folder)) / name
    shutil.copytree(ROOT / name / "repository", place)
    selection = Selection(repositories=[])
    candidates = [one for one in find_in(str(place), selection) if not one.outside]
    found = find_deployments(selection.repositories or [], candidates)
    return candidates, {os.path.relpath(real, place): rows for real, rows in found.items()}


def describe_builds(candidates: list[Candidate]) -> list[dict[str, Any]]:
    """The builds in the form of `expected.toml`."""
    return [_describe(build) for one in candidates for build in one.builds]


def _describe(build: Build) -> dict[str, Any]:
    rows = {
        "source": build.source,
        "name": build.name,
        "dockerfile": build.dockerfile,
        "context": build.context,
        "target": build.target,
        "images": list(build.images),
        "contexts": dict(build.contexts),
        "arguments": dict(build.arguments),
    }
    needed = ("source", "dockerfile", "context")
    return {key: value for key, value in rows.items() if value or key in needed}


def describe_starts(found: Mapping[str, tuple[Deployment, ...]]) -> Iterator[dict[str, Any]]:
    """The starts in the form of `expected.toml`."""
    for dockerfile, rows in found.items():
        for one in rows:
            row = {
                "place": one.place,
                "kind": one.kind,
                "name": one.name,
                "dockerfile": dockerfile,
                "target": one.target,
                "user": one.user.value if one.user else "",
                "entrypoint": None if one.entrypoint is None else list(one.entrypoint),
                "command": None if one.command is None else list(one.command),
                "environment": dict(one.environment),
                "workdir": one.workdir,
                "mounts": [mount.target.value for mount in one.mounts],
                "ports": [port.value for port in one.ports],
                "read_only": one.read_only is not None,
                "privileged": one.privileged is not None,
                "capabilities": [setting.value for setting in one.capabilities],
            }
            yield {
                key: value
                for key, value in row.items()
                if value or (value == [] and key in ("entrypoint", "command"))
            }
