"""The destinations of a run's results besides the summary: standard output, patch files, reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from dockfix.config import ConfigError
from dockfix.options.request import Request
from dockfix.output.diffstat import Statistics
from dockfix.results import Failed
from dockfix.runner.outcome import FileResult
from dockfix.terminal import Terminal


class Sink(Protocol):
    """Takes each file's result as it arrives."""

    def add(self, file: FileResult) -> None:
        """Add a result."""

    def close(self) -> None:
        """Finish."""


def open_sinks(request: Request, root: str, terminal: Terminal) -> list[Sink]:
    """The sinks of a request; patches are to be applied in `root`. Raises ConfigError."""
    try:
        return [*_open_files(request, root), *_open_standard_output(request, terminal)]
    except ValueError as error:
        raise ConfigError(str(error)) from None
    except OSError as error:
        raise ConfigError(f"{error.filename}: cannot be written: {error.strerror}") from None


def _open_files(request: Request, root: str) -> Iterator[Sink]:
    output = request.output
    if output.file is not None:
        from dockfix.output.patches import PatchFile, PatchFolder, group_by

        if output.split_by is None:
            yield PatchFile(output.file)
        else:
            yield PatchFolder(output.file, group_by(output.split_by, root))
    if request.reports.files:
        from dockfix.output.reports import open_report

        yield from (open_report(target, root) for target in request.reports.files)


def _open_standard_output(request: Request, terminal: Terminal) -> Iterator[Sink]:
    output = request.output
    if output.stat:
        yield _StatisticsSink(terminal)
    elif output.diff:
        yield _DiffSink(terminal)
    elif request.reads_standard_input and (output.write or (output.mode is None and output.file is None)):
        yield _TextSink(terminal)
    elif output.mode is None and output.file is None:
        yield _DiffSink(terminal)


@dataclass(frozen=True)
class _DiffSink:
    """Patches on standard output."""

    terminal: Terminal

    def add(self, file: FileResult) -> None:
        if file.applies:
            self.terminal.write_diff(file.patch)

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class _TextSink:
    """Rewritten texts on standard output; an unchanged text is copied."""

    terminal: Terminal

    def add(self, file: FileResult) -> None:
        if not isinstance(file.result, Failed):
            self.terminal.write(file.after)

    def close(self) -> None:
        pass


class _StatisticsSink(Statistics):
    """Counts of changed lines on standard output."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__()
        self._terminal = terminal

    def close(self) -> None:
        for line in self.lines():
            self._terminal.write(line)
