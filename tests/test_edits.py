"""Edits on a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockfix.edits import Edit, apply_edits


@pytest.mark.parametrize(
    ("source", "edits", "expected"),
    [
        ("", [], ""),
        ("abc", [], "abc"),
        ("", [Edit(0, 0, "x")], "x"),
        ("abc", [Edit(0, 0, "x")], "xabc"),
        ("abc", [Edit(3, 3, "x")], "abcx"),
        ("abc", [Edit(1, 2, "")], "ac"),
        ("abc", [Edit(0, 3, "x")], "x"),
        ("abc", [Edit(2, 3, "y"), Edit(0, 1, "x")], "xby"),
        ("abc", [Edit(1, 1, "2"), Edit(1, 1, "1")], "a21bc"),
        ("abc", [Edit(1, 2, "x"), Edit(1, 1, "<")], "a<xc"),
        ("abc", [Edit(0, 1, "x"), Edit(1, 2, "y")], "xyc"),
        ("abc", [Edit(0, 1, "x"), Edit(1, 1, "|")], "x|bc"),
        ("a\r\nb", [Edit(3, 3, "c\r\n")], "a\r\nc\r\nb"),
        ("héllo", [Edit(1, 2, "e")], "hello"),
    ],
)
def test_edits_are_made(source: str, edits: list[Edit], expected: str) -> None:
    assert apply_edits(source, edits) == expected


@pytest.mark.parametrize(
    "edits",
    [
        [Edit(0, 2, "x"), Edit(1, 3, "y")],
        [Edit(0, 3, "x"), Edit(1, 1, "y")],
        [Edit(0, 2, "x"), Edit(0, 2, "x")],
    ],
)
def test_overlapping_edits_are_refused(edits: list[Edit]) -> None:
    with pytest.raises(ValueError, match="overlapping edits at offset"):
        apply_edits("abc", edits)


@given(st.text(), st.lists(st.tuples(st.integers(0, 40), st.text(max_size=3)), max_size=6))
def test_insertions_leave_every_character(source: str, places: list[tuple[int, str]]) -> None:
    edits = [Edit(at, at, text) for at, text in places if at <= len(source)]
    rest = iter(apply_edits(source, edits))
    assert all(character in rest for character in source)
    assert len(apply_edits(source, edits)) == len(source) + sum(len(edit.text) for edit in edits)
