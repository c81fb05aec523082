"""One run over the files that the user named: look at each, show or write what changes, report."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from dockfix.analysis import Analysis, analyse, analyse_file, skip
from dockfix.config import build_options, check_overrides
from dockfix.context import Context
from dockfix.diff import patch_name, patch_root
from dockfix.discovery import Candidate, find_candidates
from dockfix.options import Options
from dockfix.reading import read_stream
from dockfix.report import Exit, Mode, Report, Volume
from dockfix.results import Failed
from dockfix.terminal import Terminal
from dockfix.writing import WriteError, replace_content

STANDARD_INPUT: Final = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for.

    `mode` None: patches and a summary. `overrides` are the options given on the command line;
    `stdin_name` is the path that standard input stands for.
    """

    paths: Sequence[str]
    mode: Mode | None = None
    show_diff: bool = False
    overrides: Mapping[str, Any] = field(default_factory=dict)
    stdin_name: str | None = None
    volume: Volume = Volume.NORMAL
    colour: bool | None = None


def migrate(request: Request) -> Exit:
    """Do what was asked and give the exit code. Raises ConfigError before anything is written."""
    check_overrides(request.overrides)
    terminal = Terminal(request.colour)
    if STANDARD_INPUT in request.paths:
        code = _filter(request, terminal)
    else:
        code = _migrate_files(request, terminal)
    terminal.flush()
    return code


def _migrate_files(request: Request, terminal: Terminal) -> Exit:
    mode = request.mode or Mode.DIFF
    report = Report(terminal, mode, request.volume)
    candidates = list(find_candidates(request.paths))
    options = _options_by_folder(candidates, request.overrides)
    shows_diff = mode is Mode.DIFF or request.show_diff
    root = patch_root(request.paths) if shows_diff else None
    for analysis in _analyses(candidates, options, root):
        done = _write(analysis) if mode is Mode.WRITE and analysis.applies else analysis
        if done.applies and done.diff:
            terminal.write_diff(done.diff)
        report.add(done)
    if request.mode is not Mode.DIFF or len(candidates) != 1 or request.volume is Volume.VERBOSE:
        terminal.flush()
        report.close()
    return report.exit_code


def _options_by_folder(candidates: Sequence[Candidate], overrides: Mapping[str, Any]) -> dict[str, Options]:
    folders = {os.path.dirname(candidate.path) for candidate in candidates if candidate.refusal is None}
    return {folder: build_options(os.path.abspath(folder), overrides) for folder in sorted(folders)}


def _analyses(
    candidates: Sequence[Candidate], options: Mapping[str, Options], root: str | None
) -> Iterator[Analysis]:
    for candidate in candidates:
        path = candidate.path
        if candidate.refusal is not None:
            yield skip(path, candidate.refusal, failed=candidate.failed)
            continue
        name = None if root is None else patch_name(path, root)
        yield analyse_file(path, options[os.path.dirname(path)], name)


def _write(analysis: Analysis) -> Analysis:
    try:
        replace_content(analysis.path, analysis.before, analysis.after)
    except WriteError as error:
        return replace(analysis, result=Failed(error.finding), applies=False)
    return analysis


def _filter(request: Request, terminal: Terminal) -> Exit:
    """Standard input to standard output: the rewritten text, or with --diff the patch."""
    path = request.stdin_name or "Dockerfile"
    options = build_options(os.path.dirname(os.path.abspath(path)), request.overrides)
    if request.stdin_name is None:
        context = Context(path)
    else:
        from dockfix.build_context import describe_context  # noqa: PLC0415

        context = describe_context(path)
    shows_diff = request.mode is Mode.DIFF or request.show_diff
    name = patch_name(path, os.curdir) if shows_diff else None
    analysis = analyse(path, read_stream(sys.stdin.buffer), options, context, name)
    if shows_diff:
        terminal.write_diff(analysis.diff)
    elif request.mode is not Mode.CHECK and not isinstance(analysis.result, Failed):
        terminal.write(analysis.after)
    report = Report(terminal, Mode.CHECK if request.mode is Mode.CHECK else Mode.DIFF, request.volume)
    report.add(replace(analysis, path=request.stdin_name or "<stdin>"))
    return report.exit_code
