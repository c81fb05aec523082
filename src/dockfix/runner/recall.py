"""Results of earlier runs, looked up by stamps if those suffice, else by content."""

from __future__ import annotations

import json
import marshal
import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

from dockfix.checks import codes
from dockfix.context import Deployment
from dockfix.diff import LineEdit, apply_lines
from dockfix.files.cache import Cache
from dockfix.files.candidates import Candidate
from dockfix.files.dependencies import Surroundings
from dockfix.files.reading import MAX_BYTES, read_stamped
from dockfix.files.stamps import Mark, Stamp
from dockfix.options import Options
from dockfix.results import Changed, Failed, Finding, Result, Skipped, Unchanged
from dockfix.runner.jobs import Job, Reply
from dockfix.runner.outcome import FileResult, applies
from dockfix.writable import Content, Purpose, Writable


class _Entry(NamedTuple):
    """A row of the cache: a file's outcome, and the content, terms and surroundings that it depends on."""

    outcome: int
    stamp: Stamp | None
    terms: bytes
    key: bytes
    names: str
    reads: tuple[tuple[str, str], ...]
    marks: tuple[Any, ...] | None
    edits: bytes
    base: str
    tried: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


class Recall:
    """The results in a cache."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._results: dict[int, Result] = {}
        self._digests: dict[tuple[int, int], tuple[Options, tuple[Deployment, ...], bytes]] = {}

    def by_stamps(self, candidate: Candidate, options: Options, *, texts: bool = True) -> FileResult | None:
        """The result of a file that is unchanged, with everything around it, judging by stamps alone.

        Without `texts`, the file is not read: the result has no bytes, edits or new text.
        """
        path = candidate.path
        row = self._cache.row(path)
        if row is None:
            return None
        entry = _Entry._make(row)
        stamps = self._cache.stamps
        if entry.stamp is None or entry.marks is None or entry.stamp != stamps.of(candidate.real):
            return None
        if entry.terms != self._terms(options, candidate) or not stamps.hold(entry.marks):
            return None
        if not texts:
            result = self._results.get(entry.outcome)
            if result is None:
                result = self._results[entry.outcome] = _decode(self._cache.outcome(entry.outcome), "")
            return FileResult(path, result, b"", applies(result, options))
        try:
            data, now = read_stamped(candidate.real, MAX_BYTES)
        except OSError:
            return None
        return self._file_result(path, data, entry, options) if now == entry.stamp else None

    def by_content(self, job: Job, now: Stamp | None) -> Reply | None:
        """The reply for the same content under the same options and surroundings.

        `now` is the file's stamp, None if it is too new to be trusted.
        """
        row = self._cache.row(job.path)
        if row is None:
            return None
        entry = _Entry._make(row)
        if entry.key != self._key(job):
            return None
        around = Surroundings(entry.names, entry.reads, base=entry.base, tried=entry.tried).renew(job.path)
        if around is None:
            return None
        if (now, marks := _trusted(around.marks)) != (entry.stamp, entry.marks):
            marks = self._cache.share_all(marks)
            self._cache.put(job.path, tuple(entry._replace(stamp=now, marks=marks)))
        return Reply(self._file_result(job.path, job.data, entry, job.options), around)

    def remember(self, job: Job, reply: Reply, now: Stamp | None = None) -> None:
        """Store a reply in the cache; failures are not stored."""
        outcome = _encode(reply.file.result)
        if outcome is None:
            return
        cache, around = self._cache, reply.around
        entry = _Entry(
            cache.number_of(outcome),
            now,
            self._terms(job.options, job),
            self._key(job),
            cache.share(around.names),
            cache.share(around.reads),
            cache.share_all(_trusted(around.marks)),
            marshal.dumps(reply.file.edits),
            cache.share(around.base),
            cache.share(around.tried),
        )
        cache.put(job.path, tuple(entry))

    def _file_result(self, path: str, data: bytes, entry: _Entry, options: Options) -> FileResult:
        outcome = self._cache.outcome(entry.outcome)
        edits: tuple[LineEdit, ...] = marshal.loads(entry.edits)
        text = apply_lines(data.decode("utf-8"), edits) if outcome[0] == "changed" else ""
        result = _decode(outcome, text)
        around = Surroundings(entry.names, entry.reads, base=entry.base, tried=entry.tried)
        return FileResult(path, result, data, applies(result, options), edits, around=around)

    def _terms(self, options: Options, file: Candidate | Job) -> bytes:
        """A digest of everything that a result depends on, except for the file and what was read."""
        key = id(options), id(file.deployments)
        known = self._digests.get(key)
        if known is None:
            digest = _digest(options, file.deployments)
            known = self._digests[key] = (options, file.deployments, digest)
        if not file.folders and not file.embedded and not file.alone and not file.open_callers:
            return known[2]
        place = os.fsencode("\0".join(file.folders)) + b"\0" * file.embedded + b"\1" * file.alone
        place += os.fsencode("".join(f"\2{one}" for one in file.open_callers))
        return blake2b(known[2] + place, digest_size=16).digest()

    def _key(self, job: Job) -> bytes:
        digest = blake2b(self._terms(job.options, job), digest_size=16)
        digest.update(job.data)
        return digest.digest()


def _trusted(marks: tuple[Mark, ...] | None) -> tuple[Mark, ...] | None:
    return None if marks is None or any(then is None for _, then in marks) else marks


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
        case Changed(transforms=transforms, reviews=reviews, notes=notes, accepted=accepted, line=line):
            findings = _rows(reviews), _rows(notes), _rows(accepted)
            return "changed", transforms, line, _places(result.writable), *findings
        case Unchanged(notes=notes):
            return "unchanged", _rows(notes), _places(result.writable)
        case Skipped(reasons=reasons):
            return "skipped", _rows(reasons)
        case Failed():
            return None


def _decode(row: tuple[Any, ...], text: str) -> Result:
    match row:
        case ["changed", transforms, line, places, *findings]:
            reviews, notes, accepted = map(_findings, findings)
            return Changed(text, transforms, reviews, notes, accepted, line, _writable(places))
        case ["unchanged", notes, places]:
            return Unchanged(_findings(notes), _writable(places))
        case _:
            return Skipped(_findings(row[1]))


def _rows(findings: tuple[Finding, ...]) -> tuple[tuple[str, int, str, str], ...]:
    return tuple((finding.code, finding.line, finding.message, finding.help) for finding in findings)


def _places(writable: tuple[Writable, ...]) -> tuple[tuple[str, str, str, bool, str], ...]:
    return tuple((one.path, str(one.purpose), one.why, one.stands, str(one.content)) for one in writable)


def _writable(rows: tuple[tuple[str, str, str, bool, str], ...]) -> tuple[Writable, ...]:
    return tuple(
        Writable(path, Purpose(purpose), why, stands, Content(content))
        for path, purpose, why, stands, content in rows
    )


def _findings(rows: tuple[tuple[str, int, str, str], ...]) -> tuple[Finding, ...]:
    return tuple(Finding(codes.named(code), line, message, help) for code, line, message, help in rows)
