"""The summary of a run: a line for each file that needs attention, the counts, and the exit code."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from shlex import join, quote
from typing import TYPE_CHECKING, Final

from dockfix.checks import codes
from dockfix.options.request import Mode, Volume
from dockfix.output.exit_codes import Exit
from dockfix.results import Changed, Failed, Finding, Skipped, Unchanged
from dockfix.runner.outcome import FileResult
from dockfix.terminal import Terminal, show_path

if TYPE_CHECKING:
    from dockfix.runner.verdict import Kind as ProofKind
    from dockfix.runner.verdict import Verdict

FEW: Final = 3
"""Up to this number of notes of one kind are printed individually."""
FOLD: Final = 20
"""The maximum number of files of one kind to list on a terminal."""
_CLEAR: Final = frozenset({codes.BASELINED.name, codes.UNREAD_DESCRIPTION.name})
"""Reasons of which `--explain FILE` knows no more."""
_TRY: Final = "try them: --languages all --diff --verify"
_LOOK: Final = "show them: --diff --unsafe; after a look: --write --accept CODE"


class Summary:
    """Prints each file's result as it arrives, and counts it."""

    def __init__(
        self,
        terminal: Terminal,
        mode: Mode,
        volume: Volume = Volume.NORMAL,
        *,
        fails_on_fix: bool = False,
    ) -> None:
        self.terminal = terminal
        self.mode = mode
        self.volume = volume
        self._fails_on_change = mode is Mode.CHECK or fails_on_fix
        self._notes: dict[str, list[str]] = {}
        self._folded: dict[str, list[tuple[str, Finding]]] = {}
        self.changed = self.held_back = self.others = self.unchanged = self.failed = 0
        self.skipped: Counter[str] = Counter()
        self._listed: Counter[str] = Counter()
        self._puzzling = ""
        self._proofs: Counter[ProofKind] = Counter()
        self._tried: list[FileResult] = []
        folds = terminal.is_interactive and volume is not Volume.VERBOSE
        self._most = FOLD if folds else sys.maxsize

    @property
    def files(self) -> int:
        """The number of files counted."""
        left = self.held_back + self.others + self.unchanged + self.skipped.total() + self.failed
        return self.changed + left

    @property
    def exit_code(self) -> Exit:
        """The exit code for the files counted so far."""
        if self.failed:
            return Exit.FAILED
        unmade = self.skipped[codes.REWRITE_BREAKS.name] + self.skipped[codes.NOT_PROVEN.name]
        if (self._fails_on_change and self.changed) or unmade:
            return Exit.WOULD_CHANGE
        return Exit.DONE

    def add(self, file: FileResult) -> None:
        """Count one file and print what its owner should know; verdicts are printed below the patches."""
        if file.proof is not None:
            self._proofs[file.proof.kind] += 1
            if self.mode is Mode.DIFF:
                self._tried.append(file)
                return
        self._add(file)

    def _add(self, file: FileResult) -> None:
        path = show_path(file.path)
        if not self._puzzling and _is_puzzling(file):
            self._puzzling = file.path
        match file.on_disk:
            case Changed() as change:
                self._add_change(path, change, applies=file.applies)
            case Unchanged(notes=notes):
                self.unchanged += 1
                if self.volume is Volume.VERBOSE:
                    self.terminal.print(f"{path}: unchanged")
                    self._print_all(path, notes, "note: ")
            case Skipped(reasons=reasons):
                self.skipped[reasons[0].code] += 1
                if not self._keep(path, reasons) and self._lists(f"[{reasons[0].code}]"):
                    self._print_all(path, reasons, "", "yellow")
            case Failed(error=error):
                self.failed += 1
                self.terminal.print(format_finding(path, error, "error: "), "bold red")
        if file.proof is not None:
            self._print_proof(path, file.proof, is_reason=isinstance(file.result, Skipped))

    def _print_proof(self, path: str, verdict: Verdict, *, is_reason: bool) -> None:
        """Print a verdict, unless it is the reason that was just printed, and the log of what failed."""
        from dockfix.output.verdicts import log_of, style_of

        if not is_reason:
            self._print(f"{path}: {verdict.sentence}", style_of(verdict))
        for line in log_of(verdict):
            self._print(f"    {show_path(line)}")

    def _add_change(self, path: str, change: Changed, *, applies: bool) -> None:
        if applies:
            self.changed += 1
            verb = "changed" if self.mode is Mode.WRITE else "would change"
            listed = self.mode is not Mode.DIFF or self.volume is Volume.VERBOSE
            if listed and self._lists(verb):
                self._print(f"{path}: {verb} ({', '.join(change.transforms)})", "green")
        elif {review.code for review in change.reviews} == {codes.NOT_PYTHON.name}:
            self.others += 1
        else:
            self.held_back += 1
        if change.reviews and not self._keep(path, change.reviews) and self._lists("needs review"):
            self._print_all(path, change.reviews, "needs review: ", "magenta")
        if self.volume is Volume.VERBOSE:
            self._print_all(path, change.accepted, "accepted: ")
            self._print_all(path, change.notes, "note: ")
        elif applies and self.volume is not Volume.QUIET:
            for note in change.notes:
                rows = self._notes.setdefault(note.code, [])
                rows.append(format_finding(path, note, "note: ") if len(rows) <= FEW else "")

    def _keep(self, path: str, findings: Sequence[Finding]) -> bool:
        """Keep a file's only finding for the end, if many of its kind are to be summarized there."""
        if self.volume is not Volume.NORMAL or len(findings) > 1 or not codes.named(findings[0].code).folds:
            return False
        if findings[0].code == codes.BASELINED.name:
            return True
        self._folded.setdefault(findings[0].code, []).append((path, findings[0]))
        return True

    def close(
        self, paths: Sequence[str] = (), intended: int | None = None, *, since: str | None = None
    ) -> None:
        """Print the counts of a run over `paths`, limited to what changed `since` a commit.

        `intended` is the number of files if it was interrupted.
        """
        self._count_folded()
        self._print("")
        if not self.files and intended is None:
            places = ", ".join(map(show_path, paths))
            changed = f"No Dockerfile in {places} depends on what has changed since {since}"
            self._print(changed if since else f"No Dockerfiles found in {places}", "bold")
            return
        cut = "" if intended is None else f", interrupted before the remaining {intended - self.files}"
        self._print(f"{self.files} {'file' if self.files == 1 else 'files'} processed{cut}", "bold")
        would = "changed" if self.mode is Mode.WRITE else "would change"
        self._count(would, self.changed, "" if self.mode is Mode.WRITE else f"fix them: {_command(paths)}")
        self._count("needs review", self.held_back, _LOOK)
        if self.others:
            self._count("not Python", self.others, _TRY)
        self._count("unchanged", self.unchanged)
        reasons = ", ".join(f"{code} {count}" for code, count in self.skipped.most_common())
        self._print(f"  {'skipped':<13}{self.skipped.total():>6}{'   ' + reasons if reasons else ''}")
        self._print(f"  {'failed':<13}{self.failed:>6}", "bold red" if self.failed else None)
        self._count_proofs()

    def _count_proofs(self) -> None:
        """Print how the proofs came out, if there were any."""
        if total := self._proofs.total():
            from dockfix.output.verdicts import format_counts

            self._print(f"  {'tried':<13}{total:>6}   {format_counts(self._proofs)}")

    def _count(self, name: str, count: int, hint: str = "") -> None:
        self._print(f"  {name:<13}{count:>6}{f'   ({hint})' if hint and count else ''}")

    def print_hint(self) -> None:
        """Print the command that explains why a file stays as it is, for the first such file."""
        if self._puzzling:
            self._print(f"why a file stays as it is: dockfix --explain {quote(self._puzzling)}", "cyan")

    def print_notes(self) -> None:
        """Print what is kept for the end: verdicts, and of each kind all if they are few, else the first."""
        for file in self._tried:
            self._add(file)
        self._print_folded()
        for rows in self._notes.values():
            for row in rows if len(rows) <= FEW else [f"{rows[0]} and {len(rows) - 1} more like it"]:
                self._print(row)
        self._notes.clear()

    def _print_folded(self) -> None:
        """Print what was kept for the end: all if they are few, otherwise one of each kind."""
        for rows in self._folded.values():
            for path, finding in rows if len(rows) <= FEW else rows[:1]:
                more = f" and {len(rows) - 1} more" if len(rows) > FEW else ""
                label = "" if finding.code in self.skipped else "needs review: "
                self._print(format_finding(path, finding, label, more), "magenta" if label else "yellow")
        self._folded.clear()

    def _count_folded(self) -> None:
        """Print how many files were left out of each list."""
        for kind, count in self._listed.most_common():
            if count > self._most:
                self._print(f"... and {count - self._most} more {kind} (--verbose lists them)", "yellow")

    def _lists(self, kind: str) -> bool:
        """Count a file of a kind; return whether it still fits in the list."""
        if self.volume is Volume.QUIET:
            return False
        self._listed[kind] += 1
        return self._listed[kind] <= self._most

    def _print_all(
        self, path: str, findings: Iterable[Finding], label: str, style: str | None = None
    ) -> None:
        for finding in findings:
            self._print(format_finding(path, finding, label), style)

    def _print(self, text: str, style: str | None = None) -> None:
        if self.volume is not Volume.QUIET:
            self.terminal.print(text, style)


def _command(paths: Sequence[str]) -> str:
    """The command that makes the changes."""
    return f"dockfix --write {join(paths) if len(paths) <= FEW else 'PATH...'}"


def _is_puzzling(file: FileResult) -> bool:
    """Whether a user may ask why the file stays as it is."""
    match file.result:
        case Skipped(reasons=reasons):
            return reasons[0].code not in _CLEAR
        case Changed():
            return not file.applies
        case _:
            return False


def format_finding(path: str, finding: Finding, label: str = "", more: str = "") -> str:
    """One line: location, message, code and help; `more` follows the location."""
    place = f"{path}:{finding.line}" if finding.line else path
    help = f" ({finding.help})" if finding.help else ""
    return f"{place}{more}: {label}{finding.message} [{finding.code}]{help}"
