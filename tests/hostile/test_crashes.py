"""No run ends with a traceback, or with the exit code that means "would change", because of what it met."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from git_repository import Repository
from ruamel.yaml import YAML

import dockfix as package
from dockfix import __main__ as entry
from dockfix import cli
from dockfix.agents.folder import Folder, OutsideError
from dockfix.editor.repositories import fix_at
from dockfix.editor.server import make_server
from dockfix.embedded import rewrite_file
from dockfix.files import git_command
from dockfix.repository.go_templates import parse_template
from dockfix.repository.manifests import read_manifests

RunDockfix = Callable[..., tuple[int, str, str]]
BEFORE = "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN pip install x\nCMD python -m http.server\n"
LARGE = 400 * 1024 * 1024


def start(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(Path(package.__file__).parents[1])}
    command = [sys.executable, "-m", "dockfix", *arguments]
    return subprocess.Popen(command, **{"env": environment, "stderr": subprocess.PIPE, **options})


@pytest.mark.parametrize("arguments", [("--diff", "."), ("--check", "."), ("--list",)])
def test_standard_output_that_is_closed(repository: Repository, arguments: tuple[str, ...]) -> None:
    repository.put("Dockerfile", text=BEFORE)
    with start(*arguments, preexec_fn=lambda: os.close(1)) as run:
        messages = run.communicate()[1].decode()
    assert run.returncode == 123, messages
    assert messages == "dockfix: standard output is closed\n"


@pytest.mark.parametrize(
    "arguments", [("--diff", "."), ("--list",), ("--explain", "named-user"), ("--help",), ("--version",)]
)
@pytest.mark.integration
def test_standard_output_that_is_full(repository: Repository, arguments: tuple[str, ...]) -> None:
    repository.put("Dockerfile", text=BEFORE)
    with open("/dev/full", "wb") as full, start(*arguments, stdout=full) as run:
        messages = run.communicate()[1].decode()
    assert run.returncode == 123, messages
    assert "No space left on device" in messages
    assert "Traceback" not in messages


@pytest.mark.parametrize("arguments", [("--check", "."), ("--write", "."), ("--undo",), ("--explain", ".")])
@pytest.mark.integration
def test_standard_error_that_is_full(repository: Repository, arguments: tuple[str, ...]) -> None:
    repository.put("Dockerfile", text=BEFORE)
    with open("/dev/full", "wb") as full, start(*arguments, stderr=full, stdout=subprocess.DEVNULL) as run:
        run.wait()
    assert run.returncode in (0, 123)
    assert (run.returncode == 0) == (arguments == ("--explain", "."))


@pytest.mark.integration
def test_standard_output_that_nobody_reads(repository: Repository) -> None:
    for number in range(200):
        repository.put(f"s{number}/Dockerfile", text=BEFORE)
    with start("--diff", ".", stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        run.stdout.close()
        assert run.stderr is not None
        messages = run.stderr.read().decode()
    assert run.returncode not in (0, 1, 70), messages
    assert "Traceback" not in messages


FOLDERS = {
    ".gitignore": "sub",
    "CODEOWNERS": "",
    "pyproject.toml": "sub",
    "dockfix.toml": "",
    ".dockerignore": "sub",
}


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(LARGE)


@pytest.mark.parametrize("make", [make_pipe, make_device, make_large])
@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.integration
def test_settings_that_are_no_texts(
    dockfix: RunDockfix,
    repository: Repository,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    make: Callable[[Path], None],
) -> None:
    repository.put("Dockerfile", "sub/Dockerfile", text=BEFORE)
    repository.commit()
    monkeypatch.setattr(git_command, "SECONDS", 2.0)
    make(repository.folder / FOLDERS[name] / name)
    begin = time.monotonic()
    code, _, messages = dockfix("--output", "patches", "--split-by", "owner", ".")
    assert time.monotonic() - begin < 100
    assert "Traceback" not in messages
    assert "a defect" not in messages
    assert code in (0, 2, 123), messages
    if code:
        assert name in messages, messages
    else:
        assert list(Path("patches").iterdir())


@pytest.fixture
def deep(repository: Repository) -> Iterator[Repository]:
    """A tracked Dockerfile in a folder whose path is longer than PATH_MAX."""
    repository.put("Dockerfile", text=BEFORE)
    repository.commit()
    here = os.getcwd()
    for _ in range(20):
        os.mkdir("d" * 250)
        os.chdir("d" * 250)
    Path("Dockerfile").write_text(BEFORE)
    os.chdir(here)
    yield repository
    subprocess.run(["rm", "-rf", "d" * 250], check=True)


@pytest.mark.integration
def test_a_path_beyond_the_longest_is_named(deep: Repository, dockfix: RunDockfix) -> None:
    code, _, messages = dockfix("--check", ".")
    assert code == 123, messages
    assert "Traceback" not in messages
    assert "Dockerfile: would change" in messages
    assert "ddddd" in messages
    assert "File name too long" in messages


def test_a_defect_ends_with_one_line_and_a_code_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> int:
        raise LookupError("the content of a file")

    monkeypatch.setattr(cli, "run", fail)
    monkeypatch.setattr(sys, "argv", ["dockfix", "."])
    with pytest.raises(SystemExit) as ended:
        entry.main()
    assert ended.value.code == 70
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("dockfix: a defect of dockfix: LookupError at ")
    assert line.endswith(
        "please report this line and the command at https://github.com/dockfix/dockfix/issues"
    )
    assert "the content of a file" not in line


@pytest.mark.parametrize("start", ["name: # a comment\n  a\n\n", "a:\n  # b\n: # c\n|\n\n---\n"])
def test_yaml_whose_comments_overlap(start: str) -> None:
    """A limit of ruamel.yaml where it keeps comments: it raises what is no YAMLError."""
    inner = textwrap.indent(BEFORE, " " * 8)
    text = f"{start}services:\n  a:\n    build:\n      dockerfile_inline: |\n{inner}"
    with pytest.raises(NotImplementedError, match="overlap in comment"):
        list(YAML(typ="rt", pure=True).compose_all(text))
    assert "USER " in rewrite_file("compose.yml", text, package.fix, unsafe=True)[0]


@pytest.mark.parametrize("escape", ["\\N{}", "\\N{no such name}", "\\x", "\\u12"])
def test_a_python_literal_with_an_escape_that_python_rejects(escape: str) -> None:
    text = f"D = '''{BEFORE}# {escape}\n'''\n"
    assert rewrite_file("a.py", text, package.fix, unsafe=True) == (text, ())


@pytest.mark.parametrize(
    "action", ["define", "define :=", 'define "a" :=', "block", "template", "template :="]
)
def test_a_chart_with_a_template_without_a_name(action: str) -> None:
    template = f"{{{{ {action} }}}}kind: Pod\n{{{{ end }}}}\n"
    read_manifests([("c/templates/pod.yaml", template)], bool, {"c/values.yaml": "a: b\n"}.get)
    with pytest.raises(ValueError, match="without a name"):
        parse_template(template)


SHARED_MEMORY = """
import _multiprocessing, multiprocessing, sys
from dockfix.__main__ import main

