"""Timings of commands that take turns, so that a busy machine slows all of them equally."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import dockfix

_UNUSUAL = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")


def environment() -> dict[str, str]:
    """This environment with the `dockfix` imported here, compiled and buffered by Python's defaults."""
    kept = {name: value for name, value in os.environ.items() if name not in _UNUSUAL}
    return {**kept, "PYTHONPATH": str(Path(dockfix.__file__).parents[1])}


@dataclass
class Timed:
    """A command over `files` files, and what each of its runs took; `words` None: it is not installed.

    `codes` are the exit codes that are no error; `before` is done before each run and not counted.
    """

    name: str
    words: Sequence[str] | None
    files: int = 1
    folder: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    codes: Sequence[int] = (0,)
    before: Callable[[], object] = lambda: None
    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    megabytes: float = 0.0

    def run(self) -> None:
        """Run it once. Raises RuntimeError if it fails."""
        if self.words is None:
            return
        self.before()
        with tempfile.TemporaryFile() as errors:
            start = time.perf_counter()
            process = subprocess.Popen(
                self.words,
                cwd=self.folder,
                env={**environment(), **self.env},
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
            _, status, usage = os.wait4(process.pid, 0)
            self.seconds.append(time.perf_counter() - start)
            errors.seek(0)
            messages = errors.read().decode(errors="replace")
        self.processor.append(usage.ru_utime + usage.ru_stime)
        self.megabytes = max(self.megabytes, usage.ru_maxrss / 1024)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in self.codes or "Traceback" in messages or "No module named" in messages:
            raise RuntimeError(f"{self.name} ended with {process.returncode}: {messages[-500:]}")

    @property
    def median(self) -> float:
        """The median time in seconds."""
        return statistics.median(self.seconds)

    @property
    def median_processor(self) -> float:
        """The median processor time in seconds, summed over all of its processes."""
        return statistics.median(self.processor)

    @property
    def rate(self) -> float:
        """Files per second."""
        return self.files / self.median


def take_turns(commands: Sequence[Timed], rounds: int) -> None:
    """Run all commands in turn, the given number of times."""
    for _ in range(rounds):
        for command in commands:
            command.run()
