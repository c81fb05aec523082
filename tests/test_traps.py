"""A repository full of traps: each gives one clear message, and only real failures make the run fail."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from git_repository import Repository

from dockfix import cli
from dockfix.config import forget_configs

GOOD = b'FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nCMD ["python", "app.py"]\n'

# What each trap's line starts with; "" is said by nothing but the patch, "-" by nothing at all.
LINES = {
    "backup/Dockerfile~": "-",
    "binary/Dockerfile": ":1: error: contains a NUL byte [nul-byte]",
    "broken-link/Dockerfile": ": a broken symbolic link [dead-link]",
    "crlf/Dockerfile": "",
    "devcontainer/.devcontainer/Dockerfile": ": a dev container",
    "empty/Dockerfile": ": error: empty file [empty]",
    "folder/Dockerfile": ": a folder, not a file [not-a-file]",
    "folder/Dockerfile/Dockerfile": "",
    "form-feed/Dockerfile": "",
    "github-action/Dockerfile": ": the image of a GitHub Docker action",
    "huge/Dockerfile": ": error: larger than 16 MiB [too-large]",
    "ignored/Dockerfile": "-",
    "latin-1/Dockerfile": ":2: error: not UTF-8: byte 0xe9 [not-utf-8]",
    "link-loop/Dockerfile": ": a broken symbolic link [dead-link]",
    "link-out/Dockerfile": ": a symbolic link to '",
    "link-to-folder/Dockerfile": ": a symbolic link to a folder, not a file [not-a-file]",
    "link-twice/Dockerfile": "-",
    "long-line/Dockerfile": ":2: ",
    "mark/Dockerfile": "",
    "name with space/Dockerfile": "",
    '"new\\nline/Dockerfile"': "",
    "no-from/Dockerfile": ":1: ",
    "no-newline/Dockerfile": "",
    '"not-utf-8-\\351/Dockerfile"': "",
    "notes/dockerfile.py": "-",
    "notes/Dockerfile.dockerignore": "-",
    "only-comments/Dockerfile": ":1: ",
    "read-only/Dockerfile": "",
    "submodule": ": a submodule, which is not searched [submodule]",
    "template/Dockerfile.j2": ": a template, not a Dockerfile [template]",
    "unknown-instruction/Dockerfile": ":2: ",
    "unreadable/Dockerfile": ": error: not readable [unreadable]",
    "unterminated-heredoc/Dockerfile": ":2: ",
    "utf-16/Dockerfile": ":1: error: UTF-16 text [not-utf-8]",
    "vendor/x/Dockerfile": ": vendored from elsewhere [vendored]",
}
FAILED = {"binary", "empty", "huge", "latin-1", "unreadable", "utf-16"}


@pytest.fixture
def traps(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    forget_configs()
    _close(monkeypatch, "unreadable/Dockerfile")
    contents = {
        "backup/Dockerfile~": GOOD,
        "binary/Dockerfile": b"\x7fELF\0\0\1",
        "crlf/Dockerfile": GOOD.replace(b"\n", b"\r\n"),
        "devcontainer/.devcontainer/Dockerfile": GOOD,
        "devcontainer/.devcontainer/devcontainer.json": b"{}",
        "empty/Dockerfile": b"",
        "folder/Dockerfile/Dockerfile": GOOD,
        "form-feed/Dockerfile": GOOD.replace(b"COPY", b"# \x0c \xe2\x80\xa8 x\nCOPY"),
        "github-action/Dockerfile": GOOD,
        "github-action/action.yml": b"name: x\nruns:\n  using: docker\n  image: Dockerfile\n",
        "huge/Dockerfile": b"#" * (17 << 20),
        "latin-1/Dockerfile": b"FROM python:3.12-slim\n# caf\xe9\n",
        "long-line/Dockerfile": b"FROM python:3.12-slim\nRUN echo " + b"x" * 70_000 + b"\n",
        "mark/Dockerfile": b"\xef\xbb\xbf" + GOOD,
        "name with space/Dockerfile": GOOD,
        "new\nline/Dockerfile": GOOD,
        "no-from/Dockerfile": b"RUN true\n",
        "no-newline/Dockerfile": GOOD.rstrip(b"\n"),
        os.fsdecode(b"not-utf-8-\xe9/Dockerfile"): GOOD,
        "notes/dockerfile.py": b"x = 1\n",
        "notes/Dockerfile.dockerignore": b"*\n",
        "only-comments/Dockerfile": b"# FROM x\n",
        "read-only/Dockerfile": GOOD,
        "template/Dockerfile.j2": b"FROM {{ base }}\n",
        "unknown-instruction/Dockerfile": b"FROM python:3.12-slim\nINSTALL x\n",
        "unreadable/Dockerfile": GOOD,
        "unterminated-heredoc/Dockerfile": b"FROM python:3.12-slim\nRUN <<EOF\necho\n",
        "utf-16/Dockerfile": GOOD.decode().encode("utf-16"),
        "vendor/x/Dockerfile": GOOD,
    }
    for name, content in contents.items():
        repository.put(name)
        (repository.folder / name).write_bytes(content)
    links = {
        "broken-link": "nowhere",
        "link-loop": "Dockerfile",
        "link-out": "/etc/hostname",
        "link-to-folder": "../crlf",
        "link-twice": "../crlf/Dockerfile",
    }
    for name, target in links.items():
        (repository.folder / name).mkdir()
        (repository.folder / name / "Dockerfile").symlink_to(target)
    (repository.folder / "round").symlink_to("..")
    other = Repository(tmp_path / "other")
    other.folder.mkdir()
    other.git("init", "--quiet")
    other.put("Dockerfile")
    other.commit()
    repository.git("submodule", "--quiet", "add", str(other.folder), "submodule")
    repository.commit()
    repository.put(".gitignore", text="ignored/\n")
    repository.put("ignored/Dockerfile")
    (repository.folder / "read-only/Dockerfile").chmod(0o444)
    return repository


def _close(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let nobody open a file, not even root, whom no mode keeps out."""
    really_open = os.open

    folder, _, base = name.rpartition("/")

    def refuse(path: str, flags: int, *rest: int, dir_fd: int | None = None) -> int:
        inside = dir_fd is not None and os.readlink(f"/proc/self/fd/{dir_fd}").endswith("/" + folder)
        if os.fspath(path) == base and inside:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return really_open(path, flags, *rest, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["dockfix", *arguments])
    code = cli.run()
    sys.stdout.flush()
    return code


