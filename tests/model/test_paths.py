from __future__ import annotations

import pytest

from dockfix.model.paths import (
    STANDING_DIRECTORIES,
    is_below_any,
    is_ownable,
    is_root_home,
    is_shared,
    is_system_directory,
    is_within,
    resolve,
)


@pytest.mark.parametrize(
    ("path", "cwd", "expected"),
    [
        ("a", "/app", "/app/a"),
        ("./a/", "/app", "/app/a"),
        ("../a", "/app", "/a"),
        ("../../../a", "/app", "/a"),
        ("/b//c/./d/..", "/app", "/b/c"),
        ("//b", "/app", "/b"),
        (".", "/", "/"),
        ("", "/app", "/app"),
    ],
)
def test_a_path_is_seen_from_a_directory(path: str, cwd: str, expected: str) -> None:
    assert resolve(path, cwd) == expected


@pytest.mark.parametrize(
    ("path", "directory", "expected"),
    [
        ("/app", "/app", True),
        ("/app/a", "/app", True),
        ("/app/a", "/app/", True),
        ("/application", "/app", False),
        ("/app", "/app/a", False),
        ("/anything", "/", True),
    ],
)
def test_a_place_is_within_another(path: str, directory: str, expected: bool) -> None:
    assert is_within(path, directory) is expected
    assert is_below_any(path, ["/elsewhere", directory]) is expected
    assert is_below_any(path, []) is False


# (path, shared, the system's, root's home, may be given to the account)
PLACES = [
    ("/tmp", True, False, False, False),
    ("/tmp/a", True, False, False, True),
    ("/var/tmp/a", True, False, False, True),
    ("/dev/stdout", True, True, False, False),
    ("/", False, True, False, False),
    ("/usr/local", False, True, False, False),
    ("/usr/local/app", False, False, False, True),
    ("/usr/local/bin/app", False, True, False, True),
    ("/etc/app", False, True, False, True),
    ("/var/log", False, True, False, False),
    ("/var/log/app", False, False, False, True),
    ("/root", False, True, True, False),
    ("/root/app", False, True, True, False),
    ("/rooted", False, False, False, True),
    ("/home", False, True, False, False),
    ("/home/app", False, False, False, True),
    ("/opt", False, False, False, True),
    ("/app", False, False, False, True),
]


@pytest.mark.parametrize(("path", "shared", "system", "home", "ownable"), PLACES)
def test_whose_a_place_may_become(path: str, shared: bool, system: bool, home: bool, ownable: bool) -> None:
    found = is_shared(path), is_system_directory(path), is_root_home(path), is_ownable(path)
    assert found == (shared, system, home, ownable)


def test_directories_that_stand_in_bases_may_all_be_given() -> None:
    assert STANDING_DIRECTORIES
    assert all(is_ownable(path) and not is_system_directory(path) for path in STANDING_DIRECTORIES)
