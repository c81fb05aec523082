"""Runs over real Dockerfiles, in one process and on all processors, beside peers; and over repositories."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .monorepo import processors
from .peers import commands
from .timing import Timed, take_turns

ROUNDS = 3
LIMIT = 500
"""So many of the files are taken, evenly; some of the tools take seconds for each hundred."""


def measure(folder: Path, limit: int = LIMIT) -> str:
    """A Markdown table of medians, ratios, processor time and memory of the installed tools, in turns."""
    every = sorted(path for path in folder.rglob("*") if path.is_file())
    some = every[:: max(1, len(every) // limit)][:limit]
    with tempfile.TemporaryDirectory() as directory:
        files = Path(directory, "files")
        files.mkdir()
        names = [str(shutil.copy(path, files / f"{number}.Dockerfile")) for number, path in enumerate(some)]
        rows = [*(_dockfix(count, files, len(names)) for count in (1, processors())), *commands(names, files)]
        take_turns(rows, ROUNDS)
    return "\n".join(_lines(rows, len(names), "real Dockerfiles", "of dockfix, one"))


def measure_repositories(folders: Sequence[Path]) -> str:
    """The same over repositories, each in a run of its own: with evidence, and without it."""
    every = sorted(one for folder in folders for one in folder.iterdir() if one.is_dir())
    rows = []
    for name, more in (("with evidence", []), ("without", ["--no-evidence"])):
        words = ["sh", "-c", _EACH, "-", *_words(processors(), *more)]
        env = {"FOLDERS": "\n".join(map(str, every))}
        rows.append(Timed(f"`dockfix --check .`, {name}", words, len(every), env=env))
    take_turns(rows, ROUNDS)
    return "\n".join(_lines(rows, len(every), "repositories", "of the first"))


_EACH: Final = 'echo "$FOLDERS" | while read -r folder; do (cd "$folder" && "$@" </dev/null >&2); done; true'


def _words(processes: int, *more: str) -> list[str]:
    quiet = ["--check", "--quiet", "--no-cache", *more]
    return [sys.executable, "-m", "dockfix", *quiet, "--jobs", str(processes), "."]


def _dockfix(processes: int, folder: Path, count: int) -> Timed:
    name = f"`dockfix --check --jobs {processes} .`"
    return Timed(name, _words(processes), count, folder, codes=(0, 1, 2))


def _lines(rows: list[Timed], count: int, unit: str, ratio: str) -> list[str]:
    one = rows[0]
    lines = [
        f"| {count} {unit} | median | a second | processor time | memory | {ratio} |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += (
        f"| {row.name} | {row.median:.2f} s | {row.rate:,.{int(row.rate < 10)}f}"
        f" | {row.median_processor:.2f} s | {row.megabytes:.0f} MB | {row.median / one.median:.2f}× |"
        for row in rows
        if row.seconds
    )
    return lines
