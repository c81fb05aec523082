"""dockfix's own container image: it builds, does not run as root, and works on a mounted repository."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from applications import build_network, engine, has_image

pytestmark = pytest.mark.engine
ROOT = Path(__file__).parents[2]
TAG = "dockfix-own-image:test"


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [engine().executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    if not has_image("python:3.13-slim"):
        pytest.skip("no image python:3.13-slim on this engine")
    network = build_network()
    flags = ["--network", network] if network else []
    built = call("build", *flags, "--file", str(ROOT / "Containerfile"), "--tag", TAG, str(ROOT))
    assert built.returncode == 0, built.stderr[-2000:]
    yield TAG
    call("rmi", "--force", TAG)


def test_it_does_not_run_as_root(image: str) -> None:
    done = call("run", "--rm", "--network", "none", "--entrypoint", "id", image, "--user")
    assert done.stdout == "10001\n"


def test_it_looks_at_a_mounted_repository(image: str, tmp_path: Path) -> None:
    text = 'FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nCMD ["python", "a.py"]\n'
    (tmp_path / "Dockerfile").write_text(text)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    user = f"{os.getuid()}:{os.getgid()}"
    place = f"{tmp_path}:/src"
    done = call("run", "--rm", "--network", "none", "--user", user, "--volume", place, image, "--diff", ".")
    assert done.returncode == 0, done.stderr
    assert "+USER appuser\n" in done.stdout
