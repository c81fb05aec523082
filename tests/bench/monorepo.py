"""Runs over a generated monorepo: cold, warm, after one change; and the lower bound."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from .dockerfiles import generate
from .timing import Timed, take_turns

ROUNDS = 3
FLOOR = """\
import subprocess, sys
names = subprocess.run(["git", "ls-files", "-z", *sys.argv[1:]], check=True, capture_output=True).stdout
for name in names.split(b"\\0"):
    if name.endswith(b"/Dockerfile"):
        with open(name, "rb") as file:
            file.read()
"""


def measure(files: int = 100_000, dockerfiles: int = 5_000) -> str:
    """A Markdown table of medians, ratios and memory."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "monorepo")
        generate_monorepo(root, files, dockerfiles)
        time.sleep(3)  # what is newer is not trusted
        own = _dockfix(root, dockerfiles)
        take_turns(own, ROUNDS)
    head = f"{files:,} files, {dockerfiles:,} of them Dockerfiles, on {processors()} processors"
    lines = [
        f"| {head} | median | files/s | processor time | memory | of the floor |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += (
        f"| {row.name} | {row.median:.2f} s | {row.rate:,.0f} | {row.median_processor:.2f} s"
        f" | {row.megabytes:.0f} MB | {row.median / own[0].median:.2f}× |"
        for row in own
    )
    return "\n".join(lines)


def processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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


def _dockfix(root: Path, count: int) -> list[Timed]:
    """The floor, without and with files that git does not track yet, and dockfix's runs in their order."""
    cache = root.parent / "cache"
    env = {"DOCKFIX_CACHE_DIR": str(cache)}
    changed = root / "team00" / "service00000" / "Dockerfile"
    seeds = itertools.count(1_000_000)
    check = [sys.executable, "-m", "dockfix", "--check", "--quiet", "."]
    diff = [sys.executable, "-m", "dockfix", "--diff", "--quiet", "."]
    new = ["--cached", "--others", "--exclude-standard"]

    def forget() -> None:
        shutil.rmtree(cache, ignore_errors=True)

    def change() -> None:
        changed.write_text(generate(next(seeds)))

    def run(name: str, words: Sequence[str], **more: object) -> Timed:
        return Timed(name, words, count, root, env, (0, 1), **more)  # type: ignore[arg-type]

    return [
        run("the floor: `git ls-files`, and reading the Dockerfiles", [sys.executable, "-c", FLOOR]),
        run("the same with files that git does not track yet", [sys.executable, "-c", FLOOR, *new]),
        run("`dockfix --check .`, cold", check, before=forget),
        run("`dockfix --check .`, warm", check),
        run("`dockfix --check .`, one Dockerfile changed", check, before=change),
        run("`dockfix --diff .`, warm", diff),
    ]
