"""The cost of starting: `dockfix --version` and `dockfix --diff FILE`, compared with `python -c pass`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from .dockerfiles import generate
from .timing import Timed, take_turns

ROUNDS = 15


def measure() -> str:
    """A Markdown table of medians."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "Dockerfile"
        file.write_text(generate(1))
        start = [sys.executable, "-m", "dockfix"]
        cache = {"DOCKFIX_CACHE_DIR": str(Path(folder, "cache"))}
        commands = [
            Timed("`python -c pass`", [sys.executable, "-c", "pass"]),
            Timed("`dockfix --version`", [*start, "--version"]),
            Timed("`dockfix --help`", [*start, "--help"]),
            Timed("`dockfix --diff FILE`, first time", [*start, "--diff", "--no-cache", str(file)]),
            Timed("`dockfix --diff FILE`, again", [*start, "--diff", str(file)], env=cache),
        ]
        take_turns(commands, ROUNDS)
    floor = commands[0].median
    lines = ["| start | median | over Python |", "|---|---:|---:|"]
    lines += (
        f"| {one.name} | {one.median * 1000:.0f} ms | {(one.median - floor) * 1000:+.0f} ms |"
        for one in commands
    )
    return "\n".join(lines)
