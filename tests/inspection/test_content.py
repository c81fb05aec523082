"""What the files of an image show about it."""

from __future__ import annotations

from typing import Any

import pytest
from archives import Member, archive
from base_facts import image

from dockfix.image_facts import Content, Entry, Group, Interpreter, Login
from dockfix.inspection.content import WANTED, read_content
from dockfix.inspection.listing import read_listing

SYSTEM = (
    Member("etc"),
    Member("etc/os-release", target="../usr/lib/os-release"),
    Member("usr"),
    Member("usr/lib"),
    Member("usr/bin"),
    Member(
        "usr/lib/os-release", "ID=alpine\nID_LIKE=\"a b\"\nVERSION_ID='3.20'\nVERSION_CODENAME=x\n# c\nbad\n"
    ),
    Member("bin"),
    Member("bin/busybox", "x"),
    Member("bin/sh", target="/bin/busybox"),
    Member("usr/sbin/adduser", target="/bin/busybox"),
)


def read(*members: Member, paths: tuple[str, ...] = (), **settings: Any) -> Content:
    return read_content(read_listing(archive(*members), WANTED), image(**settings), paths)


def test_the_distribution_is_that_of_os_release() -> None:
    found = read(*SYSTEM)
    assert (found.system, found.version, found.codename, found.like) == ("alpine", "3.20", "x", ("a", "b"))


def test_a_hostile_os_release_says_nothing() -> None:
    found = read(Member("etc/os-release", f"ID=\x1b[31m\nVERSION_ID={'1' * 200}\n"))
    assert (found.system, found.version) == ("", "")


def test_malformed_rows_of_passwd_and_group_are_left_out() -> None:
    passwd = (
        "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/srv/app:\n:x:1:1::/:\nb:x:-1:1::/:\nc:x:1:1:/:\nd\n"
    )
    passwd += "e:x:4294967295:1::/:\nf:x:1:1:\x1b:/:\n"
    found = read(
        Member("etc/passwd", passwd), Member("etc/group", "app:x:1000:\ndata:x:5:app,root\nbad:x:y:\n")
    )
    assert found.accounts == (Login("root", 0, 0, "/root", "/bin/sh"), Login("app", 1000, 1000, "/srv/app"))
    assert found.groups == (Group("app", 1000), Group("data", 5, ("app", "root")))


def test_commands_are_found_on_path_and_followed_to_what_they_are() -> None:
    found = read(*SYSTEM, Member("opt/gosu", "x"), Member("sbin/su"), env={"PATH": "/opt"})
    assert found.commands == {"adduser": "/bin/busybox", "gosu": "/opt/gosu", "sh": "/bin/busybox"}


PYTHON = (
    Member("usr/local/bin/python3.12", "x"),
    Member("usr/local/bin/python3", target="python3.12"),
    Member("usr/local/lib/python3.12/site-packages/pip-25.0.1.dist-info"),
)


@pytest.mark.parametrize(
    ("members", "python", "first"),
    [
        (
            PYTHON,
            Interpreter("/usr/local/bin/python3.12", "image", "3.12", "25.0.1"),
            "/usr/local/bin/python3.12",
        ),
        (
            (*PYTHON, Member("usr/local/lib/python3.12/EXTERNALLY-MANAGED", "")),
            Interpreter("/usr/local/bin/python3.12", "image", "3.12", "25.0.1", is_managed=True),
            "/usr/local/bin/python3.12",
        ),
        (
            (Member("usr/bin/python3.9", "x"), Member("usr/lib/python3/dist-packages/pip-20.3.4.egg-info")),
            Interpreter("/usr/bin/python3.9", "system", "3.9", "20.3.4"),
            None,
        ),
        (
            (Member("opt/conda/bin/python3.11", "x"), Member("opt/conda/conda-meta")),
            Interpreter("/opt/conda/bin/python3.11", "conda", "3.11"),
            None,
        ),
    ],
)
def test_pythons_with_their_pip(members: tuple[Member, ...], python: Interpreter, first: str | None) -> None:
    found = read(*members)
    assert found.pythons == (python,)
    assert found.commands.get("python3") == first


def test_a_virtual_environment_that_comes_first_hides_its_python() -> None:
    venv = (
        Member("opt/venv/bin/python3", target="/usr/local/bin/python3.12"),
        Member("opt/venv/pyvenv.cfg", ""),
    )
    found = read(*PYTHON, *venv, env={"PATH": "/opt/venv/bin:/usr/local/bin"})
    assert found.commands["python3"] == "/opt/venv/bin/python3"
    assert Interpreter("/opt/venv/bin/python3", "venv") in found.pythons


def test_paths_that_files_touch_are_recorded_with_those_above_them() -> None:
    found = read(
        Member("srv", uid=5), Member("srv/app", uid=6), paths=("/srv/app/log", "/proc/self", "/new/a")
    )
    assert found.paths["/srv"] == Entry("directory", 0o755, 5, 0, is_listed=True)
    assert found.paths["/srv/app"] == Entry("directory", 0o755, 6)
    assert {path for path, entry in found.paths.items() if entry.kind == "absent"} >= {
        "/srv/app/log", "/new", "/new/a", "/home", "/opt",
    }  # fmt: skip
    assert not any(path.startswith("/proc") for path in found.paths)


def test_homes_of_people_and_of_the_user_are_recorded() -> None:
    passwd = "app:x:1000:1000::/srv/app:\ndb:x:70:70::/var/lib/db:\nlp:x:7:7::/var/lp:\n"
    found = read(Member("etc/passwd", passwd), user="db")
    assert {"/srv/app", "/var/lib/db"} <= found.paths.keys()
    assert "/var/lp" not in found.paths


def test_a_directory_with_too_many_or_unfit_names_is_not_listed() -> None:
    crowd = (Member("opt"), *(Member(f"opt/{number}") for number in range(65)))
    found = read(*crowd, Member("srv"), Member("srv/a\x1bb"))
    assert not found.paths["/opt"].is_listed
    assert not found.paths["/srv"].is_listed
    assert "/opt/1" not in found.paths


def test_a_directory_that_files_touch_is_listed_unless_it_is_the_system_s() -> None:
    members = (Member("data"), Member("data/a"), Member("usr"), Member("usr/share"), Member("usr/share/b"))
    found = read(*members, paths=("/data", "/usr/share", "/gone"))
    assert found.paths["/data"].is_listed
    assert found.paths["/data/a"] == Entry("directory", 0o755)
    assert not found.paths["/usr/share"].is_listed
    assert "/usr/share/b" not in found.paths
    assert found.paths["/gone"].kind == "absent"


def test_listings_have_a_limit_together() -> None:
    folders = [f"d{number}" for number in range(40)]
    members = [Member(f"{name}/{number}") for name in folders for number in range(60)]
    found = read(*map(Member, folders), *members, paths=tuple(f"/{name}" for name in folders))
    listed = [name for name in folders if found.paths[f"/{name}"].is_listed]
    assert 0 < len(listed) < 40
    assert all(f"/{name}/59" in found.paths for name in listed)


def test_usual_directories_of_the_system_are_not_worth_a_line() -> None:
    found = read(Member("usr"), Member("usr/bin"), Member("usr/share", mode=0o700))
    assert "/usr/bin" not in found.paths
    assert found.paths["/usr/share"] == Entry("directory", 0o700)
