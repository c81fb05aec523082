"""The path, owner and mode of mktemp's files and directories."""

from __future__ import annotations

import pytest

from dockfix.model.effects import effect
from dockfix.model.operations import Act
from dockfix.model.runs import walk_script
from dockfix.syntax.shell import parse_script

CALLS = {
    "mktemp": ("/tmp/tmp.(mktemp:0)", [Act.WRITE, Act.MODE]),
    "mktemp -d": ("/tmp/tmp.(mktemp:0)", [Act.MAKE]),
    "mktemp -qd": ("/tmp/tmp.(mktemp:0)", [Act.MAKE]),
    "mktemp -d -p /opt": ("/opt/tmp.(mktemp:0)", [Act.MAKE]),
    "mktemp --tmpdir=/opt": ("/opt/tmp.(mktemp:0)", [Act.WRITE, Act.MODE]),
    "mktemp -t svc.XXXX": ("/tmp/svc.(mktemp:0)", [Act.WRITE, Act.MODE]),
    "mktemp ./svc.XXXXXX.ini": ("/app/svc.(mktemp:0).ini", [Act.WRITE, Act.MODE]),
    "mktemp /srv/XXXX": ("/srv/(mktemp:0)", [Act.WRITE, Act.MODE]),
    "mktemp -u": ("", []),
}


@pytest.mark.parametrize("call", CALLS)
def test_makes_something_for_its_owner_alone(call: str) -> None:
    path, acts = CALLS[call]
    operations = effect(parse_script(call).commands[0], {}, "/app", "/root").operations
    assert [one.act for one in operations] == acts
    assert {one.path for one in operations} == ({path} if path else set())
    modes = {one.mode or one.spec for one in operations if one.act is not Act.WRITE}
    assert modes <= {"0700", "0600"}


@pytest.mark.parametrize(
    "script", ["a=$(mktemp -d); cd $a", 'a="$(mktemp -d)"; cd "$a"', "a=`mktemp -d`; cd $a"]
)
def test_a_variable_names_what_the_call_makes(script: str) -> None:
    made = next(
        one for one in walk_script(parse_script(script), "/app", {}) if one.command.program == "mktemp"
    )
    entered = walk_script(parse_script(f"{script}; pwd"), "/app", {})[-1]
    assert [one.path for one in made.effect("/root").operations] == [entered.cwd]


def test_the_working_directory_may_be_what_the_call_makes() -> None:
    entered = walk_script(parse_script("cd $(mktemp -d -p /opt); pwd"), "/app", {})[-1]
    assert entered.cwd == "/opt/tmp.(mktemp:5)"
