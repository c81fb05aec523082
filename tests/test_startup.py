"""A start imports only what it needs, which is the only reason for imports inside functions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

WATCHED = (
    "pydantic",
    "rich",
    "libcst",
    "ruamel.yaml",
    "tree_sitter",
    "dockfix.run",
    "dockfix.verify",
    "dockfix.runner.verdict",
    "dockfix.pipeline",
    "typer",
    "dataclasses",
)
"""What costs milliseconds, or stands for all that does."""
COMMAND_LINE = {"typer", "dataclasses"}
CORE = {"dockfix.pipeline", "tree_sitter"}
STARTS = {
    "--version": set(),
    "--help": COMMAND_LINE,
    "--diff Dockerfile": COMMAND_LINE | CORE | {"dockfix.run"},
}
SCRIPT = f"""
import sys
from dockfix.__main__ import main
try:
    main()
finally:
    print(*sorted(set({WATCHED!r}) & set(sys.modules)), file=sys.stderr)
"""


def start(folder: Path, arguments: str) -> set[str]:
    """The modules above that are imported by the end of a run."""
    argv = [sys.executable, "-c", SCRIPT, *arguments.split()]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    assert done.stdout != ""
    return set(done.stderr.splitlines()[-1].split())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    file = tmp_path / "Dockerfile"
    file.write_text("FROM python:3.12\nCOPY . .\nCMD python app.py\n")
    os.utime(file, (0, 0))
    return tmp_path


@pytest.mark.parametrize("arguments", STARTS)
def test_a_start_imports_no_more_than_it_needs(folder: Path, arguments: str) -> None:
    assert start(folder, arguments) == STARTS[arguments]


@pytest.mark.integration
def test_what_is_remembered_needs_no_core(folder: Path) -> None:
    assert start(folder, "--diff Dockerfile") >= CORE
    assert start(folder, "--diff Dockerfile") == COMMAND_LINE | {"dockfix.run"}
