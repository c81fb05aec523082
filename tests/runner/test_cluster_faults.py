"""What goes wrong on a real Dask cluster (a scheduler and two workers on loopback) ends in one line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from git_repository import Repository

import dockfix
from dockfix.context import Context
from dockfix.options import Options
from dockfix.results import Changed, Failed
from dockfix.runner.cluster import TravellingReader, _connect, _count, fix_all
from dockfix.runner.jobs import Job

pytestmark = pytest.mark.integration
SOURCES = str(Path(dockfix.__file__).parents[1])
GOOD = "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN pip install x\nCMD python app.py\n"
SLOW = (
    "FROM python:3.12-slim\n" + "WORKDIR /app\nCOPY . .\nRUN pip install x\n" * 6_000 + "CMD python app.py\n"
)
NESTED = "x = " + "{1: " * 2_000 + "open('/data/x', 'w')" + "}" * 2_000 + "\n"


@dataclass(frozen=True)
class Cluster:
    address: str
    scheduler: subprocess.Popen[bytes]


StartCluster = Callable[..., AbstractContextManager[Cluster]]


@pytest.fixture
def start_cluster(tmp_path: Path) -> StartCluster:
    pytest.importorskip("distributed", reason="Dask is an extra")
    folder = tmp_path / "cluster"
    folder.mkdir()

    @contextmanager
    def start(path: str = SOURCES, **variables: str) -> Iterator[Cluster]:
        environment = {**os.environ, "PYTHONPATH": path, **variables}

        def run(*words: str) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", "distributed.cli." + words[0], *words[1:]]
            with (folder / f"{len(list(folder.iterdir()))}.log").open("wb") as log:
                return subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)

        place = folder / "scheduler.json"
        quiet = ["--no-dashboard", "--scheduler-file", str(place)]
        scheduler = run("dask_scheduler", *quiet, "--host", "127.0.0.1", "--port", "0")
        single = ["--nthreads", "1", "--no-nanny", "--local-directory", str(folder)]
        workers = [run("dask_worker", *quiet, *single) for _ in range(2)]
        try:
            address = wait_for(
                lambda: place.exists() and place.read_text().split('"address": "')[1].split('"')[0]
            )
            client = _connect(address)
            wait_for(lambda: _count(client) == 2)
            client.close()
            yield Cluster(address, scheduler)
        finally:
            for process in (*workers, scheduler):
                process.kill()
                process.wait()

    return start


def wait_for(ready: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if found := ready():
            return found
        time.sleep(0.1)
    raise AssertionError("not in time")


def start_run(cluster: Cluster, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "dockfix", *arguments, "--no-cache", "--scheduler", cluster.address, "."]
    environment = {**os.environ, "PYTHONPATH": SOURCES}
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def test_a_file_that_hangs(repository: Repository, start_cluster: StartCluster) -> None:
    repository.put("Dockerfile", text=GOOD)
    repository.put("slow/Dockerfile", text=SLOW)
    repository.commit()
    with start_cluster() as cluster, start_run(cluster, "--check", "--timeout", "3", "--no-evidence") as run:
        messages = run.communicate()[1]
    assert run.returncode == 123, messages
    assert "slow/Dockerfile: error: not finished within 3 seconds" in messages
    assert "\nDockerfile: would change" in f"\n{messages}"
    assert messages.count("error") == 1, messages


def test_sources_that_cannot_be_parsed(repository: Repository, start_cluster: StartCluster) -> None:
    repository.put("Dockerfile", text=GOOD)
    repository.put("app.py", text=NESTED)
    repository.commit()
    with start_cluster() as cluster, start_run(cluster, "--check", "--verbose") as run:
        messages = run.communicate()[1]
    assert run.returncode == 0, messages
    assert messages.count("not all of its sources were read [evidence-cut]") == 1
    assert "Traceback" not in messages


BOMB = """
import os, sys

def load():
    if "distributed.cli.dask_worker" in sys.orig_argv:
        os._exit(1)
    return Bomb()

class Bomb:
    def __reduce__(self):
        return load, ()
"""


def test_a_file_that_crashes_its_worker(
    tmp_path: Path, start_cluster: StartCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was sent with the file that ends a worker is lost with it, by name, and the rest goes on."""
    (tmp_path / "bomb.py").write_text(BOMB)
    monkeypatch.syspath_prepend(tmp_path)
    context = Context("bad", frozenset(), import_module("bomb").Bomb())
    jobs = [
        Job("bad", GOOD.encode(), Options(), context=context),
        Job("good", GOOD.encode(), Options(), context=Context("good", frozenset(), TravellingReader({}))),
    ]
    path = f"{tmp_path}:{SOURCES}"
    with start_cluster(path, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0") as cluster:
        replies = [next(fix_all([job], cluster.address, 60.0))[1] for job in jobs]
    lost, done = (reply.file.result for reply in replies)
    assert isinstance(lost, Failed)
    assert lost.error.message == "its worker process died"
    assert isinstance(done, Changed)


def test_a_scheduler_that_is_lost(repository: Repository, start_cluster: StartCluster) -> None:
    for number in range(40):
        repository.put(f"s{number:02}/Dockerfile", text=SLOW)
    repository.commit()
    with start_cluster() as cluster, start_run(cluster, "--check", "--timeout", "60") as run:
        time.sleep(10)
        assert run.poll() is None
        cluster.scheduler.send_signal(signal.SIGKILL)
        messages = run.communicate(timeout=120)[1]
    assert run.returncode == 123, messages
    # What Dask says of it depends on the moment; that it is one line does not.
    assert messages.splitlines()[-1].startswith("dockfix: --scheduler: lost the connection")
    assert "Traceback" not in messages


def test_workers_of_another_version(
    repository: Repository, start_cluster: StartCluster, tmp_path: Path
) -> None:
    repository.put("Dockerfile", text=GOOD)
    repository.commit()
    (tmp_path / "other").mkdir()
    (tmp_path / "other/sitecustomize.py").write_text("import dockfix\ndockfix.__version__ = '0.0.9'\n")
    with start_cluster(f"{tmp_path / 'other'}:{SOURCES}") as cluster, start_run(cluster, "--check") as run:
        messages = run.communicate()[1]
    assert run.returncode == 123, messages
    (line,) = messages.splitlines()
    assert line.startswith(
        "dockfix: --scheduler: a worker failed: ValueError: a worker has dockfix 0.0.9, but"
    )
