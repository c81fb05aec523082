"""The paths that find selects, and the command it runs on them."""

from __future__ import annotations

import pytest

from dockfix.model.finds import Chosen, on_chosen, read_tests
from dockfix.model.operations import Act, How, Operation

TESTS = {
    "": Chosen(),
    "-type f": Chosen(kind="file"),
    "-type d -user root": Chosen(kind="directory", only="root"),
    "-mindepth 1 -delete": Chosen(inside=True),
    "-name *.pyc -delete": Chosen(name="*.pyc"),
    "-type f -exec chmod 600 {} +": Chosen(kind="file"),
    "-exec chmod -type {} ; -type l": Chosen(kind="link"),
    "-type b": Chosen(perhaps=True),
}


@pytest.mark.parametrize("words", TESTS)
def test_tests(words: str) -> None:
    assert read_tests(words.split()) == TESTS[words]


def test_a_change_is_made_one_by_one_to_all_that_is_chosen() -> None:
    (one,) = on_chosen(Operation(Act.MODE, "/d", "600"), Chosen(kind="file", only="root"))
    assert (one.act, one.path, one.recursive, one.kind, one.only) == (Act.MODE, "/d", True, "file", "root")
    assert one.how == {How.ONE_BY_ONE}


def test_what_cannot_be_followed_may_not_happen() -> None:
    (one,) = on_chosen(Operation(Act.OWN, "/d", "7"), Chosen(perhaps=True))
    assert How.PERHAPS in one.how


def test_a_move_reads_writes_and_may_remove() -> None:
    found = list(on_chosen(Operation(Act.MOVE, "/d", "/e/"), Chosen()))
    assert [(one.act, one.path) for one in found] == [
        (Act.READ, "/d"),
        (Act.WRITE, "/e"),
        (Act.REMOVE, "/d"),
    ]
