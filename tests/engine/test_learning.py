"""A rewrite that breaks is made again with what its proof has shown, which is kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from applications import need_images
from command_runs import folder_without_engines, run_dockfix

from dockfix.options.request import OBSERVER

pytestmark = pytest.mark.engine
BASE = "python:3.12-slim-bookworm"
# No reader of sources can tell what these names are.
SERVE = """\
import os, random
from http.server import BaseHTTPRequestHandler, HTTPServer

place = "".join(reversed("atad/"))
os.makedirs(place + "/cache", exist_ok=True)
open(place + "/serve.pid", "w").write(str(os.getpid()))
open(f"{place}/cache/{random.random()}", "w").write("x")

class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

HTTPServer(("", 8000), Page).serve_forever()
"""
WRITES = f"""\
FROM {BASE}
WORKDIR /app
COPY serve.py .
CMD ["python", "serve.py"]
"""
MAKES = f"""\
FROM {BASE}
WORKDIR /app
COPY serve.py .
RUN python -c "import os; os.mkdir(bytes([47, 120]))"
CMD ["python", "-c", "print('done')"]
"""
# A name of torch's cache that no reader of sources sees, and a step that only root can do beside it.
FILL = """\
import os

usual = os.path.expanduser("~/.cache/" + "".join(reversed("hcrot")))
home = os.environ.get("".join(reversed("EMOH_HCROT")), usual)
os.makedirs(home, exist_ok=True)
open(home + "/model", "w").write("7")
os.mkdir("/made")
"""
READ = FILL.replace(', "w").write("7")', ").read()").replace('os.mkdir("/made")', 'print("read")')
READS = f"""\
FROM {BASE}
WORKDIR /app
COPY . .
RUN python fill.py
CMD ["python", "read.py"]
"""
TEXTS = {"writes": WRITES, "makes": MAKES, "reads": READS}


def test_what_a_proof_shows_is_learned_and_kept(tmp_path: Path) -> None:
    need_images([BASE, OBSERVER], {})
    for name, text in TEXTS.items():
        (tmp_path / "files" / name).mkdir(parents=True)
        (tmp_path / "files" / name / "Dockerfile").write_text(text)
        for module, code in {"serve": SERVE, "fill": FILL, "read": READ}.items():
            (tmp_path / "files" / name / f"{module}.py").write_text(code)
    done = run_dockfix(tmp_path, "--write", "--verbose", "--allow-dirty", "files")
    assert (
        "files/writes/Dockerfile: round 1: it kept running before, and now ends with exit code 1"
        in done.stderr
    )
    assert "Permission denied: '/data'; tried again, as it writes /data/, /data/cache/\n" in done.stderr
    assert "files/makes/Dockerfile: round 1: it no longer builds: RUN python -c" in done.stderr
    assert 'os.mkdir(bytes([47, 120]))" needs root\n' in done.stderr
    assert "files/writes/Dockerfile: proven\n" in done.stderr
    assert "chown appuser:appuser /data /data/cache" in (tmp_path / "files/writes/Dockerfile").read_text()
    reads = (tmp_path / "files/reads/Dockerfile").read_text()
    assert "round 1: exit code 0 before, 1 now" in done.stderr
    assert "tried again, as it reads ~/.cache/torch\n" in done.stderr
    given = "mkdir -p /opt/torch && chown -R appuser:appuser /opt/torch"
    assert f'ENV TORCH_HOME="/opt/torch"\nRUN python fill.py && {given}\nUSER appuser\n' in reads
    makes = (tmp_path / "files/makes/Dockerfile").read_text()
    assert makes.index("os.mkdir") < makes.index("USER appuser")

    written = {name: (tmp_path / "files" / name / "Dockerfile").read_text() for name in TEXTS}
    for name, text in TEXTS.items():
        (tmp_path / "files" / name / "Dockerfile").write_text(text)
    argv = [sys.executable, "-m", "dockfix", "--write", "--no-cache", "--allow-dirty", "files"]
    without = {**os.environ, "PATH": folder_without_engines(tmp_path / "bin")}
    subprocess.run(argv, cwd=tmp_path, env=without, capture_output=True, check=True)
    assert {name: (tmp_path / "files" / name / "Dockerfile").read_text() for name in TEXTS} == written
