"""Many files: on a Dask cluster on this machine, and what a simulated million of them takes in memory.

The files are short and stay as they are, so that the cost of sending them shows.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dockfix.context import Context
from dockfix.options import Options
from dockfix.runner.jobs import Item, Job
from dockfix.runner.pool import fix_all

from .monorepo import processors
from .timing import environment

FILES: Final = 50_000
WORKERS: Final = (1, 2, 4)
MANY: Final = 1_000_000
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def measure(files: int = FILES, *workers: int) -> str:
    """A Markdown table: without a cluster, and on one with each number of workers."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "files")
        _write(root, files)
        rows = [_run(root, Path(folder))]
        for count in workers or WORKERS:
            with _cluster(Path(folder, f"cluster{count}"), count) as running:
                rows.append(_run(root, Path(folder), running))
    local = rows[0].each(files)
    lines = [
        f"| {files:,} files on {processors()} processors | wall | files/s | dockfix | scheduler | workers"
        " | processor time over one process |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    lines += (
        f"| {row.name} | {row.wall:.1f} s | {files / row.wall:,.0f} | {row.own / files * 1e3:.2f} ms"
        f" | {row.scheduler / files * 1e3:.2f} ms | {row.workers / files * 1e3:.2f} ms"
        f" | {(row.each(files) - local) * 1e3:+.2f} ms a file |"
        for row in rows
    )
    return "\n".join(lines)


def simulate(files: int = MANY) -> str:
    """A Markdown table of the memory of a run over files that exist only here, as it goes on."""
    lines = ["| files so far | this process | largest worker |", "|---:|---:|---:|"]
    marks = {files // 1000, files // 100, files // 10, files // 2, files}
    for number, _ in enumerate(fix_all(_jobs(files), processors()), 1):
        if number in marks:
            workers = [_resident(process) for process in _children(os.getpid())]
            lines.append(
                f"| {number:,} | {_resident(os.getpid()):.0f} MB | {max(workers, default=0.0):.0f} MB |"
            )
    return "\n".join(lines)


def _jobs(files: int) -> Iterator[Item]:
    for number in range(files):
        yield Job(f"/simulated/{number}/Dockerfile", _text(number).encode(), Options(), context=Context())


@dataclass
class _Row:
    """Seconds: on the wall, and of processor time in dockfix's own process, the scheduler and the workers."""

    name: str
    wall: float
    own: float
    scheduler: float = 0.0
    workers: float = 0.0

    def each(self, files: int) -> float:
        return (self.own + self.scheduler + self.workers) / files


@dataclass
class _Cluster:
    address: str
    scheduler: int
    workers: Sequence[int]


def _write(root: Path, files: int) -> None:
    for number in range(files):
        folder = root / f"team{number % 100:02}" / f"service{number}"
        folder.mkdir(parents=True)
        (folder / "Dockerfile").write_text(_text(number))


def _text(number: int) -> str:
    return f"FROM python:3.12-slim\nUSER {1000 + number}\n"


def _run(root: Path, folder: Path, cluster: _Cluster | None = None) -> _Row:
    where = ["--jobs", "1"] if cluster is None else ["--scheduler", cluster.address]
    words = [sys.executable, "-m", "dockfix", "--check", "--quiet", "--no-cache", *where, str(root)]
    before = (_used([cluster.scheduler]), _used(cluster.workers)) if cluster else (0.0, 0.0)
    start = time.perf_counter()
    process = subprocess.Popen(words, cwd=folder, env=environment(), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(words)} ended with {process.returncode}")
    own = usage.ru_utime + usage.ru_stime
    if cluster is None:
        return _Row("one process, no cluster", wall, own)
    count = len(cluster.workers)
    scheduler, workers = _used([cluster.scheduler]) - before[0], _used(cluster.workers) - before[1]
    return _Row(f"Dask, {count} worker{'s' if count > 1 else ''}", wall, own, scheduler, workers)


def _used(processes: Sequence[int]) -> float:
    """Their processor time so far, in seconds, with that of the children they waited for and still have."""
    total = 0.0
    for process in processes:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        total += sum(map(int, fields[11:15])) / _TICKS
        total += _used(_children(process))
    return total


def _children(process: int) -> list[int]:
    return list(map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split()))


def _resident(process: int) -> float:
    """Its resident memory in MB."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE / 2**20


@contextmanager
def _cluster(folder: Path, count: int) -> Iterator[_Cluster]:
    """A scheduler and workers with one thread each, on loopback."""
    folder.mkdir()
    place = folder / "scheduler.json"
    quiet = ["--no-dashboard", "--scheduler-file", str(place)]
    single = ["--nthreads", "1", "--no-nanny", "--local-directory", str(folder)]
    with ExitStack() as stack:

        def start(*words: str) -> int:
            log = stack.enter_context((folder / f"{len(list(folder.iterdir()))}.log").open("wb"))
            command = [sys.executable, "-m", f"distributed.cli.{words[0]}", *words[1:]]
            process = subprocess.Popen(command, env=environment(), cwd=folder, stdout=log, stderr=log)
            stack.callback(process.wait)
            stack.callback(process.terminate)
            return process.pid

        scheduler = start("dask_scheduler", *quiet, "--host", "127.0.0.1", "--port", "0")
        while not place.exists():
            time.sleep(0.1)
        workers = [start("dask_worker", *quiet, *single) for _ in range(count)]
        time.sleep(5)
        yield _Cluster(place.read_text().split('"address": "')[1].split('"')[0], scheduler, workers)
