"""What starting costs: `dockfix --version` and `dockfix --diff FILE` against `python -c pass`."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dockfix

from .dockerfiles import generate

ROUNDS = 15


def measure() -> str:
    """A table of medians; the commands take turns, so that a busy machine slows all alike."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "Dockerfile"
        file.write_text(generate(1))
        commands = {
            "python -c pass": ["-c", "pass"],
            "dockfix --version": ["-m", "dockfix", "--version"],
            "dockfix --help": ["-m", "dockfix", "--help"],
            "dockfix --diff FILE": ["-m", "dockfix", "--diff", str(file)],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, arguments in commands.items():
                times[name].append(_seconds([sys.executable, *arguments]))
    floor = statistics.median(times["python -c pass"])
    lines = ["start-up                    median   over python"]
    for name, values in times.items():
        median = statistics.median(values)
        lines.append(f"{name:<24}{median * 1000:>7.0f} ms{(median - floor) * 1000:>+11.0f} ms")
    return "\n".join(lines)


def environment() -> dict[str, str]:
    """This environment, in which `dockfix` is the one that is imported here."""
    return {**os.environ, "PYTHONPATH": str(Path(dockfix.__file__).parents[1])}


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment())
    return time.perf_counter() - start
