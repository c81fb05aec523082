"""What became of all the files: a line for each that a person should know of, counts, and the exit code."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from typing import Final

from dockfix.checks import codes
from dockfix.output.exit_codes import Exit
from dockfix.request import Mode, Volume
from dockfix.results import Changed, Failed, Finding, Skipped, Unchanged
from dockfix.runner.outcome import Analysis
from dockfix.terminal import Terminal, show_path

FEW: Final = 3
"""So many files with one kind of note are said one by one."""
FOLD: Final = 20
"""On a terminal, so many files of one kind are listed."""


class Report:
    """Says each file's outcome as it comes and counts it."""

    def __init__(self, terminal: Terminal, mode: Mode, volume: Volume = Volume.NORMAL) -> None:
        self.terminal = terminal
        self.mode = mode
        self.volume = volume
        self._notes: dict[str, list[str]] = {}
        self.changed = self.held_back = self.unchanged = self.failed = 0
        self.skipped: Counter[str] = Counter()
        self._listed: Counter[str] = Counter()
        folds = terminal.is_interactive and volume is not Volume.VERBOSE
        self._most = FOLD if folds else sys.maxsize

    @property
    def files(self) -> int:
        """How many files were counted."""
        return self.changed + self.held_back + self.unchanged + self.skipped.total() + self.failed

    @property
    def exit_code(self) -> Exit:
        """What the process should leave with."""
        if self.failed:
            return Exit.FAILED
        if (self.mode is Mode.CHECK and self.changed) or self.skipped[codes.REWRITE_BREAKS.name]:
            return Exit.WOULD_CHANGE
        return Exit.DONE

    def add(self, analysis: Analysis) -> None:
        """Count one file and say what its owner should know."""
        path = show_path(analysis.path)
        match analysis.result:
            case Changed() as change:
                self._add_change(path, change, applies=analysis.applies)
            case Unchanged(notes=notes):
                self.unchanged += 1
                if self.volume is Volume.VERBOSE:
                    self.terminal.say(f"{path}: unchanged")
                    self._say_all(path, notes, "note: ")
            case Skipped(reasons=reasons):
                self.skipped[reasons[0].code] += 1
                if self._lists(f"[{reasons[0].code}]"):
                    self._say_all(path, reasons, "", "yellow")
            case Failed(error=error):
                self.failed += 1
                self.terminal.say(spell(path, error, "error: "), "bold red")

    def _add_change(self, path: str, change: Changed, *, applies: bool) -> None:
        if applies:
            self.changed += 1
            verb = "changed" if self.mode is Mode.WRITE else "would change"
            spoken = self.mode is not Mode.DIFF or self.volume is Volume.VERBOSE
            if spoken and self._lists(verb):
                self._say(f"{path}: {verb} ({', '.join(change.transforms)})", "green")
        else:
            self.held_back += 1
        if change.reviews and self._lists("needs review"):
            self._say_all(path, change.reviews, "needs review: ", "magenta")
        if self.volume is Volume.VERBOSE:
            self._say_all(path, change.notes, "note: ")
        elif applies and self.volume is not Volume.QUIET:
            for note in change.notes:
                rows = self._notes.setdefault(note.code, [])
                rows.append(spell(path, note, "note: ") if len(rows) <= FEW else "")

    def close(self, intended: int | None = None) -> None:
        """Say the counts; `intended` is the number of files if the run was interrupted."""
        would = "changed" if self.mode is Mode.WRITE else "would change"
        self._fold()
        self._say("")
        cut = "" if intended is None else f", interrupted before the other {intended - self.files}"
        self._say(f"{self.files} {'file' if self.files == 1 else 'files'} looked at{cut}", "bold")
        self._say(f"  {would:<13}{self.changed:>6}")
        hint = "   (look: --diff --unsafe; apply: --write --unsafe)" if self.held_back else ""
        self._say(f"  {'needs review':<13}{self.held_back:>6}{hint}")
        self._say(f"  {'unchanged':<13}{self.unchanged:>6}")
        reasons = ", ".join(f"{code} {count}" for code, count in self.skipped.most_common())
        self._say(f"  {'skipped':<13}{self.skipped.total():>6}{'   ' + reasons if reasons else ''}")
        self._say(f"  {'failed':<13}{self.failed:>6}", "bold red" if self.failed else None)

    def say_notes(self) -> None:
        """Say what changed files cannot know: each by itself where they are few, else once for each kind."""
        for rows in self._notes.values():
            for row in rows if len(rows) <= FEW else [f"{rows[0]} and {len(rows) - 1} more like it"]:
                self._say(row)
        self._notes.clear()

    def _fold(self) -> None:
        """Say how many files were not said one by one."""
        for kind, count in self._listed.most_common():
            if count > self._most:
                self._say(f"... and {count - self._most} more {kind} (--verbose lists them)", "yellow")

    def _lists(self, kind: str) -> bool:
        """Count a file of a kind; whether it is still to be said by itself."""
        if self.volume is Volume.QUIET:
            return False
        self._listed[kind] += 1
        return self._listed[kind] <= self._most

    def _say_all(self, path: str, findings: Iterable[Finding], label: str, style: str | None = None) -> None:
        for finding in findings:
            self._say(spell(path, finding, label), style)

    def _say(self, text: str, style: str | None = None) -> None:
        if self.volume is not Volume.QUIET:
            self.terminal.say(text, style)


def spell(path: str, finding: Finding, label: str = "") -> str:
    """One line: place, message, code and cure."""
    place = f"{path}:{finding.line}" if finding.line else path
    cure = f" ({finding.cure})" if finding.cure else ""
    return f"{place}: {label}{finding.message} [{finding.code}]{cure}"
