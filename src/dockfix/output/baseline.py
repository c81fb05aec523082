"""A baseline: a file of recorded findings, which later runs ignore."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from dockfix.checks import codes
from dockfix.config import ConfigError
from dockfix.files.candidates import Candidate
from dockfix.files.destinations import check_destination
from dockfix.files.reading import read_bytes
from dockfix.output.reports.outcome import statements
from dockfix.results import Changed, Failed, Finding, Skipped
from dockfix.runner.outcome import FileResult
from dockfix.terminal import Terminal, show_path

VERSION: Final = 1
MAX_BYTES: Final = 64 * 1024 * 1024
SHOWN: Final = 3
"""So many entries that no longer occur are named."""

Entries = tuple[str, ...]
"""What is recorded of a file, each as `CODE MARK`."""


class Baseline:
    """The recorded findings of each file, by path relative to the baseline's folder.

    With `update`, findings are recorded, and the file at `path` need not exist. Raises ConfigError.
    """

    def __init__(self, path: str, *, update: bool) -> None:
        self._path = path
        self._folder = os.path.realpath(os.path.dirname(path))
        self._update = update
        self._recorded = _read(path, may_be_missing=update)
        self._found: dict[str, Entries] = {}

    def hold(self, results: Iterator[FileResult], candidates: Sequence[Candidate]) -> Iterator[FileResult]:
        """The results, in which a file of which everything is recorded is skipped."""
        for file, candidate in zip(results, candidates, strict=True):
            name = os.path.relpath(candidate.real, self._folder).replace(os.sep, "/")
            found = self._found[name] = tuple(_describe(file))
            new = Counter(found) - Counter(self._recorded.get(name, ()))
            known = bool(found) and (self._update or not new)
            yield replace(file, result=_SKIPPED, applies=False, edits=()) if known else file

    def close(self, terminal: Terminal) -> None:
        """Write what was found, or report what is recorded and no longer occurs. Raises ConfigError."""
        if self._update:
            number = self._write()
            files = "file" if number == 1 else "files"
            terminal.print(f"{number} {files} recorded in {show_path(self._path)}")
            return
        gone = list(self._find_gone())
        if gone:
            more = f" and {len(gone) - SHOWN} more" if len(gone) > SHOWN else ""
            count = f"{len(gone)} {'entry' if len(gone) == 1 else 'entries'} of {show_path(self._path)}"
            verb = "occurs" if len(gone) == 1 else "occur"
            shown = ", ".join(gone[:SHOWN])
            help = "--update-baseline takes them out"
            terminal.print(f"{count} no longer {verb}: {shown}{more} ({help})")

    def _find_gone(self) -> Iterator[str]:
        for name, entries in self._recorded.items():
            if name in self._found:
                rest: Counter[str] = Counter(entries) - Counter(self._found[name])
            elif not os.path.lexists(os.path.join(self._folder, name)):
                rest = Counter(entries)
            else:
                continue
            yield from (f"{show_path(name)} [{entry.split()[0]}]" for entry in rest.elements())

    def _write(self) -> int:
        """Record what was found, and count the files; those that were not looked at stay recorded."""
        kept = {
            name: entries
            for name, entries in self._recorded.items()
            if name not in self._found and os.path.lexists(os.path.join(self._folder, name))
        }
        files = {name: entries for name, entries in sorted({**kept, **self._found}.items()) if entries}
        text = json.dumps({"version": VERSION, "files": files}, indent=2)
        try:
            with open(
                check_destination(self._path), "w", encoding="utf-8", errors="surrogateescape"
            ) as stream:
                stream.write(text + "\n")
        except OSError as error:
            raise ConfigError(f"{self._path}: cannot be written: {error.strerror}") from None
        return len(files)


_SKIPPED: Final = Skipped((Finding(codes.BASELINED, 0, "nothing new since the baseline"),))


def _describe(file: FileResult) -> Iterator[str]:
    """The findings to record for a file, without notes and errors."""
    if isinstance(file.result, Failed):
        return
    noted = {id(note) for note in file.result.notes} if isinstance(file.result, Changed) else set()
    for statement in statements(file):
        if id(statement.finding) not in noted:
            yield f"{statement.finding.code} {statement.mark}"


def _read(path: str, *, may_be_missing: bool) -> Mapping[str, Entries]:
    try:
        data = read_bytes(os.path.realpath(path), MAX_BYTES)
    except FileNotFoundError:
        if may_be_missing:
            return {}
        raise ConfigError(f"--baseline: no such file: {path} (record it: --update-baseline)") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        return _check(json.loads(data))
    except (ValueError, RecursionError):
        raise ConfigError(f"{path}: not a baseline of version {VERSION}") from None


def _check(document: Any) -> Mapping[str, Entries]:
    """The files of a baseline. Raises ValueError, also for a name that no file can have."""
    match document:
        case {"version": version, "files": dict(files)} if version == VERSION and all(
            map(_is_list, files.values())
        ):
            return {os.fsdecode(os.fsencode(name)): tuple(entries) for name, entries in files.items()}
        case _:
            raise ValueError


def _is_list(entries: object) -> bool:
    return isinstance(entries, list) and all(isinstance(one, str) and one.strip() for one in entries)
