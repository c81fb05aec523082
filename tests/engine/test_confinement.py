"""What an image or a repository can do to those who prove its Dockerfile: nothing but end the proof."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from applications import build_network, need_images
from command_runs import run_dockfix

from dockfix.options.request import LIMITED
from dockfix.verify import Kind, Verdict, VerifyOptions, prove

pytestmark = pytest.mark.engine
BASE = "python:3.12-slim-bookworm"
BOMB = """\
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
"""
ENDLESS = "while True: print('x' * 1000)\n"
RIGHTS = """\
with open("/proc/self/status") as status:
    print(*(line for line in status if line.startswith(("CapEff", "NoNewPrivs"))), sep="")
for name in ("memory.max", "pids.max", "memory/memory.limit_in_bytes", "pids/pids.max"):
    try:
        with open("/sys/fs/cgroup/" + name) as limit:
            print(name.split("/")[0].split(".")[0], limit.read())
    except FileNotFoundError:
        pass
"""


def try_out(program: str, folder: Path, *limits: str) -> Verdict:
    need_images([BASE], {})
    (folder / "app.py").write_text(program)
    original = f'FROM {BASE}\nWORKDIR /app\nCOPY app.py .\nCMD ["python", "app.py"]\n'
    rewrite = original.replace("COPY", "RUN useradd u && chown u /app\nUSER u\nCOPY")
    options = VerifyOptions(build_network=build_network(), seconds=1, limits=LIMITED.read(list(limits)))
    return prove(original, rewrite, folder / "Dockerfile", options)


def test_a_fork_bomb_ends_its_proof(tmp_path: Path) -> None:
    verdict = try_out(BOMB, tmp_path, "pids=100", "cpus=0.2")
    # A machine may be fast enough to look inside all the same.
    assert verdict.kind is Kind.PROVEN or "it leaves no processor time" in verdict.details.reason


def test_an_endless_log_is_cut(tmp_path: Path) -> None:
    verdict = try_out(ENDLESS, tmp_path, "log=1m", "cpus=0.2")
    assert verdict.kind is Kind.PROVEN
    assert verdict.details.before is not None
    assert verdict.details.before.log_tail == ("x" * 1000,) * 30


def test_a_container_has_no_capabilities_and_limits(tmp_path: Path) -> None:
    verdict = try_out(RIGHTS, tmp_path, "memory=100m", "pids=50")
    assert verdict.details.before is not None
    lines = {" ".join(line.split()) for line in verdict.details.before.log_tail}
    assert {"CapEff: 0000000000000000", "NoNewPrivs: 1"} <= lines
    assert {"memory 104857600", "pids 50"} <= lines


FOREIGN = f'# syntax=registry.example.org/evil/frontend:1\nFROM {BASE}\nCMD ["python", "-V"]\n'
HANDED = f'FROM {BASE}\nARG TOKEN\nRUN test -z "$TOKEN"\nCMD ["python", "-V"]\n'
COMPOSE = "services: {web: {build: {context: ., args: [TOKEN]}}}\n"


def dockfix(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    need_images([BASE], {})
    return run_dockfix(folder, "--diff", *arguments, "files", seconds=1, TOKEN="s3cret")


def test_a_variable_of_this_environment_reaches_a_build_on_request_alone(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "Dockerfile").write_text(HANDED)
    (folder / "compose.yml").write_text(COMPOSE)
    done = dockfix(tmp_path)
    assert "Dockerfile: proven (ended with 0; no port answered)" in done.stderr, done.stderr
    asked = dockfix(tmp_path, "--build-arg", "TOKEN")
    assert 'not proven: the original does not build: RUN test -z "$TOKEN"' in asked.stderr
    assert "s3cret" not in asked.stderr + asked.stdout
    assert (done.returncode, asked.returncode) == (0, 1)


def test_a_foreign_frontend_needs_consent(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "Dockerfile").write_text(FOREIGN)
    image = "registry.example.org/evil/frontend:1"
    refused = dockfix(tmp_path)
    assert f"a foreign image would run the build: {image} [not-proven]" in refused.stderr
    assert f"(if you trust it: --syntax {image})" in refused.stderr
    allowed = dockfix(tmp_path, "--syntax", image)
    assert "a foreign image" not in allowed.stderr
    assert "not proven: the original does not build" in allowed.stderr
