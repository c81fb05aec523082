"""What other tools start dockfix by: pre-commit, GitHub Actions, a container."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import dockfix
from dockfix.files.naming import is_dockerfile_name
from dockfix.pipeline import fix
from dockfix.results import Unchanged

ROOT = Path(__file__).parents[1]
ROOTS = 'FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nCMD ["python", "app.py"]\n'


def load(name: str) -> Any:
    return YAML(typ="safe").load((ROOT / name).read_text())


@pytest.mark.parametrize(
    "name",
    [
        "Dockerfile",
        "Dockerfile.prod",
        "api.dockerfile",
        "Containerfile",
        "Containerfile-web",
        "Dockerfile.j2",
        "Dockerfile~",
        "dockerfile.py",
        "Dockerfile.dockerignore",
        "Dockerfiles",
        "main.py",
    ],
)
def test_hooks_get_what_dockfix_finds(name: str) -> None:
    for hook in load(".pre-commit-hooks.yaml"):
        path = f"a/b/{name}"
        chosen = re.search(hook["files"], path) and not re.search(hook["exclude"], path)
        assert bool(chosen) == is_dockerfile_name(name)


GH = 'echo "$@" > "$GITHUB_STEP_SUMMARY.comment"'
DOCKFIX = f'exec "{sys.executable}" -m dockfix "$@"'


def run_action(folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run the action's step as a runner would, with gh and dockfix standing in for themselves."""
    put_programs(folder, gh=GH, dockfix=DOCKFIX)
    return run_step(folder, **inputs)


def put_programs(folder: Path, **scripts: str) -> None:
    """Programs by name that come before all others on the step's PATH."""
    programs = folder / "bin"
    programs.mkdir()
    for name, script in scripts.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)


def run_step(folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run the action's step in the folder's repository."""
    (step,) = load("action.yml")["runs"]["steps"]
    environment = {
        **os.environ,
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(Path(dockfix.__file__).parents[1]),
        "RUNNER_TEMP": str(folder),
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "PULL_REQUEST": "https://example.org/pull/1",
    }
    defaults = {"PATHS": ".", "OPTIONS": "", "FAIL": "true", "COMMENT": "false", "ACTION": "", "GH_TOKEN": ""}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=folder / "repository",
        env=environment | defaults | inputs,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "repository" / "two words").mkdir(parents=True)
    (tmp_path / "repository" / "Dockerfile").write_text(ROOTS)
    (tmp_path / "repository" / "two words" / "Dockerfile").write_text(ROOTS)
    return tmp_path


def test_the_action_annotates_and_fails(folder: Path) -> None:
    done = run_action(folder)
    assert done.returncode == 1
    assert "::warning file=Dockerfile,line=1,title=Runs as root::" in done.stderr
    outputs = dict(line.split("=", 1) for line in (folder / "output").read_text().splitlines())
    patch = Path(outputs["patch"]).read_bytes()
    subprocess.run(["git", "apply", "--check"], cwd=folder / "repository", input=patch, check=True)
    assert "| Run as root, can be fixed | 2 |" in (folder / "summary").read_text()
    assert not (folder / "summary.comment").exists()


def test_the_action_can_comment_without_failing(folder: Path) -> None:
    done = run_action(folder, FAIL="false", COMMENT="true", OPTIONS="--numeric --user web")
    assert done.returncode == 0
    assert (folder / "summary.comment").read_text().startswith("pr comment https://example.org/pull/1 ")
    patches = list(folder.glob("dockfix.*/dockfix.patch"))
    assert "+USER 10001:10001\n" in patches[0].read_text()


def test_the_action_passes_usage_errors_on(folder: Path) -> None:
    assert run_action(folder, OPTIONS="--no-such-option", FAIL="false").returncode == 2


@pytest.mark.parametrize(
    ("python", "found"),
    [
        ('[ "$1" = --version ] && echo "Python 3.8.18"', "Python 3.8.18"),
        ("exit 127", "no python3 on PATH"),
    ],
)
def test_the_action_says_which_python_it_needs(folder: Path, python: str, found: str) -> None:
    put_programs(folder, python3=python)
    done = run_step(folder, PATH=f"{folder / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin")
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("::error title=dockfix::needs Python 3.11 or later, ")
    assert f"found {found}: run actions/setup-python first" in line


def test_our_own_image_does_not_run_as_root() -> None:
    assert isinstance(fix((ROOT / "Containerfile").read_text()), Unchanged)
