"""Results of earlier runs, by content, options, surroundings and version."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from hashlib import blake2b
from typing import Any, Final

from dockfix.analysis import Analysis, applies
from dockfix.build_context import Surroundings
from dockfix.diff import apply_lines
from dockfix.options import Options
from dockfix.repository.pool import Job, Verdict
from dockfix.results import Changed, Failed, Finding, Result, Skipped, Unchanged

FORMAT: Final = 2
LIMIT: Final = 50_000


class Cache:
    """What is known of the files of one repository; a file that cannot be used counts as empty."""

    def __init__(self, path: str, version: str) -> None:
        self._path = path
        self._version = version
        self._entries: dict[str, Any] = _load(path, version)
        self._stale = False
        self._options: dict[int, tuple[Options, bytes]] = {}

    def find(self, job: Job) -> Verdict | None:
        """The verdict on the same content under the same options and surroundings."""
        entry = self._entries.get(job.path)
        try:
            if entry is None or entry["key"] != self._key(job):
                return None
            changed, names, reads = entry["around"]
            around = Surroundings(changed, names, tuple(map(tuple, reads)))
            if not around.still_hold(job.path, job.folder):
                return None
            result, edits = _decode(entry["result"], job.data)
        except (KeyError, TypeError, ValueError, AttributeError):
            return None
        return Verdict(Analysis(job.path, result, job.data, applies(result, job.options), edits), around)

    def store(self, job: Job, verdict: Verdict) -> None:
        """Remember a verdict; failures are not remembered."""
        encoded = _encode(verdict.analysis)
        if encoded is None:
            return
        around = verdict.around
        self._entries.pop(job.path, None)
        self._entries[job.path] = {
            "key": self._key(job),
            "around": [around.changed, around.names, around.reads],
            "result": encoded,
        }
        self._stale = True

    def save(self) -> None:
        """Write what was learned; a folder that cannot be written costs only the next run's time."""
        if not self._stale:
            return
        kept = dict(list(self._entries.items())[-LIMIT:])
        data = {"format": FORMAT, "version": self._version, "files": kept}
        temporary = f"{self._path}.{os.getpid()}"
        try:
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            with open(temporary, "w", encoding="ascii") as file:
                file.write(json.dumps(data, separators=(",", ":")))
            os.replace(temporary, self._path)
        except OSError:
            return

    def _key(self, job: Job) -> str:
        known = self._options.get(id(job.options))
        if known is None:
            known = self._options[id(job.options)] = (job.options, _digest_options(job.options))
        digest = blake2b(known[1], digest_size=16)
        digest.update(os.fsencode(job.folder or ""))
        digest.update(b"\0")
        digest.update(job.data)
        return digest.hexdigest()


def open_cache(root: str) -> Cache:
    """The cache of the repository or folder `root` (absolute)."""
    return Cache(place_of(root), code_version())


def place_of(root: str, kind: str = "") -> str:
    """Where what is remembered of the repository or folder `root` is kept."""
    folder = os.environ.get("DOCKFIX_CACHE_DIR")
    if not folder:
        from platformdirs import user_cache_dir  # noqa: PLC0415

        folder = user_cache_dir("dockfix")
    name = blake2b(os.fsencode(root), digest_size=12).hexdigest()
    return os.path.join(folder, f"{name}-{kind}.json" if kind else f"{name}.json")


@cache
def code_version() -> str:
    """The version, and the size and time of dockfix's own files: a change of any makes results old."""
    from dockfix import __version__  # noqa: PLC0415

    digest = blake2b(digest_size=8)
    for folder, folders, names in os.walk(os.path.dirname(os.path.dirname(__file__))):
        folders[:] = sorted(set(folders) - {"__pycache__"})
        for name in sorted(names):
            status = os.stat(os.path.join(folder, name))
            digest.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return f"{__version__} {digest.hexdigest()}"


def _load(path: str, version: str) -> dict[str, Any]:
    try:
        with open(path, encoding="ascii") as file:
            data = json.load(file)
        if data["format"] == FORMAT and data["version"] == version and isinstance(data["files"], dict):
            return data["files"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    return {}


def _digest_options(options: Options) -> bytes:
    values = {item.name: getattr(options, item.name) for item in fields(options)}
    text = json.dumps(values, sort_keys=True, default=_plain)
    return blake2b(text.encode(), digest_size=16).digest()


def _plain(value: object) -> object:
    if isinstance(value, frozenset):
        return sorted(value)
    return dict(value) if isinstance(value, Mapping) else str(value)


def _encode(analysis: Analysis) -> list[Any] | None:
    match analysis.result:
        case Changed(transforms=transforms, reviews=reviews, notes=notes):
            return ["changed", transforms, _rows(reviews), _rows(notes), analysis.edits]
        case Unchanged(notes=notes):
            return ["unchanged", _rows(notes)]
        case Skipped(reasons=reasons):
            return ["skipped", _rows(reasons)]
        case Failed():
            return None


def _decode(row: list[Any], before: bytes) -> tuple[Result, tuple[tuple[int, int, str], ...]]:
    match row:
        case ["changed", transforms, reviews, notes, rows]:
            edits = tuple((int(start), int(end), str(text)) for start, end, text in rows)
            text = apply_lines(before.decode("utf-8"), edits)
            return Changed(text, tuple(transforms), _findings(reviews), _findings(notes)), edits
        case ["unchanged", notes]:
            return Unchanged(_findings(notes)), ()
        case ["skipped", reasons]:
            return Skipped(_findings(reasons)), ()
    raise ValueError("a result of no known kind")


def _rows(findings: tuple[Finding, ...]) -> list[list[str | int]]:
    return [[finding.code, finding.line, finding.message, finding.cure] for finding in findings]


def _findings(rows: list[list[Any]]) -> tuple[Finding, ...]:
    return tuple(Finding(*row) for row in rows)
