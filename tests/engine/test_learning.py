"""A rewrite that breaks is made again with what its proof has shown, and then holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from applications import need_images
from command_runs import run_dockfix

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
RUN python -c "import os; os.mkdir(chr(47) + chr(120))"
CMD ["python", "-c", "print('done')"]
"""


def test_what_a_proof_shows_is_learned(tmp_path: Path) -> None:
    need_images([BASE], {})
    for name, text in {"writes": WRITES, "makes": MAKES}.items():
        (tmp_path / "files" / name).mkdir(parents=True)
        (tmp_path / "files" / name / "Dockerfile").write_text(text)
        (tmp_path / "files" / name / "serve.py").write_text(SERVE)
    done = run_dockfix(tmp_path, "--write", "--verbose", "--allow-dirty", "files")
    assert done.returncode == 0, done.stderr
    assert (
        "files/writes/Dockerfile: round 1: it kept running before, and now ends with exit code 1"
        in done.stderr
    )
    assert "Permission denied: '/data'; tried again, as it writes /data/, /data/cache/\n" in done.stderr
    assert "files/makes/Dockerfile: round 1: it no longer builds: RUN python -c" in done.stderr
    assert "tried again, as line 4 needs root\n" in done.stderr
    assert "files/writes/Dockerfile: proven\n" in done.stderr
    assert "chown appuser:appuser /data /data/cache" in (tmp_path / "files/writes/Dockerfile").read_text()
    makes = (tmp_path / "files/makes/Dockerfile").read_text()
    assert makes.index("os.mkdir") < makes.index("USER appuser")
