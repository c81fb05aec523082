from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from git_repository import Repository

from dockfix.files.writing import WriteError
from dockfix.output.apply import common_folder
from dockfix.output.journal import KEPT, Journal, find_journal


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(str(tmp_path / "journal"), str(tmp_path))


def write(journal: Journal, path: Path, text: str) -> None:
    journal.replace(str(path), path.read_bytes(), text.encode())


def undone(journal: Journal) -> dict[str, str]:
    """The names that an undo reported, with the reason if they were kept."""
    return {Path(path).name: finding.code if finding else "" for path, finding in journal.undo()}


def test_a_run_is_taken_back_whole(journal: Journal, tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("a", "b", "größe\n", os.fsdecode(b"\xe9"))}
    for file in files.values():
        file.write_bytes(b"\xef\xbb\xbfFROM a\r\n")
        file.chmod(0o640)
        write(journal, file, "FROM b\n")
    journal.close()
    assert set(undone(journal).values()) == {""}
    assert {file.read_bytes() for file in files.values()} == {b"\xef\xbb\xbfFROM a\r\n"}
    assert {file.stat().st_mode & 0o777 for file in files.values()} == {0o640}
    assert undone(journal) == {}


def test_runs_are_taken_back_one_by_one(journal: Journal, tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("1")
    for text in ("2", "3"):
        write(journal, file, text)
        journal.close()
    for text in ("2", "1", "1"):
        undone(journal)
        assert file.read_text() == text


def test_what_changed_since_stays_and_is_named(journal: Journal, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text("1")
        write(journal, tmp_path / name, "2")
    journal.close()
    (tmp_path / "a").write_text("mine")
    (tmp_path / "b").unlink()
    assert undone(journal) == {"c": "", "b": "unreadable", "a": "changed-meanwhile"}
    assert (tmp_path / "a").read_text() == "mine"
    (tmp_path / "a").write_text("2")
    (tmp_path / "b").write_text("2")
    assert undone(journal) == {"c": "", "b": "", "a": ""}


def test_a_cut_off_run_is_carried_on_in_the_same_journal(journal: Journal, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("1")
    write(journal, tmp_path / "a", "2")
    journal.abandon()
    with next((tmp_path / "journal").iterdir()).open("a") as file:
        file.write('{"path": "00')
    again = Journal(str(tmp_path / "journal"), str(tmp_path))
    assert again.interrupted
    write(again, tmp_path / "b", "2")
    again.close()
    assert not again.interrupted
    assert undone(again) == {"b": "", "a": ""}
    assert [(tmp_path / name).read_text() for name in ("a", "b")] == ["1", "1"]


def test_a_refused_write_stays_refused(journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine")
    with pytest.raises(WriteError, match="changed since it was read"):
        journal.replace(str(tmp_path / "a"), b"1", b"2")
    write(journal, tmp_path / "a", "2")
    journal.close()
    assert undone(journal) == {"a": ""}
    assert (tmp_path / "a").read_text() == "mine"


def test_old_runs_are_forgotten(journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("0")
    for number in range(KEPT + 5):
        write(journal, tmp_path / "a", str(number + 1))
        journal.close()
    assert len(list((tmp_path / "journal").iterdir())) <= KEPT + 1


def test_the_place_is_git_s_or_the_user_s(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    repository.put("sub/Dockerfile")
    journal = find_journal(str(repository.folder / "sub"))
    write(journal, repository.folder / "sub/Dockerfile", "x")
    journal.close()
    assert len(list((repository.folder / ".git/dockfix").iterdir())) == 1
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/Dockerfile").write_text("x")
    journal = find_journal(str(tmp_path / "plain"))
    write(journal, tmp_path / "plain/Dockerfile", "y")
    journal.close()
    assert len(list((tmp_path / "state").rglob("*.jsonl"))) == 1


def test_a_run_belongs_to_here_or_to_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there/deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    assert common_folder(["Dockerfile", "x/Dockerfile"]) == str(tmp_path / "here")
    assert common_folder(["../there/deep", "../there/Dockerfile"]) == str(tmp_path / "there")
    assert common_folder(["../there/Dockerfile"]) == str(tmp_path / "there")


@pytest.mark.integration
def test_kills_at_random_moments_lose_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    files = [folder / f"{number:03}" for number in range(150)]
    for file in files:
        file.write_text("before")
    script = textwrap.dedent(f"""
        import os
        from dockfix.output.journal import Journal
        journal = Journal({str(tmp_path / "journal")!r}, {str(tmp_path)!r})
        for name in sorted(os.listdir({str(folder)!r})):
            path = os.path.join({str(folder)!r}, name)
            if open(path, "rb").read() == b"before":
                journal.replace(path, b"before", b"after")
        journal.close()
    """)
    draw = random.Random(1)
    for _ in range(6):
        process = subprocess.Popen([sys.executable, "-c", script])
        time.sleep(0.1 + 0.05 * draw.random())
        process.send_signal(signal.SIGKILL)
        process.wait()
        contents = {file.read_text() for file in files}
        assert contents <= {"before", "after"}
    subprocess.run([sys.executable, "-c", script], check=True)
    assert {file.read_text() for file in files} == {"after"}
    assert sorted(os.listdir(folder)) == [file.name for file in files]
    assert len(list((tmp_path / "journal").iterdir())) == 1
    assert set(undone(Journal(str(tmp_path / "journal"), str(tmp_path))).values()) == {""}
    assert {file.read_text() for file in files} == {"before"}
