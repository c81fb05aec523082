from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from git_repository import Repository

Run = Callable[..., tuple[int, str, str]]

PLAIN = 'FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nCMD ["python", "main.py"]\n'
LOW_PORT = PLAIN.replace("CMD", "EXPOSE 80\nCMD")
CRON = 'FROM python:3.12-slim\nCMD ["cron", "-f"]\n'


def put(**files: str) -> None:
    for name, text in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def recorded(dockfix: Run, repository: Repository) -> Run:
    """Three files, recorded, and the command line that is given the baseline."""
    put(**{"a/Dockerfile": PLAIN, "b/Dockerfile": LOW_PORT, "c/Dockerfile": CRON})
    code, _, err = dockfix("--check", ".", "--baseline", "b.json", "--update-baseline")
    assert (code, "3 files recorded in b.json" in err) == (0, True)
    return lambda *words: dockfix(*words, "--baseline", "b.json")


@pytest.mark.integration
def test_what_is_recorded_is_left_out(recorded: Run) -> None:
    code, out, err = recorded("--check", ".", "--diff", "--report", "r.sarif")
    assert (code, out) == (0, "")
    assert "a/Dockerfile" not in err
    assert "skipped           3   baselined 3" in err
    assert "--explain" not in err
    assert json.loads(Path("r.sarif").read_text())["runs"][0]["results"] == []
    assert "a/Dockerfile: nothing new since the baseline [baselined]" in recorded("--check", "-v", "a")[2]


@pytest.mark.integration
def test_a_file_with_anything_new_is_reported_whole(recorded: Run) -> None:
    put(**{"d/Dockerfile": PLAIN, "a/Dockerfile": LOW_PORT})
    code, _, err = recorded("--check", ".")
    assert code == 1
    assert "d/Dockerfile: would change" in err
    assert "a/Dockerfile:4: needs review: port 80" in err
    assert "b/Dockerfile" not in err


@pytest.mark.parametrize(
    "text",
    [
        LOW_PORT.replace("WORKDIR", "\n# moved\nWORKDIR"),
        LOW_PORT.replace("3.12-slim", "3.13-slim"),
        LOW_PORT.replace("EXPOSE 80", "EXPOSE   80"),
    ],
)
@pytest.mark.integration
def test_what_has_only_moved_is_still_recorded(recorded: Run, text: str) -> None:
    put(**{"b/Dockerfile": text})
    assert "baselined 3" in recorded("--check", ".")[2]


@pytest.mark.integration
def test_what_no_longer_occurs_is_reported_and_taken_out(recorded: Run) -> None:
    put(**{"b/Dockerfile": PLAIN})
    Path("c/Dockerfile").unlink()
    code, _, err = recorded("--check", ".")
    assert code == 0
    gone = "2 entries of b.json no longer occur: b/Dockerfile [low-port], c/Dockerfile [needs-root-process]"
    assert f"{gone} (--update-baseline takes them out)" in err
    recorded("--check", ".", "--update-baseline")
    assert list(json.loads(Path("b.json").read_text())["files"]) == ["a/Dockerfile", "b/Dockerfile"]
    assert "no longer" not in recorded("--check", ".")[2]


@pytest.mark.integration
def test_a_run_over_some_files_leaves_the_entries_of_others(recorded: Run) -> None:
    put(**{"b/Dockerfile": PLAIN})
    assert "no longer" not in recorded("--check", "a")[2]
    recorded("--check", "b", "--update-baseline")
    files = json.loads(Path("b.json").read_text())["files"]
    assert {name: len(entries) for name, entries in files.items()} == {
        "a/Dockerfile": 1,
        "b/Dockerfile": 1,
        "c/Dockerfile": 1,
    }


@pytest.mark.usefixtures("recorded")
@pytest.mark.integration
def test_paths_are_those_from_the_baselines_folder(dockfix: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    text = Path("b.json").read_text().replace('"a/', '"../a/')
    Path("c/moved.json").write_text(text)
    monkeypatch.chdir("a")
    for name in ("../b.json", "../c/moved.json"):
        assert "nothing new" in dockfix("--check", "-v", "Dockerfile", "--baseline", name)[2]


@pytest.mark.integration
def test_what_is_recorded_is_not_written(recorded: Run) -> None:
    assert recorded("--write", "--allow-dirty", ".")[0] == 0
    assert Path("a/Dockerfile").read_text() == PLAIN


def test_a_failure_is_never_recorded(dockfix: Run) -> None:
    Path("Dockerfile").write_bytes(b"FROM a\n\xff\n")
    assert dockfix("--check", ".", "--baseline", "b.json", "--update-baseline")[0] == 123
    assert json.loads(Path("b.json").read_text())["files"] == {}


MISTAKES = {
    "missing": ("", "--baseline: no such file: b.json (record it: --update-baseline)"),
    "not JSON": ("{", "b.json: not a baseline of version 1"),
    "another version": ('{"version": 2, "files": {}}', "b.json: not a baseline of version 1"),
    "another shape": ('{"version": 1, "files": {"a": [1]}}', "b.json: not a baseline of version 1"),
    "a name that no file has": (
        '{"version": 1, "files": {"\\ud800": ["a b"]}}',
        "b.json: not a baseline of version 1",
    ),
    "deep": ("[" * 100_000, "b.json: not a baseline of version 1"),
}


@pytest.mark.parametrize(("text", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_baseline_that_cannot_be_read_ends_the_run(dockfix: Run, text: str, message: str) -> None:
    if text:
        Path("b.json").write_text(text)
    assert dockfix("--check", ".", "--baseline", "b.json") == (2, "", f"dockfix: {message}\n")
