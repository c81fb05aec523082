"""The scripts of the build context that a step may run as the account."""

from __future__ import annotations

import pytest

from dockfix.model.runs import walk_script
from dockfix.model.scripts import runs_readable_script
from dockfix.syntax.shell import parse_script

FILES = {
    "/app/fetch.py": "import pathlib\npathlib.Path.home().joinpath('x').write_text('')\n",
    "/app/reach.py": "import subprocess\nsubprocess.run(['ls'])\n",
    "/app/setup.py": "from setuptools import setup\nsetup()\n",
    "/app/etc.py": "open('/etc/app.conf', 'w')\n",
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
