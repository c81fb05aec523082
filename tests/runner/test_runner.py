from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from git_repository import Repository

from dockfix.checks import codes
from dockfix.context import Context
from dockfix.options import Options
from dockfix.results import Changed, Finding, Result, Skipped, Unchanged

FILES = 60


def stand_in(text: str, options: Options, context: Context) -> Result:
    """Inserts USER after the first line."""
    if "crash" in text:
        os._exit(1)
    if "gosu" in text:
        return Skipped((Finding(codes.DROPS_PRIVILEGES, 2, "gosu drops root itself", "leave it"),))
    if "USER" in text:
        return Unchanged()
    first, rest = text.split("\n", 1)
    return Changed(f"{first}\nUSER {options.user}\n{rest}", ("set-user",))


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def dockfix(dockfix: Run, monkeypatch: pytest.MonkeyPatch, repository: Repository) -> Run:
    monkeypatch.setattr("dockfix.pipeline.fix", stand_in)
    monkeypatch.setattr("dockfix.runner.outcome._load", lambda: None)
    for number in range(FILES):
        repository.put(f"s{number:02}/Dockerfile", text=f"FROM a:{number}\nCMD b\n")
    repository.put("gosu/Dockerfile", text="FROM a\nCMD gosu\n")
    repository.commit()
    return dockfix


@pytest.mark.integration
def test_one_patch_of_all_applies(dockfix: Run, repository: Repository) -> None:
    code, out, err = dockfix("--diff", ".")
    assert code == 0
    assert "gosu/Dockerfile:2: gosu drops root itself [drops-privileges] (leave it)\n" in err
    names = [line.removeprefix("+++ b/") for line in out.splitlines() if line.startswith("+++ ")]
    assert names == [f"s{number:02}/Dockerfile" for number in range(FILES)]
    subprocess.run(["git", "apply"], input=out.encode(), check=True)
    assert dockfix("--check", ".")[0] == 0


@pytest.mark.integration
def test_cached_results_are_the_same_and_cost_no_fix(dockfix: Run, repository: Repository) -> None:
    cold = dockfix("--diff", ".")
    pretend = pytest.MonkeyPatch()
    pretend.setattr("dockfix.confined._Process", None)
    assert dockfix("--diff", ".") == cold
    pretend.undo()
    repository.put("s07/Dockerfile", text="FROM other\nCMD b\n")
    assert "+++ b/s07/Dockerfile\n@@ -1,2 +1,3 @@\n FROM other\n+USER" in dockfix("--diff", ".")[1]
    assert "+USER mine\n" in dockfix("--diff", ".", "--user", "mine")[1]
    assert dockfix("--diff", ".", "--no-cache", "-j", "1")[1] == dockfix("--diff", ".")[1]


@pytest.mark.integration
def test_write_refuses_what_is_not_committed(dockfix: Run, repository: Repository) -> None:
    repository.put("s03/Dockerfile", text="FROM mine\nCMD b\n")
    repository.put("new/Dockerfile")
    code, _, err = dockfix("--write", ".")
    assert code == 123
    help = "(commit them, or pass --allow-dirty)"
    assert f"s03/Dockerfile: error: has uncommitted changes [uncommitted] {help}\n" in err
    assert Path("s03/Dockerfile").read_text() == "FROM mine\nCMD b\n"
    assert "USER" in Path("s04/Dockerfile").read_text()
    assert "USER" in Path("new/Dockerfile").read_text()
    assert dockfix("--write", ".", "--allow-dirty")[0] == 0
    assert "USER" in Path("s03/Dockerfile").read_text()


@pytest.mark.integration
def test_a_run_can_be_taken_back(dockfix: Run, repository: Repository) -> None:
    untouched = Path("gosu/Dockerfile").stat()
    assert dockfix("--write", ".")[0] == 0
    assert len(repository.git("diff", "--name-only").splitlines()) == FILES
    assert dockfix("--undo") == (0, "", f"{FILES} files restored\n")
    assert repository.git("status", "--porcelain") == ""
    assert Path("gosu/Dockerfile").stat() == untouched
    assert dockfix("--undo") == (0, "", "nothing to undo\n")


@pytest.mark.integration
def test_undo_reports_what_it_leaves(dockfix: Run) -> None:
    dockfix("--write", ".")
    Path("s00/Dockerfile").write_text("FROM mine\n")
    code, _, err = dockfix("--undo")
    assert code == 123
    assert (
        "s00/Dockerfile: error: changed since it was written [changed-meanwhile] (restore it by hand)\n"
        in err
    )
    assert f"{FILES - 1} files restored, 1 not\n" in err


@pytest.mark.skipif(sys.platform != "linux", reason="the stand-in travels by fork")
@pytest.mark.integration
def test_a_crash_is_one_line_and_one_failure(dockfix: Run, repository: Repository) -> None:
    repository.put("s05/Dockerfile", text="FROM crash\n")
    code, _, err = dockfix("--check", ".")
    assert code == 123
    assert "s05/Dockerfile: error: its worker process died [crash] (please report it, with the file)\n" in err
    assert f"  would change     {FILES - 1}   (fix them: dockfix --write .)\n" in err
    assert "  failed            1\n" in err


@pytest.mark.integration
def test_few_files_share_one_process(dockfix: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    forked: list[int] = []
    really = os.fork

    def fork() -> int:
        forked.append(os.getpid())
        return really()

    monkeypatch.setattr(os, "fork", fork)
    assert dockfix("--check", "s00", "s01")[0] == 1
    assert forked == [os.getpid()]
