"""Commands as operations on the file system."""

from __future__ import annotations

import pytest

from dockfix.model.operations import Act, How, Operation
from dockfix.model.runs import walk_script
from dockfix.syntax.shell import parse_script

KEPT = frozenset({How.KEEPS_OWNER, How.KEEPS_MODE, How.KEEPS_TIMES})
READ = {
    "mkdir -m 700 a": [Operation(Act.MAKE, "/w/a", mode="700", how=frozenset({How.NEW}))],
    "chmod -R g=u /d": [Operation(Act.MODE, "/d", "g=u", recursive=True)],
    "chmod -x /f": [Operation(Act.MODE, "/f", "-x")],
    "chown --from=root app: /d": [Operation(Act.OWN, "/d", "app:", only="root")],
    "chown -R app /d": [Operation(Act.OWN, "/d", "app", recursive=True, how=frozenset({How.KEEPS_LINKS}))],
    "chgrp 50 /d": [Operation(Act.OWN, "/d", ":50")],
    "setcap cap_net_raw+ep /f": [Operation(Act.CAPABILITY, "/f")],
    # A destination that must be a directory ends in a slash.
    "cp f /d": [Operation(Act.COPY, "/w/f", "/d")],
    "cp f g /d": [Operation(Act.COPY, "/w/f", "/d/"), Operation(Act.COPY, "/w/g", "/d/")],
    "cp -t /d f": [Operation(Act.COPY, "/w/f", "/d/")],
    "cp -p f /d": [Operation(Act.COPY, "/w/f", "/d", how=KEPT)],
    "mv f /d/": [Operation(Act.MOVE, "/w/f", "/d/", recursive=True)],
}


@pytest.mark.parametrize("script", READ)
def test_operations(script: str) -> None:
    (one,) = walk_script(parse_script(script), "/w", {})
    # That only root may use chown and setcap is an operation of its own.
    found = [operation for operation in one.effect("/home/app").operations if operation.act is not Act.ROOT]
    assert found == READ[script]


@pytest.mark.parametrize(
    "script",
    [
        "sed -i s/a/b/ f",
        "git config --file f core.bare true",
        "git config -f f core.bare true",
        "patch f fix.patch",
        "yq -i '.a = 1' f",
        "yq eval --inplace '.a = 1' f",
        "yq -i --from-file edit.yq f",
        "gawk -i inplace '{print}' f",
        "awk -i inplace -v x=1 -f edit.awk f",
    ],
)
def test_an_edit_in_place_replaces_the_file_which_needs_its_directory(script: str) -> None:
    (one,) = walk_script(parse_script(script), "/w", {})
    found = [(operation.act, operation.path) for operation in one.effect("/").operations]
    assert [each for each in found if each[0] is not Act.HOME] == [(Act.REPLACE, "/w/f")]


@pytest.mark.parametrize("script", ["yq .a f", "yq eval .a f", "awk '{print}' f", "xmllint --format f"])
def test_the_same_programs_leave_files_alone_that_they_only_read(script: str) -> None:
    (one,) = walk_script(parse_script(script), "/w", {})
    assert one.effect("/").operations == ()


def test_a_place_that_only_the_build_knows_is_not_understood() -> None:
    one = next(one for one in walk_script(parse_script("mkdir $(pwd)/a"), "/w", {}) if one.command.args)
    assert {operation.act for operation in one.effect("/").operations} == {Act.UNKNOWN}
