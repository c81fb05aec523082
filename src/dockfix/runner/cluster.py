"""Process files on an existing Dask cluster: contents are sent there, replies come back."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from importlib import import_module
from itertools import islice
from typing import Any, Final

from dockfix import __version__
from dockfix.config import ConfigError, RunError
from dockfix.confined import AHEAD, CHUNK, Loss, finding_of
from dockfix.context import Context
from dockfix.files.build_context import FolderReader, digest
from dockfix.files.patterns import NEVER, VENDORED
from dockfix.runner import outcome, pool
from dockfix.runner.jobs import Item, Job, Reply, describe_disk, lose

MAX_FILE: Final = 128 * 1024
MAX_ALL: Final = 2 * 1024 * 1024
MAX_COUNT: Final = 400
RETRIES: Final = 3
PATIENCE: Final = 10.0
"""Seconds between checks whether the scheduler is still connected."""
_LOST: Final = ("CancelledError", "FutureCancelledError", "CommClosedError", "ClosedClientError")
_SENT: Final = (".sh", ".py", ".toml", ".cfg", ".conf", ".ini", ".txt", ".yml", ".yaml", ".json", ".lock")


@dataclass(frozen=True, slots=True)
class TravellingReader:
    """The small text files of a build context, in memory; records which were read."""

    texts: dict[str, str]
    reads: dict[str, str] = field(default_factory=dict, compare=False)

    def __call__(self, path: str) -> str | None:
        """The text of a file by its relative path, if it was sent along."""
        text = self.texts.get(os.path.normpath(path.lstrip("/")).replace(os.sep, "/"))
        self.reads[path] = digest(text)
        return text


def fix_all(items: Iterable[Item], address: str, seconds: float) -> Iterator[tuple[Item, Reply]]:
    """Each item with its reply, in order, like `pool.fix_all`. Raises ConfigError, RunError."""
    client = _connect(address)
    try:
        yield from _fix_with(client, items, address, seconds)
    except Exception as error:
        if type(error).__name__ not in _LOST:
            raise
        raise RunError(f"--scheduler: lost the connection to {address}") from None
    finally:
        client.close(timeout=1)


def _fix_with(
    client: Any, items: Iterable[Item], address: str, seconds: float
) -> Iterator[tuple[Item, Reply]]:
    window: deque[tuple[list[Item], Any]] = deque()
    source = iter(items)
    while True:
        while len(window) < AHEAD // CHUNK * _count(client) and (chunk := list(islice(source, CHUNK))):
            window.append((chunk, _submit(client, chunk, seconds)))
        if not window:
            return
        chunk, future = window.popleft()
        replies = iter(_wait(future, chunk, client, address))
        yield from ((item, next(replies) if isinstance(item, Job) else item) for item in chunk)


def work_chunk(jobs: list[Job], seconds: float, version: str) -> list[Reply]:
    """Fix some files in a worker of the cluster. Raises ValueError if the versions of dockfix differ."""
    if version != __version__:
        raise ValueError(f"a worker has dockfix {__version__}, but this is {version}")
    outcome.load_core()  # once in the worker instead of once in the process of each chunk
    return [reply for _, reply in pool.fix_all(jobs, 1, seconds)]


def _connect(address: str) -> Any:
    try:
        distributed = import_module("distributed")
    except ImportError:
        raise ConfigError("--scheduler needs Dask: pip install 'dockfix[cluster]'") from None
    logging.disable()  # what Dask logs is said in one line where it matters
    try:
        return distributed.Client(address, timeout="10s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConfigError(f"--scheduler: no response from {address}: {error}") from None


def _count(client: Any) -> int:
    """The number of files that can be processed at once."""
    try:
        nthreads: dict[str, int] = client.nthreads()
    except OSError as error:
        raise RunError(f"--scheduler: lost the connection: {error}") from None
    return max(1, sum(nthreads.values()))


def _submit(client: Any, chunk: list[Item], seconds: float) -> Any:
    """Send the jobs among some items to the cluster; None if there are none."""
    jobs = [item for item in chunk if isinstance(item, Job)]
    packed = [replace(job, context=job.context or pack_context(job)) for job in jobs]
    if not packed:
        return None
    return client.submit(work_chunk, packed, seconds, __version__, retries=RETRIES, pure=False)


def _wait(future: Any, chunk: list[Item], client: Any, address: str) -> list[Reply]:
    """The replies to the jobs of a chunk; waits as long as the cluster is connected.

    Raises RunError if the connection is lost or a worker fails.
    """
    if future is None:
        return []
    while True:
        try:
            replies: list[Reply] = future.result(timeout=PATIENCE)
        except TimeoutError:
            if client.status != "running":
                raise RunError(f"--scheduler: lost the connection to {address}") from None
        except Exception as error:  # any exception of a worker is raised here
            if type(error).__name__ == "KilledWorker":
                jobs = [item for item in chunk if isinstance(item, Job)]
                return [lose(job, finding_of(Loss.CRASH)) for job in jobs]
            if type(error).__name__ in _LOST:
                raise
            raise RunError(f"--scheduler: a worker failed: {type(error).__name__}: {error}") from None
        else:
            return replies


def pack_context(job: Job) -> Context:
    """The context of a job with all readable files, up to a few megabytes."""
    found = describe_disk(job, os.path.realpath(os.path.dirname(job.path)))
    assert isinstance(found.read, FolderReader)
    texts = dict(_texts(found.read.folder, job.root))
    return replace(found, read=TravellingReader(texts), names=None, also=())


def _texts(folder: str, root: str) -> Iterator[tuple[str, str]]:
    read = FolderReader(folder, root)
    room = MAX_ALL
    count = 0
    for inner, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in NEVER and name not in VENDORED)
        for name in sorted(names):
            path = os.path.join(inner, name)
            if "." in name and not name.endswith(_SENT):
                continue
            inner_path = os.path.relpath(path, folder).replace(os.sep, "/")
            text = read(inner_path)
            if text is None or len(text) > min(room, MAX_FILE):
                continue
            room -= len(text)
            count += 1
            yield inner_path, text
            if count == MAX_COUNT:
                return
