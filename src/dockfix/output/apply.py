"""Write changes: only to files without uncommitted changes, and in a way that can be undone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from dockfix.checks import codes
from dockfix.config import RunError
from dockfix.files.git import GitError, find_top, find_uncommitted
from dockfix.files.writing import WriteError, replace_content
from dockfix.output.journal import Journal, JournalError, find_journal
from dockfix.results import Failed, Finding
from dockfix.runner.outcome import FileResult
from dockfix.terminal import Terminal, show_path, show_text

_UNCOMMITTED: Final = Finding(
    codes.UNCOMMITTED, 0, "has uncommitted changes", "commit them, or pass --allow-dirty"
)


_WAITING: Final = "waiting for another run that writes here to end"


class Writer:
    """Writes the changes of one run; its journal belongs to the folder of the `paths` that the user named."""

    def __init__(self, paths: Sequence[str], terminal: Terminal, *, allow_dirty: bool) -> None:
        self._terminal = terminal
        self._journal: Journal | None = find_journal(common_folder(paths))
        self._commits = None if allow_dirty else _Commits()
        try:
            self._journal.lock(lambda: terminal.print(_WAITING))
            if self._journal.interrupted:
                terminal.print("resuming an interrupted run; --undo will undo both")
        except WriteError as error:
            raise RunError(error.finding.message) from None
        except (JournalError, OSError) as error:
            self._give_up_the_journal(error)

    def write(self, file: FileResult) -> FileResult:
        """Write a change if it applies; return the result, or a Failed one if writing is refused."""
        if not file.applies:
            return file
        if self._commits is not None and (reason := self._commits.reason_against(file.real)) is not None:
            return replace(file, result=Failed(reason), applies=False)
        try:
            return _write(file, self._journal)
        except JournalError as error:
            self._give_up_the_journal(error)
            return _write(file, None)

    def close(self, *, complete: bool) -> None:
        """End the run; an incomplete one can be resumed. Raises RunError."""
        if self._journal is None:
            return
        if not complete:
            self._journal.abandon()
            return
        try:
            self._journal.close()
        except WriteError as error:
            raise RunError(error.finding.message) from None

    def _give_up_the_journal(self, error: Exception) -> None:
        self._terminal.print(f"dockfix: {show_text(str(error))}: --undo will not be able to undo this run")
        if self._journal is not None:
            self._journal.abandon()
        self._journal = None


def undo(paths: Sequence[str], terminal: Terminal) -> bool:
    """Undo the newest run over `paths`; return whether every file was restored."""
    restored = kept = 0
    journal = find_journal(common_folder(paths))
    try:
        if journal.has_runs:
            journal.lock(lambda: terminal.print(_WAITING))
        for path, finding in journal.undo():
            if finding is None:
                restored += 1
            else:
                kept += 1
                terminal.print(f"{show_path(path)}: error: {show_text(str(finding))}")
    except (JournalError, OSError, WriteError) as error:
        raise RunError(f"{error}: nothing more was undone") from None
    finally:
        journal.abandon()
    if restored + kept == 0:
        terminal.print("nothing to undo")
    else:
        files = "file" if restored == 1 else "files"
        terminal.print(f"{restored} {files} restored" + (f", {kept} not" if kept else ""))
    return kept == 0


def journal_folder(paths: Sequence[str]) -> str:
    """The folder in which the journal of a run over `paths` is kept."""
    return find_journal(common_folder(paths)).folder


def common_folder(paths: Sequence[str]) -> str:
    """The folder of a run over `paths`: the current one if it contains them all, else their common one."""
    here = os.path.realpath(os.curdir)
    real = [os.path.realpath(path) for path in paths]
    shared = os.path.commonpath([here, *real])
    if shared == here:
        return here
    shared = os.path.commonpath(real)
    return shared if os.path.isdir(shared) else os.path.dirname(shared)


def _write(file: FileResult, journal: Journal | None) -> FileResult:
    put = replace_content if journal is None else journal.replace
    try:
        put(file.real, file.before, file.after)
    except WriteError as error:
        return replace(file, result=Failed(error.finding), applies=False)
    return replace(file, written=True)


class _Commits:
    """Asks git once per work tree for uncommitted changes; if git fails, all files count as changed."""

    def __init__(self) -> None:
        self._changed: dict[str, frozenset[str] | GitError] = {}

    def reason_against(self, real: str) -> Finding | None:
        """Why the file must not be written because of an uncommitted change, or None."""
        top = find_top(os.path.dirname(real))
        if top is None:
            return None
        changed = self._changed.get(top)
        if changed is None:
            changed = self._changed[top] = _ask_for_uncommitted(top)
        if isinstance(changed, GitError):
            return Finding(
                codes.UNCOMMITTED, 0, f"may have uncommitted changes: {changed}", _UNCOMMITTED.help
            )
        return _UNCOMMITTED if real in changed else None


def _ask_for_uncommitted(top: str) -> frozenset[str] | GitError:
    try:
        return find_uncommitted(top)
    except GitError as error:
        return error
