"""The operations of single commands, as root and as an account."""

from __future__ import annotations

import pytest
from trees import APP

from dockfix.model.command_operations import SITE, home_use, named_files, operations_of, started_operations
from dockfix.model.operations import Act, ActName
from dockfix.model.permissions import ROOT, Identity
from dockfix.model.runs import Invocation, walk_script
from dockfix.syntax.shell import parse_script


def read(command: str) -> Invocation:
    (one,) = walk_script(parse_script(command), "/w", {"EMPTY": ""})
    return one


def acts(command: str, who: Identity) -> list[tuple[ActName, str, str]]:
    return [
        (one.act, one.path, one.spec) for one in operations_of(read(command), who) if one.act is not Act.HOME
    ]


@pytest.mark.parametrize(
    ("command", "who", "place"),
    [
        ("pip install flask", ROOT, SITE),
        ("pip install flask", APP, "/home/app/.local"),
        ("pip install --user flask", ROOT, "/root/.local"),
        ("/w/venv/bin/pip install flask", APP, "/w/venv"),
    ],
)
def test_pip_installs_where_it_may(command: str, who: Identity, place: str) -> None:
    assert acts(command, who) == [(Act.INSTALL, place, "")]


@pytest.mark.parametrize(
    "command",
    [
        "openssl genrsa -out a.key 2048",
        "openssl genpkey -algorithm RSA -out a.key",
        "openssl req -x509 -nodes -keyout a.key -out /w/a.crt",
    ],
)
def test_openssl_writes_keys_for_their_owner_alone(command: str) -> None:
    found = acts(command, ROOT)
    assert (Act.MODE, "/w/a.key", "0600") in found
    assert (Act.MODE, "/w/a.crt", "0600") not in found


def test_a_tool_looks_into_the_home_of_whoever_runs_it() -> None:
    homes = [
        {one.path for one in operations_of(read("pip install flask"), who) if one.act is Act.HOME}
        for who in (ROOT, APP)
    ]
    assert "/root/.config/pip/pip.conf" in homes[0]
    assert "/home/app/.config/pip/pip.conf" in homes[1]


@pytest.mark.parametrize("command", ["CACHE=/root/.cache", "$EMPTY $EMPTY"])
def test_what_runs_no_program_uses_no_home(command: str) -> None:
    assert home_use(read(command), ROOT) is None


def test_words_that_look_like_paths_may_name_files() -> None:
    assert named_files(read("serve conf/a.toml plain 3.12 https://example.org/x"), ROOT) == (
        ("/w/conf/a.toml", True),
        ("/w/plain", False),
        ("/w/3.12", False),
    )


def test_what_was_read_is_not_assumed_to_write_where_it_works() -> None:
    unread, was_read = (
        [one.act for one in started_operations(read("serve"), APP, is_read=is_read)]
        for is_read in (False, True)
    )
    assert unread == [Act.HOME, Act.CODE]
    assert was_read == [Act.HOME]


@pytest.mark.parametrize(("command", "path"), [("cat '/d/x y'", "/d/x y"), ("cat x.txt", "/w/x.txt")])
def test_words_may_name_files(command: str, path: str) -> None:
    assert [named for named, _ in named_files(read(command), ROOT)] == [path]
