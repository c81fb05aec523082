from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from dockfix.verify import inside


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(418)
        self.end_headers()
        self.wfile.write(self.path.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_what_was_read_of_a_copied_folder_is_found(tmp_path: Path) -> None:
    now = time.time()
    times = {"read": (now + 9, now - 9), "unread": (now - 9, now - 9), "written": (now + 9, now + 9)}
    for name, (accessed, changed) in times.items():
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (accessed, changed))
    (tmp_path / "link").symlink_to("read")
    assert inside.read_since_copied([str(tmp_path)]) == [str(tmp_path / "read")]


def test_port_is_found_and_asked(port: int) -> None:
    assert (port, socket.AF_INET) in inside.ports()
    assert inside.ask(port, socket.AF_INET, "/tea") == [418, "/tea"]


def test_mute_port_gives_nothing() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert inside.ask(closed.getsockname()[1], socket.AF_INET, "/") is None


def test_writes_may_follow_the_home_and_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    closed = tmp_path / "closed"
    closed.write_text("a file, so that nothing can be made below it, not even by root")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(work)
    asked = [f"{closed}/other", f"{closed}/root/.cache/x", f"{closed}/app/db", f"{work}/new/deep"]
    assert inside.unwritable(asked, "", "", sys.path) == asked[:3]
    assert inside.unwritable(asked, f"{closed}/root", "", []) == [asked[0], asked[2]]
    assert inside.unwritable(asked, "", f"{closed}/app", []) == asked[:2]


def test_writes_may_follow_a_package_to_another_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = tmp_path / "closed"
    closed.write_text("a file, so that nothing can be made below it, not even by root")
    site = tmp_path / "user" / "site-packages"
    (site / "shown").mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(site)])
    asked = [f"{closed}/site-packages/{name}/seed.txt" for name in ("shown", "left")]
    assert inside.unwritable(asked, "", "", sys.path) == asked[1:]


def test_scripts_are_looked_up_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.path.dirname(sys.executable))
    assert inside.scripts()["pytest"]
    monkeypatch.setenv("PATH", "/nowhere")
    assert not inside.scripts()["pytest"]


def test_it_answers_on_standard_input_beside_modules_of_any_name(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise RuntimeError")
    (tmp_path / "socket.py").write_text("raise RuntimeError")
    asked = {
        "files": True,
        "packages": True,
        "commands": True,
        "read": [str(tmp_path)],
        "write": [],
        "moved": ["", ""],
        "volumes": [str(tmp_path)],
        "since": 3600,
        "health": ["true"],
        "checks": ["exit 3"],
    }
    script = Path(inside.__file__).read_text()
    argv = [sys.executable, "-B", "-", json.dumps(asked)]
    done = subprocess.run(argv, input=script, capture_output=True, text=True, cwd=tmp_path, check=True)
    report = json.loads(done.stdout)
    assert report["uid"] == os.getuid()
    assert report["unreadable"] == []
    assert report["health"] == 0
    assert report["checks"] == [["exit 3", 3, ""]]
    assert report["cwd"] == str(tmp_path)
    assert not list(tmp_path.glob("__pycache__"))
