"""`--interactive`: what it asks, writes, refuses and remembers."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from git_repository import Repository
from pseudo_terminal import environment_of_a_person, open_terminal, read_until

from dockfix import Changed, fix
from dockfix.config import forget_configs
from dockfix.interactive.decisions import KEYS
from dockfix.interactive.remembering import find_configuration, pattern_of, with_comment
from dockfix.interactive.run import run_interactively
from dockfix.options.request import Output, Request
from dockfix.runner.outcome import FileResult

Run = Callable[..., tuple[int, str, str]]
SHOP = """\
FROM python:3.12-slim
WORKDIR /app
RUN pip install flask
COPY . .
CMD ["python", "shop.py"]
"""
NAMES = ["create-user", "set-user", "pip-user", "user-path", "chown-copies"]


@pytest.fixture
def shop(repository: Repository, folder: Path) -> Path:
    """A repository with one Dockerfile and its source, committed."""
    (folder / "Dockerfile").write_text(SHOP)
    (folder / "shop.py").write_text("print('hello')\n")
    repository.git("add", ".")
    repository.git("commit", "--quiet", "-m", "first")
    forget_configs()
    return folder


def commit(folder: Path) -> None:
    """Commit everything in the folder."""
    repository = Repository(folder)
    repository.git("add", ".")
    repository.git("commit", "--quiet", "-m", "next")


def decide(answers: Iterable[str], *paths: str, **options: object) -> int:
    """Run with these answers, one per line."""
    request = Request(paths=paths or ["."], overrides=options, output=Output(interactive=True))
    return run_interactively(request, io.StringIO("".join(f"{answer}\n" for answer in answers)))


def whole() -> str:
    result = fix(SHOP)
    assert isinstance(result, Changed)
    return result.text


def messages(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


@pytest.mark.integration
def test_every_edit_is_shown_and_asked_for(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert decide(["y"] * 5) == 0
    err = messages(capsys)
    assert re.findall(r"^@@ line \d+ @@ ([\w-]+): ", err, re.MULTILINE) == NAMES
    assert "-RUN pip install flask\n+RUN pip install --user flask\n" in err
    assert "(3/5) Make this edit [y,n,a,d,k,K,x,u,q,?]? " in err
    assert (shop / "Dockerfile").read_text() == whole()
    assert "  changed           1\n" in err


@pytest.mark.integration
def test_what_is_written_can_be_undone(shop: Path, dockfix: Run) -> None:
    decide(["a"])
    assert (shop / "Dockerfile").read_text() == whole()
    assert dockfix("--undo")[0] == 0
    assert (shop / "Dockerfile").read_text() == SHOP


@pytest.mark.integration
def test_part_that_breaks_a_guarantee_is_refused_with_the_reason(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    decide(["y", "n", "a", "n", "n"])
    err = messages(capsys)
    assert "These edits do not hold without the others:\n" in err
    assert "[broken-guarantee-ships-as-non-root]" in err
    assert (shop / "Dockerfile").read_text() == SHOP


@pytest.mark.integration
def test_part_that_breaks_may_be_decided_again_or_made_whole(shop: Path) -> None:
    decide(["y", "n", "a", "r", "n", "a", "a"])
    assert (shop / "Dockerfile").read_text() == whole()


@pytest.mark.integration
def test_part_that_holds_is_written(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = SHOP.replace("RUN pip install flask", "RUN pip install flask && apt-get install -y gcc")
    (shop / "Dockerfile").write_text(text)
    commit(shop)
    decide(["n", "a"])
    err = messages(capsys)
    assert re.findall(r"^@@ line \d+ @@ ([\w-]+): ", err, re.MULTILINE)[0] == "silence-pip"
    written = (shop / "Dockerfile").read_text()
    assert "USER appuser\n" in written
    assert "--root-user-action" not in written
    made = re.search(r"^Dockerfile: changed \((.*)\)$", err, re.MULTILINE)
    assert made is not None
    assert {"create-user", "set-user", "chown-copies"} <= set(made[1].split(", "))
    assert "silence-pip" not in made[1]


@pytest.mark.integration
def test_explanation_names_what_is_denied_without_the_edit(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    decide(["x", "q"])
    err = messages(capsys)
    assert "without it: no step creates the user appuser\n" in err
    assert "more: dockfix --explain create-user\n" in err


@pytest.mark.integration
def test_account_gets_another_name(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    decide(["u", "Root!", "clerk", "a"])
    assert "'Root!' is not a valid user name" in messages(capsys)
    assert "USER clerk\n" in (shop / "Dockerfile").read_text()


@pytest.mark.integration
def test_quitting_leaves_this_file_and_all_later_ones(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "b.Dockerfile").write_text(SHOP)
    assert decide(["a", "q"], "Dockerfile", "b.Dockerfile") == 0
    assert (shop / "Dockerfile").read_text() == whole()
    assert (shop / "b.Dockerfile").read_text() == SHOP
    assert "  needs review      1" in messages(capsys)


@pytest.mark.integration
def test_end_of_input_is_like_quitting(shop: Path) -> None:
    assert decide(["y"]) == 0
    assert (shop / "Dockerfile").read_text() == SHOP


@pytest.mark.integration
def test_a_kind_is_decided_for_all_files(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "b.Dockerfile").write_text(SHOP)
    commit(shop)
    decide(["k", "a", "a"], "Dockerfile", "b.Dockerfile")
    shown = re.findall(r"^@@ line \d+ @@ ([\w-]+): ", messages(capsys), re.MULTILINE)
    assert shown == ["create-user", "set-user", "set-user"]
    assert (shop / "b.Dockerfile").read_text() == whole()


@pytest.mark.integration
def test_help_says_what_each_key_does(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    decide(["?", "q"])
    assert "K - leave every edit of this kind out, here and in later files\n" in messages(capsys)


@pytest.mark.integration
def test_refused_file_is_remembered_in_a_comment(shop: Path, dockfix: Run) -> None:
    decide(["d", "c"])
    assert (shop / "Dockerfile").read_text() == f"# dockfix: ignore\n{SHOP}"
    assert "[ignored]" in dockfix("--check", ".")[2]


@pytest.mark.integration
def test_refused_file_is_remembered_in_the_configuration(shop: Path, dockfix: Run) -> None:
    decide(["d", "p"])
    assert (shop / "dockfix.toml").read_text() == 'exclude = ["/Dockerfile"]\n'
    assert (shop / "Dockerfile").read_text() == SHOP
    forget_configs()
    assert "No Dockerfiles found in ." in dockfix("--check", ".")[2]


@pytest.mark.integration
def test_refused_kind_is_remembered_in_pyproject_with_its_comments(shop: Path) -> None:
    text = '[project]\nname = "a"  # kept\n\n[tool.dockfix]\nuser = "app"  # ours\n'
    (shop / "pyproject.toml").write_text(text)
    commit(shop)
    forget_configs()
    decide(["y", "y", "y", "y", "K", "a", "p"])
    assert (shop / "pyproject.toml").read_text() == f'{text}ignore = ["chown-copies"]\n'


@pytest.mark.integration
def test_change_that_waits_for_a_review_is_made_by_a_person(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "Dockerfile").write_text("FROM python:3.12-slim\nEXPOSE 80\nWORKDIR /app\nCMD python\n")
    commit(shop)
    decide(["a"])
    assert "needs review: port 80 is below 1024 [low-port]" in messages(capsys)
    assert "USER appuser\n" in (shop / "Dockerfile").read_text()


@pytest.mark.integration
def test_several_images_go_together(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "FROM python:3.12-slim AS web\nCMD python w.py\n\nFROM python:3.12-slim\nCMD python x.py\n"
    (shop / "Dockerfile").write_text(text)
    commit(shop)
    decide(["y"], targets=("web",))
    assert "The edits of this file go together. Make them [y,n,u,q,?]? " in messages(capsys)
    assert (shop / "Dockerfile").read_text().count("USER appuser\n") == 2


@pytest.mark.integration
def test_uncommitted_changes_are_not_written_over(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "Dockerfile").write_text(f"{SHOP}# mine\n")
    assert decide(["a"]) == 123
    assert "has uncommitted changes" in messages(capsys)
    assert (shop / "Dockerfile").read_text() == f"{SHOP}# mine\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("FROM a\n", "# dockfix: ignore\nFROM a\n"),
        ("# syntax=a\n# escape=`\nFROM a\n", "# syntax=a\n# escape=`\n# dockfix: ignore\nFROM a\n"),
        ("FROM a\r\n", "# dockfix: ignore\r\nFROM a\r\n"),
    ],
)
def test_comment_stands_below_directives(before: str, after: str) -> None:
    file = with_comment(FileResult("Dockerfile", Changed("", ()), before.encode()))
    assert isinstance(file.result, Changed)
    assert file.result.text == after


def test_pattern_means_the_file_and_no_other(shop: Path) -> None:
    configuration = find_configuration(str(shop))
    assert pattern_of(str(shop / "a[1]" / "Dockerfile*"), configuration) == r"/a\[1\]/Dockerfile\*"


def test_the_documentation_names_every_key() -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "interactive.md"
    rows = re.findall(r"^\| `(.)` \| (.+?) \|$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert dict(rows) == KEYS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--interactive"], "--interactive needs a terminal"),
        (["-i", "--check"], "--interactive writes what you decide"),
        (["-i", "-"], "--interactive asks on standard input"),
    ],
)
def test_what_cannot_be_asked(dockfix: Run, arguments: list[str], message: str) -> None:
    code, _, err = dockfix(*arguments)
    assert code == 2
    assert message in err


@pytest.mark.integration
def test_a_person_at_a_terminal(shop: Path) -> None:
    argv = [sys.executable, "-m", "dockfix", "--interactive", "--no-cache", "."]
    person = environment_of_a_person()
    with (
        open_terminal() as (mine, theirs),
        subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, env=person, cwd=shop) as done,
    ):
        os.close(theirs)
        first = read_until(mine, b"(1/5) Make this edit")
        assert b"\x1b[32m+RUN useradd --create-home appuser\x1b[0m" in first
        os.write(mine, b"x\n")
        assert b"no step creates the user appuser" in read_until(mine, b"more: dockfix --explain create-user")
        os.write(mine, b"y\n")
        read_until(mine, b"(2/5) Make this edit")
        os.write(mine, b"a\n")
        assert b"changed           1" in read_until(mine, b"failed")
        assert done.wait(timeout=60) == 0
    assert (shop / "Dockerfile").read_text() == whole()


@pytest.mark.integration
def test_ctrl_c_at_a_terminal_writes_nothing_more(shop: Path) -> None:
    argv = ["setsid", "--ctty", "--wait", sys.executable, "-m", "dockfix", "--interactive", "--no-cache", "."]
    with (
        open_terminal() as (mine, theirs),
        subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, cwd=shop) as done,
    ):
        os.close(theirs)
        read_until(mine, b"(1/5) Make this edit")
        os.write(mine, b"\x03")
        assert done.wait(timeout=60) == 130
    assert (shop / "Dockerfile").read_text() == SHOP
