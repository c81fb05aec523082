"""What earlier runs found out, kept in one file: by stamps where they tell enough, else by content."""

from __future__ import annotations

import gc
import json
import marshal
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache, partial
from hashlib import blake2b
from typing import Any, Final, NamedTuple
from zlib import crc32

from dockfix.checks import codes
from dockfix.context import Deployment
from dockfix.diff import LineEdit, apply_lines
from dockfix.files.candidates import Candidate
from dockfix.files.dependencies import Surroundings
from dockfix.files.reading import MAX_BYTES, read_stamped
from dockfix.files.stamps import Mark, Stamp, Stamps, settled
from dockfix.options import Options
from dockfix.results import Changed, Failed, Finding, Result, Skipped, Unchanged
from dockfix.runner.jobs import Job, Verdict
from dockfix.runner.outcome import Analysis, applies

LIMIT: Final = 50_000
WALKS: Final = 8
REPOSITORIES: Final = 64
SUFFIX: Final = ".cache"
_MAGIC: Final = b"dockfix 3 "


class _Entry(NamedTuple):
    """What is known of a file: of which content, under which terms, amid what; the rest is the result."""

    stamp: Stamp | None
    terms: bytes
    key: bytes
    names: str
    reads: tuple[tuple[str, str], ...]
    marks: tuple[Any, ...] | None
    outcome: int
    edits: bytes


