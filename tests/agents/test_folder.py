"""The folder that a server is limited to: which paths belong to it, and which opens it refuses."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dockfix.agents.folder import Folder, OutsideError
from dockfix.agents.server import make_server


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    root = tmp_path / "root"
    (root / "in").mkdir(parents=True)
    (root / "in" / "Dockerfile").write_text("FROM a\n")
    (tmp_path / "root-beside").mkdir()
    (root / "out").symlink_to(tmp_path / "root-beside")
    (root / "again").symlink_to("in")
    return Folder(str(root))


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("", ""),
        (".", ""),
        ("in", "/in"),
        ("in/Dockerfile", "/in/Dockerfile"),
        ("again/Dockerfile", "/in/Dockerfile"),
        ("out/../root/in", "/in"),
    ],
)
def test_paths_in_the_folder_are_its_own(folder: Folder, path: str, inside: str) -> None:
    assert folder.resolve(path) == folder.root + inside


@pytest.mark.parametrize("path", ["..", "../root-beside", "out", "out/x", "/", "/etc/passwd", "in/../../x"])
def test_paths_out_of_the_folder_are_refused(folder: Folder, path: str) -> None:
    with pytest.raises(OutsideError, match="is outside of"):
        folder.resolve(path)


@pytest.mark.parametrize(("path", "message"), [("none", "there is no file"), ("a\0b", "NUL")])
def test_paths_that_lead_nowhere_are_refused(folder: Folder, path: str, message: str) -> None:
    with pytest.raises(OutsideError, match=message):
        folder.resolve(path)


FORBIDDEN = [
    ("open", ("/etc/passwd", "r", os.O_RDONLY)),
    ("open", (b"/etc/passwd", "r", os.O_RDONLY)),
    ("open", ("..", None, os.O_RDONLY | os.O_NOFOLLOW)),
    ("open", ("/", None, os.O_RDONLY | os.O_NOFOLLOW)),
    ("open", ("out", None, os.O_RDONLY)),
    ("open", ("../root-beside/x", "w", os.O_WRONLY)),
    ("os.listdir", ("..",)),
    ("os.scandir", ("/",)),
    ("os.rename", ("in/Dockerfile", "../moved", -1, -1)),
    ("os.remove", ("/etc/passwd", -1)),
    ("os.symlink", ("in", "../link", -1)),
]
ALLOWED = [
    ("open", ("in/Dockerfile", "r", os.O_RDONLY)),
    ("open", ("Dockerfile", None, os.O_RDONLY | os.O_NOFOLLOW)),
    ("open", (3, "r", os.O_RDONLY)),
    ("os.listdir", (None,)),
    ("os.scandir", ("again",)),
    ("os.rename", ("in/Dockerfile", "in/other", -1, -1)),
    ("import", ("json", None, None, None, None)),
]


@pytest.mark.parametrize(("event", "arguments"), FORBIDDEN)
def test_the_guard_forbids_what_lies_outside(
    folder: Folder, event: str, arguments: tuple[object, ...]
) -> None:
    with pytest.raises(PermissionError, match="outside of"):
        folder.guard(event, arguments)


@pytest.mark.parametrize(("event", "arguments"), ALLOWED)
def test_the_guard_lets_pass_what_lies_inside(
    folder: Folder, event: str, arguments: tuple[object, ...]
) -> None:
    folder.guard(event, arguments)
    assert folder.resolve(".") == folder.root


def test_a_process_that_entered_opens_nothing_outside(folder: Folder) -> None:
    script = f"""
import json, sys
from dockfix.agents.folder import enter
enter({folder.root!r})
print(open("in/Dockerfile").read(), end="")
import calendar, decimal  # from Python itself
for path in ("/etc/hostname", "out", "../x", {folder.root + "-beside/y"!r}):
    for mode in "rw":
        try:
            open(path, mode)
        except PermissionError as error:
            print(error.strerror.startswith("outside of"))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["FROM a", *["True"] * 8]
    assert not os.path.lexists(folder.root + "-beside/y")


@pytest.mark.parametrize("writes", [False, True])
def test_the_tool_that_writes_is_asked_for(folder: Folder, *, writes: bool) -> None:
    tools = asyncio.run(make_server(folder, writes=writes).list_tools())
    assert ("write" in [tool.name for tool in tools]) == writes
