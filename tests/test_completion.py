from __future__ import annotations

import os
import subprocess
import sys

import pytest

from dockfix.cli import GROUPS
from dockfix.completion import COMPLETED, complete
from dockfix.options.declarations import declared

VALUES = {
    ("--explain", "manifest-m"): ["manifest-mount"],
    ("--explain", "chown"): ["chown-copies"],
    ("--select", "low"): [],
    ("--select", "set-user,set-w"): ["set-user,set-workdir"],
    ("--ignore", "user"): ["user-path"],
    ("--accept", "low"): ["low-port"],
    ("--accept", "low-port,not"): ["low-port,not-python"],
    ("--accept", "chown"): [],
    ("--languages", "node,g"): ["node,go"],
    ("--base", "al"): ["alpine"],
    ("--engine", ""): ["docker", "podman", "nerdctl", "buildah"],
    ("--report", "g"): ["github", "github:", "gitlab:"],
    ("--report", "html"): ["html:"],
    ("--split-by", "o"): ["owner"],
}


@pytest.mark.parametrize(("asked", "names"), VALUES.items())
def test_completion_knows_names(asked: tuple[str, str], names: list[str]) -> None:
    assert complete(*asked) == names


def test_every_option_that_is_completed_exists_and_is_tried() -> None:
    flags = {one.flag for group in GROUPS.values() for one in declared(group).values() if one.flags}
    assert flags >= COMPLETED
    assert {flag for flag, _ in VALUES} == COMPLETED


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("dockfix --explain manifest-m", "manifest-mount"),
        ("dockfix --ignore create-user,user", "create-user,user-path"),
        ("dockfix --install v", "venv"),
    ],
)
@pytest.mark.integration
def test_shell_completes_names(line: str, expected: str) -> None:
    settings = {"_DOCKFIX_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": "2"}
    done = subprocess.run(
        [sys.executable, "-c", "from dockfix.cli import run; run()"],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == [expected], done.stderr
