"""Proofs and facts with podman, and builds with buildah, as Debian has them.

Their images are kept apart from the machine's. Bases come from the engine of the other tests.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from applications import engine, need_images
from command_runs import run_dockfix

pytestmark = [pytest.mark.engine, pytest.mark.integration]
BASE = "python:3.12-slim-bookworm"
PRIVATE = "localhost/acme/base:1"
SERVE = """\
from http.server import BaseHTTPRequestHandler, HTTPServer

class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        open("count", "a").write("x")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

HTTPServer(("", 8000), Page).serve_forever()
"""
DOCKERFILE = 'FROM {base}\nWORKDIR /app\nCOPY serve.py .\nEXPOSE 8000\nCMD ["python", "serve.py"]\n'
# The default limits of podman are above what a container may set that runs podman itself. A log of events
# that something still writes to makes `system reset` fail.
CONFIG = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
events_logger = "none"
"""
STORAGE = '[storage]\ndriver = "overlay"\ngraphroot = "{folder}/images"\nrunroot = "{folder}/run"\n'


def call(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def _podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Podman and buildah with the base, also under a name that no table knows."""
    if shutil.which("podman") is None or shutil.which("buildah") is None:
        pytest.skip("podman or buildah is not installed")
    need_images([BASE], {})
    folder = tmp_path_factory.mktemp("podman")
    (folder / "containers.conf").write_text(CONFIG)
    (folder / "storage.conf").write_text(STORAGE.format(folder=folder))
    call(engine().executable, "save", "--output", str(folder / "base.tar"), BASE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONTAINERS_CONF", str(folder / "containers.conf"))
        patch.setenv("CONTAINERS_STORAGE_CONF", str(folder / "storage.conf"))
        for name in ("DOCKER_CONFIG", "DOCKER_HOST"):
            patch.delenv(name, raising=False)
        call("podman", "load", "--quiet", "--input", str(folder / "base.tar"))
        call("podman", "tag", BASE, PRIVATE)
        _skip_unless_containers_run()
        yield
        call("podman", "system", "reset", "--force")


def _skip_unless_containers_run() -> None:
    """Podman inside of another container may not be allowed what it needs."""
    tried = ["podman", "run", "--rm", "--network", "none", BASE, "true"]
    done = subprocess.run(tried, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        pytest.skip(f"podman runs no containers here: {done.stderr.strip()[-200:]}")


@pytest.fixture
def files(tmp_path: Path, _podman: None) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "serve.py").write_text(SERVE)
    (folder / "Dockerfile").write_text(DOCKERFILE.format(base=BASE))
    return folder


@pytest.fixture(autouse=True)
def _nothing_is_left(_podman: None) -> Iterator[None]:
    def present() -> tuple[str, str]:
        return call("podman", "ps", "--all", "--quiet"), call("podman", "images", "--quiet")

    before = present()
    yield
    assert present() == before


def test_podman_proves_an_application_that_answers(files: Path) -> None:
    done = run_dockfix(files, "--engine", "podman", "--diff", ".", seconds=5)
    assert done.stderr == "Dockerfile: proven\n"
    assert "+USER appuser\n" in done.stdout


def test_podman_shows_what_the_user_is_denied(files: Path) -> None:
    done = run_dockfix(files, "--engine", "podman", "--diff", "--chown", "none", ".", seconds=5)
    assert done.returncode == 1
    assert "Permission denied: 'count'" in done.stderr


ASK = """\
import http.server, urllib.request

assert urllib.request.urlopen("http://store:9000").status == 200
http.server.test(http.server.SimpleHTTPRequestHandler, port=8000)
"""
COMPOSE = f"""\
services:
  web: {{build: ., command: python ask.py, depends_on: [store]}}
  store: {{image: "{PRIVATE}", command: python -m http.server 9000}}
"""


def test_podman_starts_a_service_and_gives_it_a_name(files: Path) -> None:
    (files / "ask.py").write_text(ASK)
    (files / "Dockerfile").write_text(DOCKERFILE.format(base=BASE).replace("serve.py .", "*.py ./"))
    (files / "compose.yml").write_text(COMPOSE)
    done = run_dockfix(
        files, "--engine", "podman", "--with-services", "--observer", BASE, "--diff", ".", seconds=5
    )
    assert done.stderr == "Dockerfile: proven\n"


def test_podman_shows_the_facts_of_a_private_base(files: Path) -> None:
    (files / "Dockerfile").write_text(DOCKERFILE.format(base=PRIVATE))
    check = (sys.executable, "-m", "dockfix", "--check", "--no-cache")
    before = subprocess.run([*check, str(files)], capture_output=True, text=True, check=False)
    assert "[unknown-base]" in before.stderr
    asked = [*check, "--inspect=engine", "--engine", "podman", str(files)]
    after = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert "[unknown-base]" not in after.stderr
    assert "Dockerfile: would change (" in after.stderr


def test_buildah_builds_and_has_nothing_to_compare(files: Path) -> None:
    done = run_dockfix(files, "--engine", "buildah", "--diff", ".")
    assert "builds but cannot be compared: buildah cannot run images" in done.stderr
    assert done.returncode == 1
