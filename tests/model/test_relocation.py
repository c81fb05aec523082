"""What depends on a working directory that was `/`."""

from __future__ import annotations

import pytest
from plans import read_plan

from dockfix.model.relocation import find_references, find_unknown_references, leans_on_root, moved_copies


def test_relative_copies_move_and_the_words_that_name_them_follow() -> None:
    plan = read_plan('COPY app.py .\nCOPY data /data\nCMD ["python", "/app.py", "/data/x"]\n')
    assert [copy.landed() for copy in moved_copies(plan)] == [("/app.py",)]
    assert [line.joined[at : at + 7] for line, at in find_references(plan)] == ["/app.py"]


def test_a_word_that_a_whole_tree_may_have_brought_is_unknown() -> None:
    plan = read_plan('COPY . .\nCMD ["python", "/app.py"]\n')
    assert list(find_unknown_references(plan)) == [("/app.py", 3)]
    known = read_plan('COPY . .\nCMD ["python", "/app.py"]\n', files={"app.py": ""})
    assert list(find_unknown_references(known)) == []


@pytest.mark.parametrize(
    ("text", "leans"),
    [
        ("COPY app.py /app.py\nCMD python app.py\n", True),
        ("COPY app.py .\nCMD python app.py\n", False),
        ("WORKDIR /srv\nCOPY app.py /srv/app.py\nCMD python app.py\n", False),
    ],
)
def test_an_image_that_works_with_absolute_places_seen_from_the_root(text: str, leans: bool) -> None:
    assert leans_on_root(read_plan(text)) is leans
