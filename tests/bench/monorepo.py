"""A run over a generated monorepo: cold, warm and with one file changed, against the floor and peers."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .dockerfiles import generate
from .startup import environment

ROUNDS = 3
SAMPLE = 200
"""Peers are measured on so many files."""
_SEMGREP_RULE = """\
rules:
  - id: start-as-somebody
    languages: [dockerfile]
    severity: WARNING
    message: the image starts as root
    pattern: CMD $...WORDS
    fix: |-
      USER somebody
      CMD $...WORDS
"""


@dataclass(frozen=True)
class Measured:
    """The median of some runs over `files` files."""

    name: str
    seconds: float
    files: int
    megabytes: float = 0.0


def measure(files: int = 100_000, dockerfiles: int = 5_000) -> str:
    """A table of medians, ratios and memory."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "monorepo")
        generate_monorepo(root, files, dockerfiles)
        cache = {"DOCKFIX_CACHE_DIR": str(Path(folder, "cache"))}
        rows = [_floor(root), *_dockfix(root, dockerfiles, cache), *_peers(root)]
    floor, cold = rows[0], rows[1]
    lines = [f"{files} files, {dockerfiles} Dockerfiles        median   files/s    memory   floor   cold run"]
    for row in rows:
        each = row.seconds / row.files
        memory = f"{row.megabytes:.0f} MB" if row.megabytes else ""
        lines.append(
            f"{row.name:<38}{row.seconds:>7.2f} s{row.files / row.seconds:>10.0f}{memory:>10}"
            f"{each / (floor.seconds / floor.files):>7.1f}x{(cold.seconds / cold.files) / each:>10.2f}x"
        )
    return "\n".join(lines)


def generate_monorepo(root: Path, files: int, dockerfiles: int) -> None:
    """A committed repository of services, each with a Dockerfile and sources; some are built by compose."""
    each = max(1, files // dockerfiles) - 1
    for number in range(dockerfiles):
        service = root / f"team{number % 50:02}" / f"service{number:05}"
        (service / "src").mkdir(parents=True)
        (service / "Dockerfile").write_text(generate(number))
        for module in range(each):
            name = f"src/module{module}.py" if module % 2 else f"asset{module}.txt"
            (service / name).write_text(f"value = {module}\n")
        if number % 100 == 0:
            compose = f"services:\n  web:\n    image: acme/service{number}\n    build: .\n"
            (service / "compose.yml").write_text(compose)
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "state"]):
        identity = ["-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "gc.auto=0"]
        subprocess.run(["git", *identity, *words], cwd=root, check=True)


def _floor(root: Path) -> Measured:
    def walk_and_read() -> None:
        names = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True).stdout
        for name in names.split(b"\0"):
            if name.endswith(b"/Dockerfile"):
                with open(os.path.join(os.fsencode(root), name), "rb") as file:
                    file.read()

    count = sum(1 for _ in root.rglob("Dockerfile"))
    return Measured("git ls-files, and reading them", _median(walk_and_read), count)


def _dockfix(root: Path, count: int, cache: Mapping[str, str]) -> Iterator[Measured]:
    command = [sys.executable, "-m", "dockfix", "--check", "--quiet", "."]
    place = Path(cache["DOCKFIX_CACHE_DIR"])
    changed = root / "team00" / "service00000" / "Dockerfile"

    def forget() -> None:
        shutil.rmtree(place, ignore_errors=True)

    def change() -> None:
        changed.write_text(generate(time.monotonic_ns() % 1_000_000))

    for name, before in (("cold", forget), ("warm", lambda: None), ("one changed", change)):
        yield _timed(f"dockfix --check, {name}", command, root, count, before=before, env=cache)
    yield _timed("dockfix --check, one process, no cache", [*command, "-j1", "--no-cache"], root, count)
    yield _timed("dockfix --diff, warm", [*command[:3], "--diff", "-q", "."], root, count, env=cache)


def _peers(root: Path) -> Iterator[Measured]:
    """Tools that people use on the same files, where they are installed."""
    every = sorted(str(path) for path in root.rglob("Dockerfile"))
    some = every[:: max(1, len(every) // SAMPLE)][:SAMPLE]
    if shutil.which("hadolint"):
        yield _timed("hadolint", ["hadolint", "--no-fail", *some], root, len(some), check=True)
    if shutil.which("tally"):
        yield _timed("tally lint", ["tally", "lint", *some], root, len(some), check=False)
    if shutil.which("dfc"):
        script = 'for file in "$@"; do dfc "$file" >/dev/null; done'
        yield _timed(
            "dfc, one process per file", ["sh", "-c", script, "-", *some], root, len(some), check=False
        )
    if shutil.which("semgrep"):
        rule = root.parent / "rule.yml"
        rule.write_text(_SEMGREP_RULE)
        options = ["--metrics", "off", "--disable-version-check", "--quiet", "--autofix", "--dryrun"]
        command = ["semgrep", "--config", str(rule), *options, *some]
        yield _timed("semgrep, one rule", command, root, len(some))


def _timed(
    name: str,
    command: list[str],
    root: Path,
    files: int,
    *,
    before: Callable[[], None] = lambda: None,
    env: Mapping[str, str] | None = None,
    check: bool = False,
) -> Measured:
    """The median time of a command, and the most memory that it or one of its processes had."""
    memory = 0.0
    seconds = []
    for _ in range(ROUNDS):
        before()
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=root, env={**environment(), **(env or {})}, stdout=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds.append(time.perf_counter() - start)
        process.returncode = os.waitstatus_to_exitcode(status)
        if check and process.returncode:
            raise RuntimeError(f"{name} ended with {process.returncode}")
        memory = max(memory, usage.ru_maxrss / 1024)
    return Measured(name, statistics.median(seconds), files, memory)


def _median(action: Callable[[], None]) -> float:
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)
