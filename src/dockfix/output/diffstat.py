"""The number of changed lines in each file, as `git diff --stat` shows it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from dockfix.diff import split_lines
from dockfix.runner.outcome import FileResult
from dockfix.terminal import show_path


class Statistics:
    """Counts the lines of each change that applies."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, int, int]] = []

    def add(self, file: FileResult) -> None:
        """Count one file."""
        if file.applies:
            added = sum(len(split_lines(text)) for _, _, text in file.edits)
            removed = sum(end - start for start, end, _ in file.edits)
            self._rows.append((show_path(file.name), added, removed))

    def lines(self, width: int | None = None) -> Iterator[str]:
        """A line with a bar per file, then the totals; `width` defaults to the terminal's."""
        if not self._rows:
            return
        width = width or shutil.get_terminal_size((100, 24)).columns
        most = max(added + removed for _, added, removed in self._rows)
        digits = len(str(most))
        names = min(max(len(name) for name, _, _ in self._rows), max(width - digits - 20, 20))
        room = max(width - names - digits - 6, 10)
        scale = min(1.0, room / most)
        for name, added, removed in self._rows:
            shown = name if len(name) <= names else "..." + name[3 - names :]
            bar = "+" * _scaled(added, scale) + "-" * _scaled(removed, scale)
            yield f" {shown:<{names}} | {added + removed:>{digits}} {bar}\n"
        inserted = sum(added for _, added, _ in self._rows)
        deleted = sum(removed for _, _, removed in self._rows)
        count = len(self._rows)
        yield f" {count} file{'s' * (count != 1)} changed, {inserted} insertions(+), {deleted} deletions(-)\n"


def _scaled(count: int, scale: float) -> int:
    return max(1, round(count * scale)) if count else 0