def test_each_trap_has_its_line(
    traps: Repository, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert run(monkeypatch, "--diff", ".") == 123
    out, err = capfdbinary.readouterr()
    lines = err.decode().partition("\n\n")[0].splitlines()
    patched = re.findall(r'^\+\+\+ (?:b/|"b/)(.*?)"?\t?$', out.decode(), re.MULTILINE)
    for trap, start in LINES.items():
        found = [line for line in lines if line.startswith(f"{trap}:") and "note:" not in line]
        if start in ("", "-"):
            assert found == []
            assert (trap.strip('"') in patched) == (start == "")
        else:
            assert len(found) == 1, (trap, found)
            assert found[0].startswith(trap + start)
            assert found[0].endswith(")")
    known = {trap.strip('"') for trap, start in LINES.items() if start == ""}
    assert set(patched) == known
    assert {line.split(":")[0].split("/")[0] for line in lines if " error: " in line} == FAILED
    subprocess.run(["git", "apply", "--check"], input=out, check=True)


def test_writing_touches_nothing_but_the_good_ones(
    traps: Repository, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert run(monkeypatch, "--write", ".") == 123
    _, err = capfdbinary.readouterr()
    assert b"read-only/Dockerfile: error: read-only [read-only]" in err
    changed = set(traps.git("diff", "--name-only", "-z").split("\0")) - {""}
    expected = {trap for trap, start in LINES.items() if start == "" and "read-only" not in trap}
    assert {re.sub(r"[^\x20-\x7e]", "?", name) for name in changed} == {
        re.sub(r"\\n|\\351", "?", trap.strip('"')) for trap in expected
    }
    content = (traps.folder / "crlf/Dockerfile").read_bytes()
    assert b"USER appuser\r\n" in content
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert (traps.folder / "mark/Dockerfile").read_bytes().startswith(b"\xef\xbb\xbfFROM")
    assert run(monkeypatch, "--undo") == 0
    assert traps.git("diff", "--name-only") == ""
