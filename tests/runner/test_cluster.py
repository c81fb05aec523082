"""A real Dask scheduler and two workers on loopback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import dockfix
from dockfix.options import Options
from dockfix.results import Changed, Skipped
from dockfix.runner.cluster import _connect, _count, fix_all, pack_context
from dockfix.runner.jobs import Item, Job

TEXT = 'FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nENTRYPOINT ["/app/start.sh"]\n'


def test_what_can_be_read_travels_along(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "node_modules").mkdir()
    for name in ("Dockerfile", "start.sh", "sub/app.py", "node_modules/x.py", "image.png"):
        (tmp_path / name).write_text("text\n")
    (tmp_path / "binary.py").write_bytes(b"\xff")
    (tmp_path / "large.py").write_text("x" * 200_000)
    context = pack_context(Job(str(tmp_path / "Dockerfile"), b"", Options()))
    assert "image.png" in context.siblings
    assert context.read("./start.sh") == "text\n"
    assert context.read("sub/app.py") == "text\n"
    for name in ("node_modules/x.py", "image.png", "binary.py", "large.py", "../secret"):
        assert context.read(name) is None


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """The address of a scheduler, and its two workers."""
    pytest.importorskip("distributed", reason="Dask is an extra")
    environment = {**os.environ, "PYTHONPATH": str(Path(dockfix.__file__).parents[1])}

    def start(*words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "distributed.cli." + words[0], *words[1:]]
        with (tmp_path / f"{len(list(tmp_path.iterdir()))}.log").open("wb") as log:
            return subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=log, stderr=log)

    place = tmp_path / "scheduler.json"
    quiet = ["--no-dashboard", "--scheduler-file", str(place)]
    scheduler = start("dask_scheduler", *quiet, "--host", "127.0.0.1", "--port", "0")
    single = ["--nthreads", "1", "--no-nanny", "--local-directory", str(tmp_path)]
    workers = [start("dask_worker", *quiet, *single) for _ in range(2)]
    try:
        deadline = time.monotonic() + 30
        while not place.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        yield place.read_text().split('"address": "')[1].split('"')[0], workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()


def wait_for_workers(address: str, count: int) -> None:
    client = _connect(address)
    deadline = time.monotonic() + 30
    while _count(client) < count and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _count(client) == count
    client.close()


@pytest.mark.integration
def test_a_lost_worker_costs_nothing_but_time(
    cluster: tuple[str, list[subprocess.Popen[bytes]]], tmp_path: Path
) -> None:
    address, workers = cluster
    items: list[Item] = []
    for number in range(400):
        folder = tmp_path / f"s{number:03}"
        folder.mkdir()
        drops = number % 10 == 0
        (folder / "start.sh").write_text(
            "#!/bin/sh\nexec gosu app x\n" if drops else "#!/bin/sh\nexec python\n"
        )
        (folder / "Dockerfile").write_text(TEXT)
        items.append(Job(str(folder / "Dockerfile"), TEXT.encode(), Options()))
    wait_for_workers(address, 2)
    results = []
    for number, (item, reply) in enumerate(fix_all(items, address, 60.0)):
        if number == 100:
            workers[0].send_signal(signal.SIGKILL)
        assert isinstance(item, Job)
        assert reply.file.path == item.path
        results.append(reply.file.result)
    assert [isinstance(result, Skipped) for result in results] == [number % 10 == 0 for number in range(400)]
    assert sum(isinstance(result, Changed) for result in results) == 360
