"""--since: a change makes a difference to the files that it may make one to, and to no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from git_repository import Repository

Run = Callable[..., tuple[int, str, str]]

FILES = {
    "web/Dockerfile": 'FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nCMD ["python", "main.py"]\n',
    "web/main.py": "import helper\n",
    "web/helper.py": "open('/var/x', 'r')\n",
    "web/README.md": "about\n",
    "job/Dockerfile": 'FROM python:3.12-slim\nCOPY job.py /app/\nCMD ["python", "/app/job.py"]\n',
    "job/job.py": "print()\n",
    "base/Dockerfile": "FROM python:3.12-slim\nRUN pip install flask\n",
    "top/Dockerfile": 'FROM acme/base\nWORKDIR /app\nCOPY . .\nCMD ["python", "a.py"]\n',
    "top/a.py": "print()\n",
    "compose.yaml": "services:\n"
    "  web:\n    build: web\n"
    "  base:\n    build: base\n    image: acme/base\n"
    "  top:\n    build: top\n",
    "lone/Dockerfile": 'FROM python:3.12-slim\nCMD ["python", "-m", "http.server"]\n',
    "lone/dockfix.toml": 'user = "lone"\n',
}


@pytest.fixture
def since(dockfix: Run, repository: Repository) -> Callable[..., list[str]]:
    """Which files a run over the repository is about, given changes since its first commit."""
    for name, text in FILES.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    repository.commit()
    repository.git("tag", "start")

    def run(*words: str) -> list[str]:
        code, _, err = dockfix("--check", ".", "--since", "start", "--report", "r.json", *words)
        assert code in (0, 1), err
        return [row["path"] for row in json.loads(Path("r.json").read_text())["files"]]

    return run


CHANGES = {
    "nothing": ([], []),
    "the file itself": (["job/Dockerfile"], ["job/Dockerfile"]),
    "a source": (["web/main.py"], ["web/Dockerfile"]),
    "a module that a source imports": (["web/helper.py"], ["web/Dockerfile"]),
    "what nothing reads": (["web/README.md"], []),
    "a manifest": (["compose.yaml"], ["base/Dockerfile", "top/Dockerfile", "web/Dockerfile"]),
    "a base": (["base/Dockerfile"], ["base/Dockerfile", "top/Dockerfile"]),
    "a configuration": (["lone/dockfix.toml"], ["lone/Dockerfile"]),
    "two": (["job/job.py", "lone/Dockerfile"], ["job/Dockerfile", "lone/Dockerfile"]),
}


@pytest.mark.parametrize(("changed", "files"), CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("committed", [False, True], ids=["dirty", "committed"])
@pytest.mark.integration
def test_files_that_a_change_may_make_a_difference_to(
    since: Callable[..., list[str]],
    repository: Repository,
    changed: list[str],
    files: list[str],
    committed: bool,
) -> None:
    for name in changed:
        Path(name).write_text(Path(name).read_text() + "# changed\n")
    if committed and changed:
        repository.commit()
    for _ in range(2):  # the second time from memory
        assert sorted(since()) == files
    assert sorted(since("--no-cache")) == files


@pytest.mark.integration
def test_new_and_deleted_sources_count(since: Callable[..., list[str]]) -> None:
    Path("new").mkdir()
    Path("new/Dockerfile").write_text(FILES["lone/Dockerfile"])
    Path("web/helper.py").unlink()
    assert sorted(since()) == ["new/Dockerfile", "web/Dockerfile"]


@pytest.mark.integration
def test_a_branch_counts_from_where_it_left(
    since: Callable[..., list[str]], dockfix: Run, repository: Repository
) -> None:
    repository.git("branch", "other")
    repository.git("branch", "--move", "trunk")
    Path("job/job.py").write_text("print(1)\n")
    repository.commit()
    repository.git("checkout", "--quiet", "other")
    Path("web/main.py").write_text("print(2)\n")
    repository.commit()
    repository.git("tag", "--force", "start", "trunk")
    assert since() == ["web/Dockerfile"]


@pytest.mark.integration
def test_nothing_concerned_is_said_in_one_line(since: Callable[..., list[str]], dockfix: Run) -> None:
    code, _, err = dockfix("--check", ".", "--since", "start")
    assert (code, err) == (0, "\nNo Dockerfile in . depends on what has changed since start\n")


@pytest.mark.parametrize("name", ["nothing", "--help", "HEAD~9"])
@pytest.mark.integration
def test_a_commit_that_is_not_there_ends_the_run(
    since: Callable[..., list[str]], dockfix: Run, repository: Repository, name: str
) -> None:
    code, out, err = dockfix("--check", ".", f"--since={name}")
    assert (code, out) == (2, "")
    assert err == f"dockfix: --since: {name!r} names no commit of {repository.folder}\n"


def test_outside_of_git_there_is_no_since(command_line: Run, folder: Path) -> None:
    Path("Dockerfile").write_text(FILES["lone/Dockerfile"])
    code, _, err = command_line("--check", ".", "--since", "HEAD")
    assert (code, err) == (2, f"dockfix: --since: {folder / 'Dockerfile'} is in no git repository\n")
