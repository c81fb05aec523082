"""`dockfix --verify` from the command line: the settings of repository and options reach the engine."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest
from applications import build_network, need_images
from command_runs import run_dockfix

pytestmark = pytest.mark.engine
BASE = "python:3.12-slim-bookworm"
COMPOSE = """\
services:
  greeter:
    build:
      context: greeter
      dockerfile: ../docker/Dockerfile
      target: production
      args: {GREETING: hello}
"""
DOCKERFILE = f"""\
FROM {BASE} AS production
ARG GREETING
WORKDIR /app
COPY greet.py .
RUN test -n "$GREETING"
CMD ["python", "greet.py"]

FROM production AS checks
RUN false
"""
INSTALL = f"""\
FROM {BASE}
RUN pip install --no-index --upgrade-strategy eager pip
CMD ["python", "-c", "print('done')"]
"""


WAITS = """\
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{os.environ['SECRET_KEY']} {os.environ['OWN']}".encode())

print(os.environ["DATABASE_URL"], flush=True)
HTTPServer(("", 8000), Page).serve_forever()
"""
SERVER = f"""\
FROM {BASE}
WORKDIR /app
COPY serve.py .
CMD ["python", "serve.py"]
"""


def dockfix(room: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    need_images([BASE], {})
    return run_dockfix(room, "--allow-dirty", *arguments)


def test_context_target_and_arguments_of_compose_are_used(tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    for path, text in {
        "compose.yml": COMPOSE,
        "docker/Dockerfile": DOCKERFILE,
        "greeter/greet.py": "print('hello')\n",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    done = dockfix(tmp_path, "--write", str(folder))
    assert "docker/Dockerfile: proven (ended with 0; no port answered)\n" in done.stderr
    assert done.returncode == 0
    assert "USER appuser\n" in (folder / "docker" / "Dockerfile").read_text()


def test_a_quieted_warning_is_proven_without_a_user(tmp_path: Path) -> None:
    dockerfile = tmp_path / "files" / "Dockerfile"
    dockerfile.parent.mkdir()
    dockerfile.write_text(INSTALL)
    done = dockfix(tmp_path, "--write", "--select", "silence-pip", str(dockerfile))
    assert f"{dockerfile}: proven (ended with 0; no port answered)\n" in done.stderr, done.stderr
    assert done.returncode == 0
    assert "--root-user-action=ignore" in dockerfile.read_text()


def test_an_engine_without_a_network_for_builds_breaks_no_rewrite(tmp_path: Path) -> None:
    need_images([BASE], {})
    if build_network() is None:
        pytest.skip("this engine gives builds a network")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "Dockerfile").write_text(SERVER)
    (tmp_path / "files" / "serve.py").write_text("print('done')\n")
    done = run_dockfix(tmp_path, "--diff", "--build-network", "default", "files")
    assert "builds but cannot be compared: a step of the rewrite has no network: RUN adduser " in done.stderr
    assert done.returncode == 1


def test_steps_from_the_cache_keep_their_warnings(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    text = INSTALL.replace("RUN", f"ENV RUN_OF={uuid4()}\nRUN", 1)
    (tmp_path / "files" / "Dockerfile").write_text(text)
    found = []
    for _ in range(2):
        done = run_dockfix(
            tmp_path, "--diff", "--report", "r.json", "files", DOCKFIX_CACHE_DIR=str(tmp_path / "c")
        )
        assert done.returncode == 0, done.stderr
        (row,) = json.loads((tmp_path / "r.json").read_text())["files"]
        details = row["proof"]["details"]
        found.append((details["warnings_before"], details["warnings_after"], details["differences"]))
    assert found[0] == found[1]
    assert found[0][0] == ["pip-as-root: RUN pip install --no-index --upgrade-strategy eager pip"]


def test_settings_reach_both_runs_and_no_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    dockerfile = folder / "Dockerfile"
    dockerfile.write_text(SERVER)
    (folder / "serve.py").write_text(WAITS)
    bare = dockfix(tmp_path, "--diff", str(dockerfile))
    assert "the original itself ends with exit code 1: KeyError: 'DATABASE_URL'" in bare.stderr
    settings = tmp_path / "web.env"
    settings.write_text("# of the tests\nDATABASE_URL=postgres://u:hunter2@db/x\n")
    monkeypatch.setenv("OWN", "handed on")
    report = tmp_path / "proofs.json"
    given = ["--env", "SECRET_KEY=tr0ub4dor", "--env", "OWN", "--env-file", str(settings)]
    done = dockfix(tmp_path, "--diff", *given, "--report", str(report), str(dockerfile))
    assert f"{dockerfile}: proven\n" in done.stderr
    (row,) = json.loads(report.read_text())["files"]
    assert row["proof"]["details"]["after"]["answers"][0]["body"] == "*** ***"
    for secret in ("hunter2", "tr0ub4dor", "handed on"):
        assert secret not in report.read_text() + done.stderr + done.stdout
