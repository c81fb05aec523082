from __future__ import annotations

import os
from pathlib import Path

import pytest

from dockfix.files.reading import MAX_BYTES, Source, decode, read_source, read_stamped_source
from dockfix.results import Failed


@pytest.mark.parametrize(
    ("data", "line", "code"),
    [
        (b"", 0, "empty"),
        (b" \n\t\n", 0, "empty"),
        (b"FROM a\nRUN \0\n", 2, "nul-byte"),
        (b"FROM a\n# caf\xe9\n", 2, "not-utf-8"),
        ("FROM a\n".encode("utf-16"), 1, "not-utf-8"),
        (b"#" * (MAX_BYTES + 1), 0, "too-large"),
    ],
)
def test_what_is_not_text_fails_with_its_line(data: bytes, line: int, code: str) -> None:
    failed = decode(data)
    assert isinstance(failed, Failed)
    assert (failed.error.line, failed.error.code) == (line, code)
    assert failed.error.help


@pytest.mark.parametrize("text", ["FROM a\r\n", "\ufeffFROM a\n", "FROM a", "# größe\nFROM a\n"])
def test_every_byte_of_a_text_is_kept(tmp_path: Path, text: str) -> None:
    file = tmp_path / "Dockerfile"
    file.write_bytes(text.encode())
    assert read_source(str(file)) == Source(text.encode(), text)


def test_what_is_not_a_file_fails_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "nowhere").symlink_to("gone")
    (tmp_path / "loop").symlink_to("loop")
    messages = {
        "pipe": "a named pipe, not a file",
        "nowhere": "a broken symbolic link",
        "loop": "a symbolic link to itself",
        "gone": "no such file",
        ".": "a folder, not a file",
    }
    for name, message in messages.items():
        path = str(tmp_path / name)
        failed, _ = read_stamped_source(os.path.realpath(path), path)
        assert isinstance(failed, Failed)
        assert failed.error.message == message
    device = read_source(os.devnull)
    assert isinstance(device, Failed)
    assert device.error.message == "a device, not a file"


def test_an_unreadable_file_is_reported_with_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("dockfix.files.reading.os.open", refuse)
    failed = read_source(str(tmp_path / "Dockerfile"))
    assert isinstance(failed, Failed)
    assert str(failed.error) == "not readable [unreadable] (make it readable: chmod u+r)"
