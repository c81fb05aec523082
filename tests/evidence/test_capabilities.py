"""Capabilities that a deployment adds, which root alone gets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dockfix import Changed, fix
from dockfix.files.build_context import describe_context
from dockfix.repository.manifests import read_manifests

DOCKERFILE = 'FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nCMD ["python", "main.py"]\n'
POD = """kind: Pod
spec:
  containers:
    - name: app
      image: app
      securityContext:
        {}
"""


def reviews(folder: Path, name: str, manifest: str) -> list[tuple[str, str]]:
    (folder / "main.py").write_text("print(1)\n")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    context = describe_context(str(folder / "Dockerfile"))
    result = fix(DOCKERFILE, context=replace(context, deployments=read_manifests([(name, manifest)])))
    assert isinstance(result, Changed)
    return [(one.code, one.message) for one in result.reviews]


@pytest.mark.parametrize(
    ("name", "manifest", "place"),
    [
        ("compose.yml", "services:\n  app:\n    build: .\n    cap_add: [NET_ADMIN]\n", "compose.yml:4"),
        (
            "compose.yml",
            "services:\n  app:\n    build: .\n    cap_add:\n      - CAP_NET_ADMIN\n",
            "compose.yml:5",
        ),
        ("pod.yaml", POD.replace("{}", "capabilities:\n          add: [NET_ADMIN]"), "pod.yaml:8"),
        ("run.sh", "docker run --cap-add=net_admin app\n", "run.sh:1"),
    ],
)
def test_an_added_capability_is_roots_alone(tmp_path: Path, name: str, manifest: str, place: str) -> None:
    message = f"{place} adds the capability NET_ADMIN, which only root's programs get"
    assert reviews(tmp_path, name, manifest) == [("denied-to-user", message)]


@pytest.mark.parametrize(
    ("name", "manifest"),
    [
        (
            "compose.yml",
            "services:\n  app:\n    build: .\n    cap_drop: [ALL]\n    cap_add: [NET_BIND_SERVICE]\n",
        ),
        ("compose.yml", "services:\n  app:\n    build: .\n    user: '1000'\n    cap_add: [NET_ADMIN]\n"),
        ("pod.yaml", POD.replace("{}", "capabilities:\n          drop: [ALL]")),
    ],
)
def test_what_everybody_gets_is_nothing_to_check(tmp_path: Path, name: str, manifest: str) -> None:
    assert reviews(tmp_path, name, manifest) == []
