"""The scripts of the build context that a step may run as the account."""

from __future__ import annotations

import pytest

from dockfix.model.runs import walk_script
from dockfix.model.scripts import find_called, runs_readable_script
from dockfix.syntax.shell import parse_script

FILES = {
    "/app/fetch.py": "import pathlib\npathlib.Path.home().joinpath('x').write_text('')\n",
    "/app/reach.py": "import subprocess\nsubprocess.run(['ls'])\n",
    "/app/setup.py": "from setuptools import setup\nsetup()\n",
    "/app/etc.py": "open('/etc/app.conf', 'w')\n",
    "/app/setup.sh": '#!/usr/bin/env bash\nset -eu\ncd "$(dirname "$0")/.."\nmkdir -p "$1"\n',
    "/app/plain": "mkdir data\n",
    "/app/outer.sh": "#!/bin/sh\numask 077\n/app/plain\n./setup.sh $STATE\n",
    "/app/loop.sh": "#!/bin/sh\n./loop.sh\n",
    "/app/broken.sh": "#!/bin/sh\nif true; then\n",
}


@pytest.mark.parametrize(
    ("command", "is_readable"),
    [
        ("python fetch.py", True),
        ("python3.12 -u /app/fetch.py --all", True),
        ("python missing.py", False),
        ("python -m fetch", False),
        ("python reach.py", False),
        ("python etc.py", False),
        ("python setup.py install", False),
        ("bash fetch.py", False),
    ],
)
def test_script_that_reaches_for_nothing_else(command: str, *, is_readable: bool) -> None:
    (one,) = walk_script(parse_script(command), "/app", {})
    assert runs_readable_script(one, FILES.get) is is_readable


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("./setup.sh /data", ["set /app", "cd /app", "dirname /", "mkdir /"]),
        ("bash -x setup.sh /data", ["set /app", "cd /app", "dirname /", "mkdir /"]),
        ("sh ./plain", ["mkdir /app"]),
        ("plain", None),
        ("python fetch.py", None),
        ("bash -c ./plain", ["mkdir /app"]),
        ("cat plain | sh", None),
        ("./broken.sh", None),
        ("./missing.sh", None),
    ],
)
def test_commands_of_a_called_script(command: str, expected: list[str] | None) -> None:
    one = walk_script(parse_script(command), "/app", {})[-1]
    found = find_called(one, FILES.get)
    assert (found and [f"{inner.command.program} {inner.cwd}" for inner in found]) == expected


def test_called_scripts_pass_on_their_umask_and_arguments() -> None:
    (one,) = walk_script(parse_script("/app/outer.sh"), "/app", {"STATE": "/srv/state"})
    found = find_called(one, FILES.get)
    assert found is not None
    assert [inner.umask for inner in found] == [0o022, *[0o077] * 5]
    assert found[-1].command.args[-1].expand(found[-1].env) == "/srv/state"


def test_script_that_calls_itself_ends() -> None:
    (one,) = walk_script(parse_script("/app/loop.sh"), "/app", {})
    found = find_called(one, FILES.get)
    assert found is not None
    assert [inner.command.program for inner in found] == ["./loop.sh"]
