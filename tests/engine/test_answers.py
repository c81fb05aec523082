"""A change that waits for a review is written if a proof answers each of its questions."""

from __future__ import annotations

from pathlib import Path

import pytest
from applications import need_images, standing_in
from command_runs import run_dockfix

pytestmark = pytest.mark.engine
BASE = "python:3.12-slim-bookworm"
PRIVATE = "private.example.org/dockfix/python:1"
STAND_IN = f"""\
FROM {BASE}
RUN printf '#!/bin/sh\\nexec python serve.py\\n' > /usr/local/bin/start && chmod 755 /usr/local/bin/start
"""
UNKNOWN = f"""\
FROM {PRIVATE}
WORKDIR /app
COPY serve.py .
ENTRYPOINT ["/usr/local/bin/start"]
"""
PORT = f"""\
FROM {BASE}
WORKDIR /app
EXPOSE 80
COPY serve.py .
ENV PORT={{port}}
CMD ["python", "serve.py"]
"""
SERVE = """\
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

HTTPServer(("", int(os.environ.get("PORT", 8000))), Page).serve_forever()
"""


def test_reviews_are_answered(tmp_path: Path) -> None:
    need_images([BASE], {})
    texts = {"unknown": UNKNOWN, "closed": PORT.format(port=80), "open": PORT.format(port=8080)}
    for name, text in texts.items():
        (tmp_path / "files" / name).mkdir(parents=True)
        (tmp_path / "files" / name / "Dockerfile").write_text(text)
        (tmp_path / "files" / name / "serve.py").write_text(SERVE)
    base = tmp_path / "base" / "Dockerfile"
    base.parent.mkdir()
    base.write_text(STAND_IN)
    with standing_in({PRIVATE: base}):
        done = run_dockfix(tmp_path, "--write", "--verbose", "--allow-dirty", "files")
    written = {
        name: "USER appuser" in (tmp_path / "files" / name / "Dockerfile").read_text() for name in texts
    }
    assert written == {"unknown": True, "closed": False, "open": True}, done.stderr
    accepted = [line for line in done.stderr.splitlines() if ": accepted: " in line]
    codes = {
        line.partition("/Dockerfile")[0] + " " + line.partition("[")[2].partition("]")[0] for line in accepted
    }
    unknown = {f"files/unknown {code}" for code in ("unknown-base", "denied-to-user", "unread-entrypoint")}
    assert codes == {*unknown, "files/open low-port"}
    port = "it answers as before with net.ipv4.ip_unprivileged_port_start=1024"
    assert f"[low-port] (the proof does not show that {port}; " in done.stderr
