"""Builds on named Buildx builders, as a remote machine or a cluster gives them; images run on the engine.

Each builder is a BuildKit daemon of its own on this machine, reached by Buildx's remote driver. It
has none of the engine's images, so the base is handed to it as an OCI layout.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from applications import engine, has_image

from dockfix.verify import Case, Prover, VerifyOptions

pytestmark = pytest.mark.engine
BASE = "python:3.12-slim-bookworm"
ORIGINAL = f"""\
FROM {BASE}
WORKDIR /app
COPY . .
CMD ["python", "-c", "open('state', 'w').write('x'); print('done')"]
"""
REWRITE = f"""\
FROM {BASE}
WORKDIR /app
RUN adduser --disabled-password --gecos '' appuser && chown appuser:appuser /app
USER appuser
COPY --chown=appuser:appuser . .
CMD ["python", "-c", "open('state', 'w').write('x'); print('done')"]
"""


def call(*arguments: str) -> str:
    command = [engine().executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@contextmanager
def builder(name: str, folder: Path) -> Iterator[str]:
    """A BuildKit daemon as the Buildx builder `name`."""
    daemon = shutil.which("buildkitd")
    if daemon is None or os.geteuid() != 0:
        pytest.skip("no buildkitd on PATH, or not root, who may start one")
    folder.mkdir()
    address = f"unix://{folder}/socket"
    argv = [daemon, "--addr", address, "--root", f"{folder}/root", "--oci-worker-net", "host"]
    with open(folder / "log", "wb") as log, subprocess.Popen(argv, stdout=log, stderr=log) as process:
        try:
            limit = time.monotonic() + 30
            while not (folder / "socket").exists():
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < limit, "buildkitd does not come up"
                time.sleep(0.1)
            call("buildx", "create", "--name", name, "--driver", "remote", address)
            try:
                yield name
            finally:
                call("buildx", "rm", name)
        finally:
            process.terminate()


def lay_out_base(folder: Path) -> str:
    """The base image as a build context for builders without a registry."""
    call("save", "--output", f"{folder}.tar", BASE)
    with tarfile.open(f"{folder}.tar") as packed:
        packed.extractall(folder, filter="data")
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    return f"{BASE}=oci-layout://{folder}@{index['manifests'][0]['digest']}"


def test_several_builders_share_the_proofs(tmp_path: Path) -> None:
    if engine().name != "docker":
        pytest.skip(f"{engine().name} has no builders")
    if not has_image(BASE):
        pytest.skip(f"no image {BASE} on this engine")
    with ExitStack() as stack:
        names = [f"dockfix-test-{os.getpid()}-{number}" for number in (1, 2)]
        builders = tuple(stack.enter_context(builder(name, tmp_path / name)) for name in names)
        options = VerifyOptions(
            builders=builders, jobs=2, build_flags=("--build-context", lay_out_base(tmp_path / "base"))
        )
        cases = []
        for number in range(6):
            dockerfile = tmp_path / f"app-{number}" / "Dockerfile"
            dockerfile.parent.mkdir()
            dockerfile.write_text(ORIGINAL, encoding="utf-8")
            (dockerfile.parent / "number").write_text(f"{number}\n", encoding="utf-8")
            cases.append(Case(ORIGINAL, REWRITE, dockerfile))
        with Prover(options) as prover:
            verdicts = list(prover.prove_all(cases))
            label = prover.label
        steps = [call("buildx", "du", "--verbose", "--builder", name).count("adduser") for name in names]
    assert [verdict.path for verdict in verdicts if verdict.proven] == [
        str(case.dockerfile) for case in cases
    ]
    assert all(steps), "a builder had nothing to do"
    assert call("images", "--all", "--quiet", "--filter", f"label={label}") == ""
