"""How new steps spell the paths that build arguments decide on."""

from __future__ import annotations

import pytest
from plans import read_plan

from dockfix.model.spelling import Speller


@pytest.mark.parametrize(
    ("workdir", "path", "expected"),
    [
        ("/srv", "/srv/d-1/x", "/srv/d-$V/x"),
        ("/", "/d-1", "/d-$V"),
        ("/a\\$x", "/a$x/d-1", "/a$x/d-$V"),
    ],
)
def test_a_relative_word_stands_in_the_working_directory(workdir: str, path: str, expected: str) -> None:
    plan = read_plan(f"ARG V=1\nWORKDIR {workdir}\nRUN mkdir d-$V\n")
    assert Speller(plan, len(plan.steps)).spell(path) == expected