class Denied:
    SEM_VALUE_MAX = 1

    def __init__(self, *_):
        raise PermissionError(13, "Permission denied")

_multiprocessing.SemLock = Denied
try:
    multiprocessing.Lock()
except PermissionError:
    main()
"""


@pytest.mark.integration
def test_shared_memory_that_is_not_writable(repository: Repository) -> None:
    """Semaphores of multiprocessing need /dev/shm; dockfix's own processes need none."""
    for number in range(40):
        repository.put(f"s{number}/Dockerfile", text=BEFORE)
    environment = {**os.environ, "PYTHONPATH": str(Path(package.__file__).parents[1])}
    command = [sys.executable, "-c", SHARED_MEMORY, "--check", "--jobs", "2", "--no-cache", "."]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 1, run.stderr
    assert "40 files processed" in run.stderr
    assert "failed            0" in run.stderr


@pytest.mark.parametrize("option", [(), ("--update-baseline",)])
@pytest.mark.integration
def test_a_baseline_of_a_stranger(
    dockfix: RunDockfix, repository: Repository, option: tuple[str, ...]
) -> None:
    repository.put("Dockerfile", text=BEFORE)
    names = ["/etc/passwd", "../outside", "a\0b", "\udcff", "\x1b]0;title\x07", "a/" * 5000, "", "."]
    files = {name: ["unknown-base \x1b[31m", "\x1b[31m ::error::x"] for name in names}
    Path("b.json").write_text(json.dumps({"version": 1, "files": files}))
    code, _, messages = dockfix("--check", "--baseline", "b.json", *option, ".")
    assert code == (0 if option else 1), messages
    assert "\x1b" not in messages
    assert "recorded in b.json" in messages if option else "no longer occur" in messages
    assert "::error::" not in messages


@pytest.mark.parametrize(
    "uri",
    [
        "file:///a/%00/Dockerfile",
        "file:///a/%ED%A0%80/Dockerfile",
        "file:///../../a/Dockerfile",
        "vscode-remote://host/%00/Dockerfile",
    ],
)
def test_addresses_of_documents_that_no_file_has(uri: str, folder: Path) -> None:
    place = make_server()._place(uri)
    assert place is not None
    assert "\nUSER " in fix_at(place, BEFORE).after.decode()


@pytest.mark.parametrize(
    "path", ["\ud800", "a\0", "../a", "/etc/passwd", "a/" * 5_000, "~", "file:///etc/passwd"]
)
def test_paths_from_an_agent_that_are_not_in_the_folder(path: str, folder: Path) -> None:
    with pytest.raises(OutsideError):
        Folder(str(folder)).resolve(path)


def test_ignore_rules_that_git_cannot_hold(
    dockfix: Callable[..., tuple[int, str, str]], repository: Repository
) -> None:
    """Without a list of new files, those that git tracks are still looked at, and the run fails."""
    repository.put("tracked/Dockerfile", text=BEFORE)
    repository.commit()
    repository.put("new/Dockerfile", text=BEFORE)
    with Path(".gitignore").open("wb") as file:
        file.truncate(1 << 40)
    code, _, messages = dockfix("--check", ".")
    assert code == 123
    assert "tracked/Dockerfile: would change" in messages
    assert ".: error: not readable: fatal: Out of memory" in messages
