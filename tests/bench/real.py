"""A run over a folder of real Dockerfiles, in one process and on all processors, and peers on the same."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from .monorepo import processors
from .peers import commands
from .timing import Timed, take_turns

ROUNDS = 3
LIMIT = 500
"""So many of the files are taken, evenly; some of the tools take seconds for each hundred."""


def measure(folder: Path, limit: int = LIMIT) -> str:
    """A table in Markdown of medians, ratios, processor time and memory, all tools taking turns."""
    every = sorted(path for path in folder.rglob("*") if path.is_file())
    some = every[:: max(1, len(every) // limit)][:limit]
    with tempfile.TemporaryDirectory() as directory:
        files = Path(directory, "files")
        files.mkdir()
        names = [str(shutil.copy(path, files / f"{number}.Dockerfile")) for number, path in enumerate(some)]
        rows = [*(_dockfix(count, files, len(names)) for count in (1, processors())), *commands(names, files)]
        take_turns(rows, ROUNDS)
    return "\n".join(_lines(rows, len(names)))


def _dockfix(processes: int, folder: Path, count: int) -> Timed:
    words = [
        sys.executable,
        "-m",
        "dockfix",
        "--check",
        "--quiet",
        "--no-cache",
        "--jobs",
        str(processes),
        ".",
    ]
    return Timed(f"`dockfix --check --jobs {processes} .`", words, count, folder, codes=(0, 1, 2))


def _lines(rows: list[Timed], count: int) -> list[str]:
    one = rows[0]
    lines = [
        f"| {count} real Dockerfiles | median | files/s | processor time | memory | of dockfix, one |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += (
        f"| {row.name} | {row.median:.2f} s | {row.rate:,.0f} | {row.median_processor:.2f} s"
        f" | {row.megabytes:.0f} MB | {row.median / one.median:.2f}× |"
        if row.seconds
        else f"| {row.name} | not installed | | | | |"
        for row in rows
    )
    return lines
