"""How chmod, umask and chown change modes: taken from GNU coreutils 9.1, bit by bit."""

from __future__ import annotations

import pytest

from dockfix.model.changes import read_mode, read_umask

# (operand, umask, mode before, of a file, of a directory)
MODES = [
    ("755", 0o022, 0o600, 0o755, 0o755),
    ("0", 0o022, 0o7777, 0o000, 0o6000),
    ("755", 0o022, 0o6700, 0o755, 0o6755),
    ("00755", 0o022, 0o6700, 0o755, 0o755),
    ("2755", 0o022, 0o700, 0o2755, 0o2755),
    ("1777", 0o022, 0o755, 0o1777, 0o1777),
    ("u+x", 0o022, 0o644, 0o744, 0o744),
    ("+x", 0o022, 0o644, 0o755, 0o755),
    ("+x", 0o077, 0o644, 0o744, 0o744),
    ("+w", 0o022, 0o444, 0o644, 0o644),
    ("-w", 0o022, 0o666, 0o466, 0o466),
    ("=r", 0o027, 0o777, 0o440, 0o440),
    ("go-rwx", 0o022, 0o755, 0o700, 0o700),
    ("a=rX", 0o022, 0o640, 0o444, 0o555),
    ("a=rX", 0o022, 0o740, 0o555, 0o555),
    ("u=rwX,go=rX", 0o022, 0o600, 0o644, 0o755),
    ("g=u", 0o022, 0o750, 0o770, 0o770),
    ("go=u-w", 0o022, 0o740, 0o755, 0o755),
    ("=g", 0o022, 0o4325, 0o200, 0o4200),
    ("u+s", 0o022, 0o755, 0o4755, 0o4755),
    ("u=rwx", 0o022, 0o4755, 0o755, 0o4755),
    ("+t", 0o022, 0o755, 0o1755, 0o1755),
    ("o=", 0o022, 0o1777, 0o770, 0o770),
    ("u+t", 0o022, 0o755, 0o755, 0o755),
]


@pytest.mark.parametrize(("text", "umask", "before", "file", "directory"), MODES)
def test_modes(text: str, umask: int, before: int, file: int, directory: int) -> None:
    mode = read_mode(text, umask)
    assert mode is not None
    assert (mode(before, is_directory=False), mode(before, is_directory=True)) == (file, directory)


@pytest.mark.parametrize("text", ["", "8", "z+x", "u", "u+q", "a+x,", "?", "u=go"])
def test_modes_that_are_not_understood(text: str) -> None:
    assert read_mode(text) is None


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("077", 0o022, 0o077),
        ("0", 0o022, 0),
        ("u=rwx,g=rx,o=", 0o022, 0o027),
        ("g-w", 0o002, 0o022),
        ("+w", 0o022, 0o000),
        ("$MASK", 0o022, 0o022),
    ],
)
def test_umasks(text: str, before: int, after: int) -> None:
    assert read_umask(text, before) == after
