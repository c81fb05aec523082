"""The paths that a shell pattern matches."""

from __future__ import annotations

import pytest
from trees import plant

from dockfix.model.filetree import Kind, Node
from dockfix.model.patterns import directory_of, expand, is_pattern


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("/d/f", ["/d/f"]),
        ("/d/*", ["/d/a.py", "/d/b"]),
        ("/d/.*", ["/d/.c"]),
        ("/d/*.py", ["/d/a.py"]),
        ("/d/[ab]", ["/d/b"]),
        ("/*/a.py", ["/d/a.py"]),
        ("/x/*", []),
    ],
)
def test_matches(pattern: str, paths: list[str]) -> None:
    tree = plant("/d dir", "/d/a.py file", "/d/b dir", "/d/.c file", "/d/gone absent")
    assert [one for one in expand(tree, pattern) if not one.startswith("/d/b/")] == paths


def test_a_pattern_stays_if_it_may_match_what_is_not_listed() -> None:
    tree = plant("/d dir", "/d/a file")
    tree.fill("/d", Node(Kind.ANY))
    found = expand(tree, "/d/*")
    assert found == ["/d/a", "/d/*"]
    assert [is_pattern(one) for one in found] == [False, True]
    assert directory_of(found[-1]) == "/d"
