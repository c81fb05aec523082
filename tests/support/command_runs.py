"""`dockfix --verify` as a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from applications import build_network


def run_dockfix(
    folder: Path, *arguments: str, seconds: int = 2, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run `dockfix --verify` in a folder, where it keeps its state too.

    Each container is observed for `seconds`; `variables` are added to its environment.
    """
    network = build_network()
    flags = ["--verify-seconds", str(seconds), *(["--build-network", network] if network else [])]
    return subprocess.run(
        [sys.executable, "-m", "dockfix", "--verify", *flags, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "XDG_STATE_HOME": str(folder / "state"), **variables},
        cwd=folder,
    )


def folder_without_engines(folder: Path) -> str:
    """A PATH with git alone."""
    folder.mkdir()
    program = shutil.which("git")
    assert program is not None
    (folder / "git").symlink_to(program)
    return str(folder)