class Cache:
    """What is known of the files of one repository; a file that cannot be used counts as empty.

    `walks` are searches of folders by what was asked for, as `repository.walks` keeps them.
    """

    def __init__(self, path: str, version: str) -> None:
        self._path = path
        self._version = _MAGIC + f"{version} {sys.version_info[:2]} {marshal.version}\n".encode()
        data = _load(path, self._version)
        self._files: dict[str, tuple[Any, ...]] = data.get("files", {})
        self._facts: dict[str, dict[str, tuple[Stamp, str, Any]]] = data.get("facts", {})
        self._outcomes: list[tuple[Any, ...]] = data.get("outcomes", [])
        self._places = {outcome: place for place, outcome in enumerate(self._outcomes)}
        self._results: dict[int, Result] = {}
        self.walks: dict[bytes, tuple[Any, ...]] = data.get("walks", {})
        self._shared: dict[Any, Any] = {}
        self.stamps = Stamps()
        self._here = os.path.join(os.getcwd(), "")
        self.stale = False
        self._options: dict[tuple[int, int], tuple[Options, tuple[Deployment, ...], bytes]] = {}

    @property
    def knows_files(self) -> bool:
        """Whether any result is remembered."""
        return bool(self._files)

    def recall(self, candidate: Candidate, options: Options, *, texts: bool = True) -> Analysis | None:
        """The analysis of a file that is as it was, with all around it, by stamps alone.

        Without `texts` the file is not read: the analysis has no bytes, no edits and no new text.
        """
        path = candidate.path
        row = self._files.get(self._absolute(path))
        if row is None:
            return None
        entry = _Entry._make(row)
        if entry.stamp is None or entry.marks is None or entry.stamp != self.stamps.of(candidate.real):
            return None
        if entry.terms != self._terms(options, candidate):
            return None
        if not self.stamps.hold(entry.marks):
            return None
        if not texts:
            result = self._results.get(entry.outcome)
            if result is None:
                result = self._results[entry.outcome] = _decode(self._outcomes[entry.outcome], "")
            return Analysis(path, result, b"", applies(result, options))
        try:
            data, now = read_stamped(path, MAX_BYTES)
        except OSError:
            return None
        return self._analysis(path, data, entry, options) if now == entry.stamp else None

    def find(self, job: Job, now: Stamp | None) -> Verdict | None:
        """The verdict on the same content under the same options and surroundings.

        `now` is the file's stamp if it can be trusted from here on.
        """
        row = self._files.get(self._absolute(job.path))
        if row is None:
            return None
        entry = _Entry._make(row)
        if entry.key != self._key(job):
            return None
        around = Surroundings(entry.names, entry.reads).renew(job.path, job.folder)
        if around is None:
            return None
        if (now, marks := _trusted(around.marks)) != (entry.stamp, entry.marks):
            self._files[self._absolute(job.path)] = tuple(
                entry._replace(stamp=now, marks=self.share_all(marks))
            )
            self.stale = True
        return Verdict(self._analysis(job.path, job.data, entry, job.options), around)

    def store(self, job: Job, verdict: Verdict, now: Stamp | None = None) -> None:
        """Remember a verdict; failures are not remembered."""
        outcome = _encode(verdict.analysis.result)
        if outcome is None:
            return
        place = self._places.setdefault(outcome, len(self._outcomes))
        if place == len(self._outcomes):
            self._outcomes.append(outcome)
        around = verdict.around
        terms = self._terms(job.options, job)
        self._files.pop(self._absolute(job.path), None)
        entry = _Entry(
            now,
            terms,
            self._key(job),
            self._share(around.names),
            self._share(around.reads),
            self.share_all(_trusted(around.marks)),
            place,
            marshal.dumps(verdict.analysis.edits),
        )
        self._files[self._absolute(job.path)] = tuple(entry)
        self.stale = True

    def _absolute(self, path: str) -> str:
        """What a file is kept under: the same name stands for others where dockfix starts elsewhere."""
        return path if path.startswith(os.sep) else self._here + path

    def _share(self, value: Any) -> Any:
        """An equal value that is kept already: written once, however many files have it."""
        return self._shared.setdefault(value, value)

    def share_all(self, values: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        """Equal values that are kept already, and where all are, the very same tuple."""
        return None if values is None else self._share(tuple(map(self._share, values)))

    def derive(self, kind: str, path: str, make: Callable[[], Any], terms: str = "") -> Any:
        """What `make` finds out from the file at `path` (absolute) and the `terms` alone, asked once.

        It consists of tuples, dicts, strings, bytes, numbers and None.
        """
        facts = self.facts(kind)
        known = facts.get(path)
        now = self.stamps.of(path)
        if known is not None and known[0] == now and known[1] == terms:
            return known[2]
        value = make()
        if now and settled(now) is not None:
            facts.pop(path, None)
            facts[path] = now, terms, value
            self.stale = True
        return value

    def facts(self, kind: str) -> dict[str, tuple[Stamp, str, Any]]:
        """What is known of each path, with the stamp and the terms of then."""
        return self._facts.setdefault(kind, {})

    def save(self) -> None:
        """Write what was learned; a folder that cannot be written costs only the next run's time."""
        if not self.stale:
            return
        files = dict(list(self._files.items())[-LIMIT:])
        at = _Entry._fields.index("outcome")
        used = sorted({row[at] for row in files.values()})
        if len(used) < len(self._outcomes):
            places = {place: new for new, place in enumerate(used)}
            files = {path: (*row[:at], places[row[at]], *row[at + 1 :]) for path, row in files.items()}
        data = {
            "files": files,
            "facts": {kind: dict(list(facts.items())[-LIMIT:]) for kind, facts in self._facts.items()},
            "outcomes": [self._outcomes[place] for place in used],
            "walks": dict(list(self.walks.items())[-WALKS:]),
        }
        temporary = f"{self._path}.{os.getpid()}"
        try:
            body = marshal.dumps(data)
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            with open(temporary, "wb") as file:
                file.write(self._version + crc32(body).to_bytes(4, "big") + body)
            os.replace(temporary, self._path)
            self.stale = False
            _remove_oldest(os.path.dirname(self._path))
        except (OSError, ValueError):
            return

    def _analysis(self, path: str, data: bytes, entry: _Entry, options: Options) -> Analysis:
        outcome = self._outcomes[entry.outcome]
        edits: tuple[LineEdit, ...] = marshal.loads(entry.edits)
        text = apply_lines(data.decode("utf-8"), edits) if outcome[0] == "changed" else ""
        result = _decode(outcome, text)
        return Analysis(path, result, data, applies(result, options), edits)

    def _terms(self, options: Options, file: Candidate | Job) -> bytes:
        """A digest of all that a result comes from but the file and what was read."""
        key = id(options), id(file.deployments)
        known = self._options.get(key)
        if known is None:
            known = self._options[key] = (options, file.deployments, _digest(options, file.deployments))
        if not file.folder and not file.embedded:
            return known[2]
        return blake2b(
            known[2] + os.fsencode(file.folder or "") + b"\0" * file.embedded, digest_size=16
        ).digest()

    def _key(self, job: Job) -> bytes:
        digest = blake2b(self._terms(job.options, job), digest_size=16)
        digest.update(job.data)
        return digest.digest()


def derive(cache: Cache | None, kind: str, path: str, make: Callable[[], Any], terms: str = "") -> Any:
    """As `Cache.derive`, also without a cache."""
    return make() if cache is None else cache.derive(kind, path, make, terms)


def derive_all(
    cache: Cache | None, kind: str, paths: Iterable[str], make: Callable[[str], Any]
) -> Iterator[Any]:
    """As `derive` for one path after the other, with little to do for those that are known."""
    facts = cache.facts(kind) if cache is not None else {}
    for path in paths:
        fact = facts.get(path)
        if fact is not None and cache is not None and fact[0] == cache.stamps.of(path):
            yield fact[2]
        else:
            yield derive(cache, kind, path, partial(make, path))


def open_cache(root: str) -> Cache:
    """The cache of the repository or folder `root` (absolute)."""
    folder = os.environ.get("DOCKFIX_CACHE_DIR")
    if not folder:
        from platformdirs import user_cache_dir  # noqa: PLC0415

        folder = user_cache_dir("dockfix")
    name = blake2b(os.fsencode(root), digest_size=12).hexdigest()
    return Cache(os.path.join(folder, name + SUFFIX), code_version())


@cache
def code_version() -> str:
    """The version, and the size and time of dockfix's own files: a change of any makes results old."""
    from dockfix import __version__  # noqa: PLC0415

    digest = blake2b(digest_size=8)
    folders = [os.path.dirname(os.path.dirname(__file__))]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in sorted(entries, key=lambda one: one.name):
                if entry.is_dir():
                    if entry.name != "__pycache__":
                        folders.append(entry.path)
                    continue
                status = entry.stat()
                digest.update(f"{entry.name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return f"{__version__} {digest.hexdigest()}"


def _remove_oldest(folder: str) -> None:
    """Keep the caches of the repositories that were looked at last."""
    with os.scandir(folder) as entries:
        found = [(entry.stat().st_mtime, entry.path) for entry in entries if entry.name.endswith(SUFFIX)]
    for _, path in sorted(found)[:-REPOSITORIES]:
        os.unlink(path)


def _trusted(marks: tuple[Mark, ...] | None) -> tuple[Mark, ...] | None:
    return None if marks is None or any(then is None for _, then in marks) else marks


def _load(path: str, version: bytes) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            if file.readline(len(version)) != version:
                return {}
            checksum, body = file.read(4), file.read()
        if crc32(body).to_bytes(4, "big") == checksum:
            gc.disable()  # nothing of it is garbage, however often one looks
            data: dict[str, Any] = marshal.loads(body)
            gc.freeze()
            return data
    except (OSError, ValueError, EOFError, TypeError):
        pass
    finally:
        gc.enable()
    return {}


def _digest(options: Options, deployments: tuple[Deployment, ...]) -> bytes:
    text = json.dumps([options, deployments], sort_keys=True, default=_plain)
    return blake2b(text.encode(), digest_size=16).digest()


def _plain(value: object) -> object:
    if is_dataclass(value):
        return {item.name: getattr(value, item.name) for item in fields(value)}
    if isinstance(value, frozenset):
        return sorted(value)
    return dict(value) if isinstance(value, Mapping) else str(value)


def _encode(result: Result) -> tuple[Any, ...] | None:
    match result:
        case Changed(transforms=transforms, reviews=reviews, notes=notes):
            return "changed", transforms, _rows(reviews), _rows(notes)
        case Unchanged(notes=notes):
            return "unchanged", _rows(notes)
        case Skipped(reasons=reasons):
            return "skipped", _rows(reasons)
        case Failed():
            return None


def _decode(row: tuple[Any, ...], text: str) -> Result:
    match row:
        case ["changed", transforms, reviews, notes]:
            return Changed(text, transforms, _findings(reviews), _findings(notes))
        case ["unchanged", notes]:
            return Unchanged(_findings(notes))
        case _:
            return Skipped(_findings(row[1]))


def _rows(findings: tuple[Finding, ...]) -> tuple[tuple[str, int, str, str], ...]:
    return tuple((finding.code, finding.line, finding.message, finding.cure) for finding in findings)


def _findings(rows: tuple[tuple[str, int, str, str], ...]) -> tuple[Finding, ...]:
    return tuple(Finding(codes.named(code), line, message, cure) for code, line, message, cure in rows)
