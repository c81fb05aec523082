from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from dockfix.files.descriptors import readable
from dockfix.files.writing import DAY, WriteError, remove_stale, replace_content

BEFORE, AFTER = b"FROM a\r\n", b"FROM a\r\nUSER u\r\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "Dockerfile"
    path.write_bytes(BEFORE)
    return path


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664, 0o755, 0o4755])
def test_content_changes_and_mode_stays(file: Path, mode: int) -> None:
    file.chmod(mode)
    replace_content(str(file), BEFORE, AFTER)
    assert file.read_bytes() == AFTER
    assert stat.S_IMODE(file.stat().st_mode) == mode
    assert [entry.name for entry in file.parent.iterdir()] == ["Dockerfile"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_owner_stays(file: Path) -> None:
    os.chown(file, 4321, 8765)
    file.chmod(0o4755)
    replace_content(str(file), BEFORE, AFTER)
    status = file.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (4321, 8765, 0o4755)


@pytest.mark.parametrize("name", ["link", "folder/Dockerfile", "inner/deep/Dockerfile"])
def test_links_are_not_followed(file: Path, name: str) -> None:
    (file.parent / "link").symlink_to("Dockerfile")
    (file.parent / "folder").symlink_to(".")
    (file.parent / "inner").mkdir()
    (file.parent / "inner/deep").symlink_to("..")
    with pytest.raises(WriteError, match="a symbolic link has replaced the file or one of its folders"):
        replace_content(str(file.parent / name), BEFORE, AFTER)
    assert file.read_bytes() == BEFORE


@pytest.mark.parametrize("now", [b"FROM b\r\n", BEFORE + b"\n", b""])
def test_what_changed_meanwhile_is_refused(file: Path, now: bytes) -> None:
    file.write_bytes(now)
    with pytest.raises(WriteError, match=r"changed since it was read \[changed-meanwhile\]"):
        replace_content(str(file), BEFORE, AFTER)
    assert file.read_bytes() == now
    assert len(list(file.parent.iterdir())) == 1


def test_what_is_gone_is_not_made_again(file: Path) -> None:
    file.unlink()
    with pytest.raises(WriteError, match="deleted since it was read"):
        replace_content(str(file), BEFORE, AFTER)
    assert list(file.parent.iterdir()) == []


def test_a_read_only_file_is_refused(file: Path) -> None:
    file.chmod(0o444)
    with pytest.raises(WriteError, match=r"read-only \[read-only\] \(make it writable: chmod u\+w\)"):
        replace_content(str(file), BEFORE, AFTER)
    assert file.read_bytes() == BEFORE


def test_a_folder_that_cannot_be_written_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("dockfix.files.writing.os.open", refuse)
    with pytest.raises(WriteError, match="is not writable"):
        replace_content(str(file), BEFORE, AFTER)
    assert file.read_bytes() == BEFORE


def test_a_full_disk_leaves_the_file_as_it_was(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dockfix.files.writing.os.fsync", fail)
    with pytest.raises(WriteError, match="could not be written: No space left on device"):
        replace_content(str(file), BEFORE, AFTER)
    assert file.read_bytes() == BEFORE
    assert len(list(file.parent.iterdir())) == 1


def test_only_files_of_dead_or_old_runs_are_stale(tmp_path: Path) -> None:
    host = "".join(letter for letter in os.uname().nodename if letter.isalnum())[:32] or "host"
    dead = subprocess.Popen([sys.executable, "-c", "pass"])
    dead.wait()
    ours = tmp_path / f".dockfix-{host}-{os.getpid()}-0a.tmp"
    killed = tmp_path / f".dockfix-{host}-{dead.pid}-0b.tmp"
    elsewhere = tmp_path / f".dockfix-other{host}-{dead.pid}-0c.tmp"
    old = tmp_path / f".dockfix-other{host}-{dead.pid}-0d.tmp"
    foreign = tmp_path / ".dockfix-notes.txt"
    for path in (ours, killed, elsewhere, old, foreign):
        path.write_text("")
    os.utime(old, (time.time() - 2 * DAY,) * 2)
    with readable(None, str(tmp_path)) as folder:
        remove_stale(folder)
    assert set(tmp_path.iterdir()) == {ours, elsewhere, foreign}


@pytest.mark.integration
def test_a_kill_at_any_moment_leaves_one_or_the_other(file: Path) -> None:
    flip = textwrap.dedent(f"""
        from dockfix.files.writing import replace_content
        while True:
            replace_content({str(file)!r}, {BEFORE!r}, {AFTER!r})
            replace_content({str(file)!r}, {AFTER!r}, {BEFORE!r})
    """)
    seen = set()
    for moment in range(8):
        content = file.read_bytes()
        if content == AFTER:
            replace_content(str(file), AFTER, BEFORE)
        process = subprocess.Popen([sys.executable, "-c", flip])
        time.sleep(0.12 + 0.003 * moment)
        process.send_signal(signal.SIGKILL)
        process.wait()
        seen.add(file.read_bytes())
    assert seen <= {BEFORE, AFTER}
    with readable(None, str(file.parent)) as folder:
        remove_stale(folder)
    assert [entry.name for entry in file.parent.iterdir()] == ["Dockerfile"]
