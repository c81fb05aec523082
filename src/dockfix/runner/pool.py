"""Process files in many processes: in order, in constant memory; a bad file affects only itself."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.connection import wait
from typing import Final, Protocol

from dockfix.checks import codes
from dockfix.runner import outcome
from dockfix.runner.jobs import Item, Job, Reply, lose, work_chunk

CHUNK: Final = 8
AHEAD: Final = 64
"""Files in progress per worker: results keep their order, so a slow file holds up this many."""
DEFAULT_SECONDS: Final = 10.0


def _live_as_long_as_the_parent(pids: multiprocessing.SimpleQueue[int]) -> None:
    """Set up a worker: report its PID, leave Ctrl-C to the parent, and end with it, even if it is killed.

    Existing objects are not garbage, so that collections look only at what single files leave.
    """
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pids.put(os.getpid())
    parent = multiprocessing.parent_process()
    if parent is not None:

        def watch() -> None:
            wait([parent.sentinel])
            os._exit(1)

        threading.Thread(target=watch, daemon=True).start()


@dataclass
class Workers:
    """Worker processes that can be killed and restarted."""

    count: int
    pids: multiprocessing.SimpleQueue[int] = field(default_factory=multiprocessing.SimpleQueue)
    executor: Executor | None = None

    @property
    def patience(self) -> float | None:
        """How many times its own limit a file may take until its worker counts as lost; None: no limit."""
        return 2.0

    def submit(self, jobs: list[Job], seconds: float) -> Future[list[Reply]]:
        """Submit some files, starting the workers if there are none."""
        if self.executor is None:
            outcome.load_core()  # once here instead of once in each worker
            gc.freeze()
            fork = sys.platform == "linux" and threading.active_count() == 1
            self.executor = ProcessPoolExecutor(
                self.count,
                multiprocessing.get_context("fork" if fork else None),
                _live_as_long_as_the_parent,
                (self.pids,),
            )
        return self.executor.submit(work_chunk, jobs, seconds)

    def kill(self) -> None:
        """End every worker at once."""
        executor, self.executor = self.executor, None
        if executor is not None:
            while not self.pids.empty():
                with suppress(ProcessLookupError):
                    os.kill(self.pids.get(), signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
            # Wait: otherwise its thread and the end of this process would race for a pipe.
            executor.shutdown(wait=True, cancel_futures=True)

    def close(self) -> None:
        """Let the workers finish."""
        if self.executor is not None:
            self.executor.shutdown()
            self.executor = None
        while not self.pids.empty():
            self.pids.get()


class Crew(Protocol):
    """What does the work: local processes, or a cluster."""

    @property
    def count(self) -> int:
        """How many files can be worked on at once."""

    @property
    def patience(self) -> float | None:
        """How many times its own limit a file may take until its worker counts as lost; None: no limit."""

    def submit(self, jobs: list[Job], seconds: float) -> Future[list[Reply]]:
        """Submit some files."""

    def kill(self) -> None:
        """Abandon what is in progress."""

    def close(self) -> None:
        """Let it finish."""


def fix_all(
    items: Iterable[Item], workers: Crew, seconds: float = DEFAULT_SECONDS
) -> Iterator[tuple[Item, Reply]]:
    """Each item with its reply, in order; items that are replies already pass through.

    A file may take `seconds`; one that kills its worker, or cannot be stopped, fails alone.
    """
    source = iter(items)
    window: deque[_Chunk] = deque()
    try:
        while True:
            while len(window) < AHEAD // CHUNK * workers.count and (chunk := _cut(source)).items:
                window.append(chunk)
                chunk.start(workers, seconds)
            if not window:
                break
            yield from _finish(window, workers, seconds)
        workers.close()
    finally:
        workers.kill()


@dataclass
class _Chunk:
    """Consecutive items, and the work on those that are jobs."""

    items: list[Item]
    future: Future[list[Reply]] | None = None

    @property
    def jobs(self) -> list[Job]:
        return [item for item in self.items if isinstance(item, Job)]

    def start(self, workers: Crew, seconds: float) -> None:
        if jobs := self.jobs:
            try:
                self.future = workers.submit(jobs, seconds)
            except BrokenExecutor as error:
                self.future = Future()
                self.future.set_exception(error)

    def replies(self, done: list[Reply]) -> Iterator[tuple[Item, Reply]]:
        rest = iter(done)
        return ((item, next(rest) if isinstance(item, Job) else item) for item in self.items)


def _cut(source: Iterator[Item]) -> _Chunk:
    """The next items, enough for a chunk of jobs, or a few hundred replies."""
    items: list[Item] = []
    jobs = 0
    for item in islice(source, 8 * AHEAD):
        items.append(item)
        jobs += isinstance(item, Job)
        if jobs == CHUNK:
            break
    return _Chunk(items)


def _finish(window: deque[_Chunk], workers: Crew, seconds: float) -> Iterator[tuple[Item, Reply]]:
    """Wait for the first chunk. If a worker was lost, restart and find the file that caused it."""
    chunk = window.popleft()
    done: list[Reply] = []
    if chunk.future is not None:
        try:
            patience = workers.patience
            limit = None if patience is None else (len(chunk.jobs) + patience) * seconds
            done = chunk.future.result(timeout=limit)
        except (BrokenExecutor, FutureTimeoutError):
            workers.kill()
            done = list(_work_one_by_one(chunk.jobs, seconds))
            for later in window:
                if later.future is not None and not _succeeded(later.future):
                    later.start(workers, seconds)
    yield from chunk.replies(done)


def _succeeded(future: Future[list[Reply]]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _work_one_by_one(jobs: list[Job], seconds: float) -> Iterator[Reply]:
    """Process each file in a process of its own, which it may take down."""
    single = Workers(1)
    try:
        for job in jobs:
            try:
                yield single.submit([job], seconds).result(timeout=2 * seconds)[0]
            except BrokenExecutor:
                single.kill()
                yield lose(job, codes.CRASH, "its worker process died", "please report it, with the file")
            except FutureTimeoutError:
                single.kill()
                yield lose(
                    job, codes.TIMEOUT, f"could not be stopped after {seconds:g} seconds", "--exclude it"
                )
    finally:
        single.kill()
