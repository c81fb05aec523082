"""Process files on an existing Dask cluster: contents are sent there, replies come back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any, Final

from dockfix.config import ConfigError
from dockfix.context import Context
from dockfix.files.build_context import FolderReader, digest, list_names
from dockfix.files.patterns import NEVER, VENDORED
from dockfix.runner.jobs import Job, Reply, work_chunk

MAX_FILE: Final = 128 * 1024
MAX_ALL: Final = 2 * 1024 * 1024
MAX_COUNT: Final = 400
RETRIES: Final = 3
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


class Cluster:
    """The workers of a Dask scheduler, with the interface of `pool.Workers`."""

    def __init__(self, address: str) -> None:
        try:
            distributed = import_module("distributed")
        except ImportError:
            raise ConfigError("--scheduler needs Dask: pip install 'dockfix[cluster]'") from None
        try:
            self._client: Any = distributed.Client(address, timeout="10s", set_as_default=False)
        except (OSError, ValueError) as error:
            raise ConfigError(f"--scheduler: no response from {address}: {error}") from None
        self._executor = self._client.get_executor(retries=RETRIES, pure=False)

    @property
    def count(self) -> int:
        """How many files can be worked on at once."""
        nthreads: dict[str, int] = self._client.nthreads() if self._client else {}
        return max(1, sum(nthreads.values()))

    @property
    def patience(self) -> None:
        """No limit: a cluster may be busy with other work, and restarts lost work itself."""
        return

    def submit(self, jobs: list[Job], seconds: float) -> Future[list[Reply]]:
        """Send some files to the cluster."""
        packed = [replace(job, context=job.context or pack_context(job)) for job in jobs]
        future: Future[list[Reply]] = self._executor.submit(work_chunk, packed, seconds)
        return future

    def kill(self) -> None:
        """Cancel what is not done, and disconnect."""
        if self._client is not None:
            self._executor.shutdown(wait=False)
            self._client.close()
            self._client = None

    def close(self) -> None:
        """Disconnect."""
        self.kill()


def pack_context(job: Job) -> Context:
    """The context of a job with everything readable in it, up to a few megabytes."""
    beside = os.path.dirname(job.path) or os.curdir
    texts = dict(_texts(job.folder or beside, job.root))
    return Context(job.path.replace(os.sep, "/"), list_names(beside), TravellingReader(texts))


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
