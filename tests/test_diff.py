from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockfix.diff import (
    apply_lines,
    compare_lines,
    patch_name,
    patch_root,
    quote_name,
    split_lines,
    unified_diff,
)

CONTENTS = {
    "a plain insertion": ("FROM a\nCMD b\n", "FROM a\nUSER u\nCMD b\n"),
    "no newline at the end of both": ("FROM a\nCMD b", "FROM a\nUSER u\nCMD b"),
    "a last line that gains a newline": ("FROM a\nCMD b", "FROM a\nCMD b\nUSER u\n"),
    "a last line that loses its newline": ("FROM a\nCMD b\n", "FROM a\nUSER u\nCMD b"),
    "one line without a newline": ("FROM a", "FROM b"),
    "carriage returns": ("FROM a\r\nCMD b\r\n", "FROM a\r\nUSER u\r\nCMD b\r\n"),
    "mixed line ends": ("FROM a\r\nENV x=1\nCMD b\r\n", "FROM a\r\nENV x=1\nUSER u\nCMD b\r\n"),
    "form feed, U+2028 and a lone carriage return": (
        "FROM a\n# \f x \u2028 y \r z\nCMD b\n",
        "FROM a\n# \f x \u2028 y \r z\nUSER u\nCMD b\n",
    ),
    "a byte-order mark": ("\ufeffFROM a\nCMD b\n", "\ufeffFROM a\nUSER u\nCMD b\n"),
    "two hunks": (
        "FROM a\n" + "RUN x\n" * 30 + "CMD b\n",
        "FROM a\nUSER u\n" + "RUN x\n" * 30 + "ENV y=1\nCMD b\n",
    ),
    "a line that looks like a header": ("-- a\nFROM a\nCMD b\n", "++ b\nFROM a\nUSER u\nCMD b\n"),
}
NAMES = [
    "Dockerfile",
    "sub/dir/Dockerfile.prod",
    "two words/Docker file",
    "tab\there/Dockerfile",
    'quo"te/Dockerfile',
    "new\nline/Dockerfile",
    "back\\slash/Dockerfile",
    "größe/日本.Dockerfile",
    "-dash/Dockerfile",
    "lead and trail /Dockerfile ",
]


def apply(tool: list[str], folder: Path, patch: str) -> None:
    done = subprocess.run(tool, cwd=folder, input=patch.encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout


@pytest.mark.parametrize("tool", [["git", "apply"], ["patch", "-p1", "--binary"]], ids=["git", "patch"])
@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_patch_makes_the_second_of_the_first(
    tmp_path: Path, content: tuple[str, str], tool: list[str]
) -> None:
    before, after = content
    file = tmp_path / "Dockerfile"
    file.write_bytes(before.encode())
    apply(tool, tmp_path, unified_diff(before, after, "Dockerfile"))
    assert file.read_bytes() == after.encode()


@pytest.mark.parametrize("tool", [["git", "apply"], ["patch", "-p1"]], ids=["git", "patch"])
@pytest.mark.parametrize("name", NAMES)
def test_patch_finds_a_file_of_any_name(tmp_path: Path, name: str, tool: list[str]) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("FROM a\nCMD b\n")
    apply(tool, tmp_path, unified_diff("FROM a\nCMD b\n", "FROM a\nUSER u\nCMD b\n", name))
    assert file.read_text() == "FROM a\nUSER u\nCMD b\n"


@pytest.mark.parametrize("name", [name for name in NAMES if name == name.strip()])
def test_headers_are_those_of_git(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("FROM a\n")
    git = ["git", "-c", "core.quotepath=true"]
    subprocess.run([*git, "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run([*git, "add", "."], cwd=tmp_path, check=True)
    file.write_text("FROM b\n")
    diff = subprocess.run([*git, "diff"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert diff[diff.index("\n--- ") + 1 :] == unified_diff("FROM a\n", "FROM b\n", name)


def test_name_of_undecodable_bytes_is_octal() -> None:
    assert quote_name(os.fsdecode(b"caf\xe9/Dockerfile")) == '"caf\\351/Dockerfile"'


def test_equal_texts_have_no_patch() -> None:
    assert unified_diff("FROM a\n", "FROM a\n", "Dockerfile") == ""


def test_a_very_long_file_costs_little() -> None:
    lines = ["RUN true\n"] * 100_000
    before = "FROM a\n" + "".join(lines) + "CMD b\n"
    after = "FROM a\nUSER u\n" + "".join(lines) + "CMD c\n"
    diff = unified_diff(before, after, "Dockerfile")
    assert diff.startswith("--- a/Dockerfile\n+++ b/Dockerfile\n@@ -1,")


def applied(before: str, diff: str) -> str:
    """The patch applied to `before`, by the definition of the format."""
    old, new, at, last = split_lines(before), list[str](), 0, ""
    for line in split_lines(diff)[2:]:
        if line.startswith("@@"):
            start, _, length = line.split()[1][1:].partition(",")
            first = int(start) - (length != "0")
            new += old[at:first]
            at = first
        elif line.startswith("\\"):
            new[-1:] = [new[-1].removesuffix("\n")] if last == "+" else new[-1:]
        else:
            last = line[0]
            if last != "+":
                assert old[at].rstrip("\n") == line[1:].rstrip("\n")
            if last == "+":
                new.append(line[1:])
            elif last == " ":
                new.append(old[at])
            at += last != "+"
    return "".join(new + old[at:])


@settings(max_examples=100, deadline=None)
@given(st.text("ab\n\r", max_size=40), st.text("ab\n\r", max_size=40))
def test_patch_means_the_second_text(before: str, after: str) -> None:
    assert applied(before, unified_diff(before, after, "f")) == after
    assert apply_lines(before, compare_lines(before, after)) == after


def test_patch_names_are_relative_to_the_root_of_the_patch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "real.Dockerfile").write_text("FROM a\n")
    (tmp_path / "sub" / "Dockerfile").symlink_to("../real.Dockerfile")
    assert patch_root(["sub/Dockerfile"]) == str(tmp_path)
    assert patch_name(os.path.realpath("sub/Dockerfile"), str(tmp_path)) == "real.Dockerfile"


def test_outside_of_the_folder_the_repository_is_the_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "repo" / "here").mkdir(parents=True)
    (tmp_path / "repo" / ".git").mkdir()
    monkeypatch.chdir(tmp_path / "repo" / "here")
    root = patch_root(["../there/Dockerfile"])
    assert root == str(tmp_path / "repo")
    assert patch_name(os.path.realpath("../there/Dockerfile"), root) == "there/Dockerfile"
