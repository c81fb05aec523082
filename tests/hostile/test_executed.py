"""Nothing that a repository contains or configures is executed."""

from __future__ import annotations

import ast
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from git_repository import Repository

import dockfix
from dockfix.files import git, git_command

RunDockfix = Callable[..., tuple[int, str, str]]
BEFORE = "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN pip install x\nCMD python -m http.server\n"


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A script that creates the file `sprung` next to it when anything runs it."""
    script = tmp_path / "trap"
    script.write_text(f"#!/bin/sh\ntouch {shlex.quote(str(tmp_path / 'sprung'))}\ncat\n")
    script.chmod(0o755)
    return script


def assert_not_sprung(trap: Path) -> None:
    assert not (trap.parent / "sprung").exists()


def sprung_by_git(repository: Repository, trap: Path, *arguments: str) -> bool:
    """Whether plain git runs the trap; resets the trap."""
    repository.git(*arguments)
    sprung = trap.parent / "sprung"
    if not sprung.exists():
        return False
    sprung.unlink()
    return True


def plant_bare_repository(repository: Repository, trap: Path) -> None:
    """Commit a folder `sub` that git takes for a repository and whose configuration names the trap."""
    for name in ("objects/keep", "refs/keep"):
        repository.put(f"sub/{name}", text="")
    repository.put("sub/HEAD", text="ref: refs/heads/main\n")
    settings = f"[core]\nbare = false\nworktree = .\nfsmonitor = {trap}\nrepositoryformatversion = 0\n"
    repository.put("sub/config", text=settings)
    repository.put("sub/Dockerfile", text=BEFORE)
    repository.git("-C", "sub", "-c", "core.fsmonitor=false", "add", "Dockerfile")
    repository.commit()


@pytest.mark.parametrize(
    "arguments", [("--check", "sub"), ("--check", "sub/Dockerfile"), ("--diff", "."), ("--write", "sub")]
)
@pytest.mark.integration
def test_a_folder_laid_out_as_a_bare_repository(
    dockfix: RunDockfix, repository: Repository, trap: Path, arguments: tuple[str, ...]
) -> None:
    plant_bare_repository(repository, trap)
    assert sprung_by_git(repository, trap, "-C", "sub", "status")
    code, _, messages = dockfix(*arguments)
    assert code == (1 if "--check" in arguments else 0), messages
    assert_not_sprung(trap)


@pytest.mark.integration
def test_a_bare_repository_seen_from_inside(
    dockfix: RunDockfix, repository: Repository, trap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant_bare_repository(repository, trap)
    monkeypatch.chdir("sub")
    assert dockfix("--check", ".")[0] == 1
    assert_not_sprung(trap)


@pytest.mark.integration
def test_a_file_system_monitor_of_its_own_settings(
    dockfix: RunDockfix, repository: Repository, trap: Path
) -> None:
    repository.put("Dockerfile", text=BEFORE)
    repository.commit()
    repository.git("config", "core.fsmonitor", str(trap))
    assert sprung_by_git(repository, trap, "status")
    assert dockfix("--check", ".")[0] == 1
    assert dockfix("--write", ".")[0] == 0
    assert_not_sprung(trap)


@pytest.mark.parametrize("setting", ["clean", "process"])
@pytest.mark.integration
def test_a_filter(dockfix: RunDockfix, repository: Repository, trap: Path, setting: str) -> None:
    repository.put("Dockerfile", "other", text=BEFORE)
    repository.commit()
    repository.put(".git/info/attributes", text="* filter=evil.one\n")
    repository.git("config", f"filter.evil.one.{setting}", str(trap))
    os.utime("other", (1, 1))  # git has to read it to know whether it differs
    os.utime("Dockerfile", (1, 1))
    assert dockfix("--check", ".")[0] == 1
    assert dockfix("--write", ".")[0] == 0
    assert_not_sprung(trap)
    os.utime("other", (2, 2))
    repository.git("config", "filter.evil.one.required", "false")
    assert sprung_by_git(repository, trap, "status")


@pytest.mark.parametrize("key", ["include.path", "includeIf.gitdir:**.path"])
def test_settings_that_a_file_of_the_repository_brings(
    dockfix: RunDockfix, repository: Repository, trap: Path, key: str
) -> None:
    repository.put("Dockerfile", text=BEFORE)
    repository.put(".gitattributes", text="* filter=evil diff=evil\n")
    repository.commit()
    programs = ("fsmonitor", "pager", "editor", "sshCommand", "hooksPath")
    lines = "".join(f"{name} = {trap}\n" for name in programs)
    evil = f'[filter "evil"]\nclean = {trap}\n[diff "evil"]\ntextconv = {trap}\ncommand = {trap}\n'
    repository.put("evil", text=f"[core]\n{lines}{evil}[diff]\nexternal = {trap}\n")
    repository.git("config", key, str(Path("evil").resolve()))
    os.utime("Dockerfile", (1, 1))
    for since in (("--since", "HEAD"), ()):  # a file with a filter counts as changed
        assert dockfix("--check", *since, ".")[0] == 1
    assert dockfix("--write", ".")[0] == 0
    assert dockfix("--undo")[0] == 0
    assert_not_sprung(trap)
    os.utime("Dockerfile", (2, 2))
    assert sprung_by_git(repository, trap, "status")


@pytest.mark.integration
def test_a_filter_whose_name_cannot_be_overridden_is_no_way_in(
    dockfix: RunDockfix, repository: Repository, trap: Path
) -> None:
    repository.put("Dockerfile", text=BEFORE)
    repository.commit()
    with (repository.folder / ".git/config").open("a") as config:
        config.write(f'[filter "a=b"]\nclean = {trap}\n')
    code, _, messages = dockfix("--write", ".")
    assert (code, Path("Dockerfile").read_text()) == (123, BEFORE)
    assert "may have uncommitted changes: 'filter.a=b' is not a name for a filter" in messages
    assert_not_sprung(trap)


@pytest.mark.integration
def test_missing_objects_are_not_fetched_by_a_command(
    dockfix: RunDockfix, repository: Repository, trap: Path
) -> None:
    repository.put("Dockerfile", text=BEFORE)
    repository.commit()
    tree = repository.git("rev-parse", "HEAD^{tree}").strip()
    (repository.folder / ".git/objects" / tree[:2] / tree[2:]).unlink()
    repository.git("config", "core.repositoryFormatVersion", "1")
    repository.git("config", "extensions.partialClone", "origin")
    repository.git("config", "remote.origin.url", f"ext::{trap}")
    repository.git("config", "protocol.ext.allow", "always")
    repository.git("config", "remote.origin.promisor", "true")
    code, _, messages = dockfix("--write", ".")
    assert (code, Path("Dockerfile").read_text()) == (123, BEFORE), messages
    assert "may have uncommitted changes" in messages
    assert_not_sprung(trap)


@pytest.mark.integration
def test_a_hook_a_pager_and_a_diff(dockfix: RunDockfix, repository: Repository, trap: Path) -> None:
    repository.put("Dockerfile", text=BEFORE)
    repository.commit()
    for name in ("core.pager", "core.editor", "diff.external", "core.sshCommand", "core.askPass"):
        repository.git("config", name, str(trap))
    repository.git("config", "core.hooksPath", "hooks")
    repository.put("hooks/post-index-change", text=trap.read_text())
    (repository.folder / "hooks/post-index-change").chmod(0o755)
    os.utime("Dockerfile", (1, 1))
    assert dockfix("--write", ".")[0] == 0
    assert_not_sprung(trap)


@pytest.mark.integration
def test_a_submodule_with_settings_of_its_own(
    dockfix: RunDockfix, repository: Repository, trap: Path
) -> None:
    repository.put("Dockerfile", text=BEFORE)
    repository.git("init", "--quiet", "inner")
    repository.put("inner/file")
    repository.git("-C", "inner", "add", ".")
    repository.git("-C", "inner", "commit", "--quiet", "--message", "inner")
    repository.commit()
    repository.git("-C", "inner", "config", "core.fsmonitor", str(trap))
    assert sprung_by_git(repository, trap, "status")
    assert dockfix("--write", ".")[0] == 0
    assert_not_sprung(trap)


@pytest.mark.integration
def test_variables_that_lead_git_elsewhere(
    dockfix: RunDockfix, repository: Repository, trap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.put("Dockerfile", text=BEFORE)
    repository.commit()
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_EXEC_PATH", "GIT_EXTERNAL_DIFF"):
        monkeypatch.setenv(name, str(trap.parent / "nowhere"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.fsmonitor")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(trap))
    assert dockfix("--check", ".")[0] == 1
    assert dockfix("--write", ".")[0] == 0
    assert_not_sprung(trap)


@pytest.mark.integration
def test_git_in_a_worktree_that_a_file_names(
    dockfix: RunDockfix, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.put("Dockerfile", text=BEFORE)
    repository.commit()
    repository.git("worktree", "add", "--quiet", "../second")
    monkeypatch.chdir("../second")
    assert dockfix("--write", ".")[0] == 0
    assert git.find_uncommitted(os.getcwd()) == {os.path.realpath("Dockerfile")}
    assert dockfix("--undo")[0] == 0
    assert git.find_uncommitted(os.getcwd()) == frozenset()


@pytest.mark.parametrize("entry", ["", ".", "bin"])
def test_a_git_that_the_repository_brings(
    dockfix: RunDockfix, repository: Repository, trap: Path, monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    """An entry of PATH that is relative names a folder of the repository."""
    repository.put("Dockerfile", text=BEFORE)
    repository.commit()
    for place in ("git", "bin/git"):
        repository.put(place, text=trap.read_text())
        Path(place).chmod(0o755)
    monkeypatch.setenv("PATH", f"{entry}{os.pathsep}{os.environ['PATH']}")
    assert dockfix("--check", ".")[0] == 1
    assert_not_sprung(trap)


@pytest.mark.integration
def test_git_that_waits_for_a_pipe_is_ended(
    dockfix: RunDockfix, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_command, "SECONDS", 0.5)
    repository.put("Dockerfile", "sub/Dockerfile", text=BEFORE)
    repository.commit()
    os.mkfifo("sub/.gitignore")
    start = time.monotonic()
    code, _, messages = dockfix("--check", ".")
    assert (code, messages.count("would change (")) == (1, 2)
    assert time.monotonic() - start < 10


@pytest.mark.integration
def test_without_an_answer_from_git_nothing_is_written(
    dockfix: RunDockfix, repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    repository.put("Dockerfile", text=BEFORE)
    repository.commit()
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    code, _, messages = dockfix("--write", "Dockerfile")
    assert (code, Path("Dockerfile").read_text()) == (123, BEFORE)
    assert "may have uncommitted changes: git cannot be run" in messages
    assert dockfix("--write", "--allow-dirty", "Dockerfile")[0] == 0


def test_one_module_calls_git() -> None:
    root = Path(dockfix.__file__).parent
    callers = set()
    for file in root.rglob("*.py"):
        strings = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Constant)]
        if "subprocess" in file.read_text() and any(node.value == "git" for node in strings):
            callers.add(file.relative_to(root).as_posix())
    assert callers == {"files/git_command.py"}


@pytest.mark.parametrize("name", ["platform", "queue", "typer", "yaml", "click", "tomllib"])
@pytest.mark.integration
def test_modules_of_the_current_folder_are_not_imported(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("open('sprung', 'w')\n")
    (tmp_path / "Dockerfile").write_text(BEFORE)
    argv = [sys.executable, "-m", "dockfix", "--check", "--no-cache", "."]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert not (tmp_path / "sprung").exists()
