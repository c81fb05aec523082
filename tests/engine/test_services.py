"""An application that waits for a service is tried beside it, in a network without a way out."""

from __future__ import annotations

import json
import subprocess
import uuid
from pathlib import Path

import pytest
from applications import engine, need_images, standing_in
from command_runs import run_dockfix

from dockfix.options.request import OBSERVER

pytestmark = pytest.mark.engine
BASE = "python:3.12-slim-bookworm"
STORE = "private.example.org/dockfix/store:1"
STAND_IN = f"""\
FROM {BASE}
RUN echo 'import os, socketserver, time' > /store.py \\
    && echo 'time.sleep(1)' >> /store.py \\
    && echo 'class Store(socketserver.StreamRequestHandler):' >> /store.py \\
    && echo '    def handle(self): self.wfile.write(os.environ["STORED"].encode())' >> /store.py \\
    && echo 'socketserver.TCPServer(("", 6379), Store).serve_forever()' >> /store.py
CMD ["python", "/store.py"]
"""
SERVE = """\
import os, socket, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

host, _, port = os.environ["STORE"].partition(":")
value = socket.create_connection((host, int(port))).makefile("rb").read()
try:
    socket.create_connection(("192.0.2.1", 80), 1)
    value = b"there is a way out"
except OSError:
    pass

class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(value)

HTTPServer(("", int(sys.argv[1])), Page).serve_forever()
"""
DOCKERFILE = f"""\
FROM {BASE}
WORKDIR /app
COPY serve.py .
CMD ["python", "serve.py"]
"""
COMPOSE = f"""\
services:
  web:
    build: .
    command: python serve.py 8000
    environment: {{STORE: "store:6379"}}
    depends_on: [store]
  store:
    image: {STORE}
    environment: [STORED=hello from the store]
"""


def dockfix(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    need_images([BASE, OBSERVER], {})
    (folder / "files").mkdir(exist_ok=True)
    for name, text in {"Dockerfile": DOCKERFILE, "serve.py": SERVE}.items():
        (folder / "files" / name).write_text(text)
    base = folder / "base" / "Dockerfile"
    base.parent.mkdir()
    base.write_text(STAND_IN)
    with standing_in({STORE: base}):
        return run_dockfix(folder, "--diff", *arguments, "files", seconds=5)


def test_an_application_is_proven_beside_its_store(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "compose.yml").write_text(COMPOSE)
    done = dockfix(tmp_path, "--with-services", "--report", "r.json")
    assert "files/Dockerfile: proven\n" in done.stderr, done.stderr
    (row,) = json.loads((tmp_path / "r.json").read_text())["files"]
    for observed in (row["proof"]["details"]["before"], row["proof"]["details"]["after"]):
        (answer,) = observed["answers"]
        assert (answer["port"], answer["body"]) == (8000, "hello from the store")
        assert [process["command"] for process in observed["processes"]] == ["python serve.py 8000"]


BUILT = """\
services:
  web:
    build: .
    entrypoint: [python, serve.py]
    command: ["8000"]
    env_file: web.env
    depends_on: [store]
  store:
    build: {context: store, args: {BASE: BASE_IMAGE}}
    env_file: .env
    container_name: the-store
""".replace("BASE_IMAGE", BASE)


def test_a_service_of_the_repository_is_built_and_gets_its_settings(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    (folder / "store").mkdir(parents=True)
    (folder / "compose.yml").write_text(BUILT)
    mark = f"dockfix.test={uuid.uuid4()}"
    (folder / "store" / "Dockerfile").write_text(
        "ARG BASE\n" + STAND_IN.replace(f"FROM {BASE}", f"FROM $BASE\nLABEL {mark}")
    )
    (folder / "web.env").write_text("STORE=the-store:6379\n")
    (folder / ".env").write_text('STORED="s3cret of the store"\n')
    done = dockfix(tmp_path, "--with-services", "--report", "r.json")
    assert "files/Dockerfile: proven\n" in done.stderr, done.stderr
    report = (tmp_path / "r.json").read_text()
    (row,) = (one for one in json.loads(report)["files"] if one["path"] == "files/Dockerfile")
    assert [one["body"] for one in row["proof"]["details"]["after"]["answers"]] == ["***"]
    assert "s3cret" not in report
    # Other tests prove at the same time: only this label shows what this proof left behind.
    marked = [engine().executable, "images", "--quiet", "--filter", f"label={mark}"]
    assert subprocess.run(marked, capture_output=True, text=True, check=True).stdout == ""


def test_a_service_that_ends_is_named(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    text = COMPOSE.replace(
        "environment: [STORED", "command: python -c 'raise SystemExit(3)'\n    environment: [STORED"
    )
    (tmp_path / "files" / "compose.yml").write_text(text)
    done = dockfix(tmp_path, "--with-services")
    assert "the service store ends with exit code 3" in done.stderr
    assert done.returncode == 1


def test_an_application_that_was_tried_alone_is_given_a_hint(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "compose.yml").write_text(COMPOSE)
    done = dockfix(tmp_path)
    assert "the original itself ends with exit code 1" in done.stderr
    assert "[not-proven] (start what it depends on (store): --with-services)\n" in done.stderr
