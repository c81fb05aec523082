from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest
from git_repository import Repository

from dockfix import cli
from dockfix.config import forget_configs
from dockfix.runner.outcome import load_core

# Tests start hundreds of interpreters: without byte code, each of them compiles the package.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


@pytest.fixture(scope="session", autouse=True)
def _caches_of_our_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep tests from reading or writing the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKFIX_CACHE_DIR", str(tmp_path_factory.mktemp("caches")))
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _interrupts_are_raised() -> Iterator[None]:
    """Let Ctrl-C reach the processes that tests start: a suite that runs in the background ignores it."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)


@pytest.fixture(scope="session", autouse=True)
def _core_is_loaded() -> None:
    """Import the core before tests fork processes: importing takes longer than most tests."""
    load_core()
    import_module("dockfix.evidence.python.sites")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder outside of git, made the current directory."""
    made = tmp_path / "repository"
    made.mkdir()
    monkeypatch.chdir(made)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("DOCKFIX_CACHE_DIR", str(tmp_path / "cache"))
    return made


@pytest.fixture
def repository(folder: Path) -> Repository:
    made = Repository(folder)
    made.git("init", "--quiet")
    return made


@pytest.fixture
def command_line(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], folder: Path
) -> Callable[..., tuple[int, str, str]]:
    """Runs the command line in this process and folder; returns exit code, output and messages."""
    forget_configs()

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["dockfix", *arguments])
        code = cli.run()
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return code, out.decode(), err.decode()

    return run


@pytest.fixture
def dockfix(
    command_line: Callable[..., tuple[int, str, str]], repository: Repository
) -> Callable[..., tuple[int, str, str]]:
    """Runs the command line in a repository of its own."""
    return command_line
