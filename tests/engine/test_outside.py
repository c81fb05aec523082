"""Containers are looked into from outside: images without Python are proven, and lies are not believed."""

from __future__ import annotations

from pathlib import Path

import pytest
from applications import build_network, need_images
from command_runs import run_dockfix

from dockfix.options.request import OBSERVER
from dockfix.verify import Ground, Kind, Verdict, VerifyOptions, prove

pytestmark = pytest.mark.engine
NODE = "node:20-slim"
PYTHON = "python:3.12-slim-bookworm"
SERVE = """\
require('fs').writeFileSync('state', 'x')
require('http').createServer((_, reply) => reply.end('hello')).listen(3000)
"""
ORIGINAL = f"""\
FROM {NODE}
WORKDIR /app
COPY serve.js .
CMD ["node", "serve.js"]
"""
LIE = """\
import json
print(json.dumps({"uid": 1000, "gid": 1000, "home": "/home/u", "cwd": "/app",
    "processes": [[1, 1000, 1000, "x"]], "answers": [], "sites": [],
    "unreadable": [], "unwritable": [], "written": [],
    "scripts": {}, "pip_check": [0, ""], "health": None, "checks": []}))
"""
LIAR = f"""\
FROM {PYTHON}
WORKDIR /app
COPY lie.py serve.py ./
RUN mv /usr/local/bin/python3 /usr/local/bin/honest \\
    && printf '#!/bin/sh\\nexec honest /app/lie.py\\n' > /usr/local/bin/python3 \\
    && chmod 755 /usr/local/bin/python3
CMD ["honest", "-m", "http.server"]
"""


def verify(original: str, rewrite: str, folder: Path, *images: str) -> Verdict:
    need_images((OBSERVER, *images), {})
    (folder / "serve.js").write_text(SERVE)
    (folder / "serve.py").write_text("")
    (folder / "lie.py").write_text(LIE)
    options = VerifyOptions(build_network=build_network(), seconds=3)
    return prove(original, rewrite, folder / "Dockerfile", options)


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        ("RUN chown node /app\nUSER node\n", Kind.PROVEN, ""),
        ("USER node\n", Kind.BREAKS, "EACCES: permission denied, open 'state'"),
        ("", Kind.BREAKS, "a process still runs as root: node serve.js"),
    ],
)
def test_an_image_without_python_is_proven(given: str, kind: Kind, message: str, tmp_path: Path) -> None:
    verdict = verify(ORIGINAL, ORIGINAL.replace("COPY", f"{given}COPY"), tmp_path, NODE)
    assert verdict.kind is kind, verdict
    assert message in verdict.details.reason
    before = verdict.details.before
    assert before is not None
    assert before.wrote == ("/app/state",)
    assert [(process.uid, process.command) for process in before.processes] == [(0, "node serve.js")]
    if kind is Kind.PROVEN:
        assert verdict.details.ground is Ground.ANSWERS
        assert verdict.details.after is not None
        assert verdict.details.after.home == "/home/node"


def test_the_python_of_an_image_is_not_believed(tmp_path: Path) -> None:
    verdict = verify(LIAR, LIAR.replace("WORKDIR", "RUN useradd u\nWORKDIR"), tmp_path, PYTHON)
    assert verdict.kind is Kind.BREAKS, verdict
    assert verdict.details.reason == "a process still runs as root: honest -m http.server"


PACKAGE = '{"name": "a", "version": "1.0.0", "scripts": {"start": "node serve.js"}}'
LOCK = """{"name": "a", "version": "1.0.0", "lockfileVersion": 3,
    "packages": {"": {"name": "a", "version": "1.0.0"}}}"""
NPM = f"""\
FROM {NODE}
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev
COPY . .
CMD ["npm", "start"]
"""


@pytest.mark.parametrize("languages", ["", "node"])
def test_an_image_of_another_language_is_written_if_it_was_asked_for_and_is_proven(
    languages: str, tmp_path: Path
) -> None:
    need_images([NODE], {})
    files = {"Dockerfile": NPM, "serve.js": SERVE, "package.json": PACKAGE, "package-lock.json": LOCK}
    (tmp_path / "files").mkdir()
    for name, text in files.items():
        (tmp_path / "files" / name).write_text(text)
    asked = ["--languages", languages] if languages else []
    done = run_dockfix(tmp_path, "--write", "--allow-dirty", *asked, "files", seconds=3)
    assert done.returncode == 0, done.stderr
    assert ("files/Dockerfile: proven\n" in done.stderr) is bool(languages), done.stderr
    assert ("  not Python        1   " in done.stderr) is not bool(languages)
    assert ("USER node\n" in (tmp_path / "files" / "Dockerfile").read_text()) is bool(languages)
