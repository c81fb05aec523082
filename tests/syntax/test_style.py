"""New lines in the style of the file."""

from __future__ import annotations

import pytest

from dockfix.edits import apply_edits
from dockfix.syntax.parser import parse
from dockfix.syntax.style import MAX_WIDTH, Layout, NewLine

USER = NewLine("USER", "app", "Switch")
HOME = NewLine("ENV", "HOME=/h", "Set home")


def insert(text: str, keyword: str, lines: list[NewLine], *, before: bool) -> str:
    tree = parse(text)
    anchor = next(one for one in tree.instructions if one.keyword == keyword)
    layout = Layout(tree)
    return apply_edits(
        text, [layout.insert_before(anchor, lines) if before else layout.insert_after(anchor, lines)]
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a\nCMD x\n", "FROM a\nUSER app\nCMD x\n"),
        ("FROM a\n\nCMD x\n", "FROM a\n\nUSER app\n\nCMD x\n"),
        ("FROM a\n# c\nCMD x\n", "FROM a\n# Switch\nUSER app\n# c\nCMD x\n"),
        ("FROM a\n\n# c\nCMD x\n", "FROM a\n\n# Switch\nUSER app\n\n# c\nCMD x\n"),
        ("FROM a\n# c\n\nCMD x\n", "FROM a\n# c\n\nUSER app\n\nCMD x\n"),
        ("FROM a\n# c\n# d\nCMD x\n", "FROM a\n# Switch\nUSER app\n# c\n# d\nCMD x\n"),
        ("from a\ncmd x\n", "from a\nuser app\ncmd x\n"),
        ("FROM a\r\nCMD x\r\n", "FROM a\r\nUSER app\r\nCMD x\r\n"),
        ("FROM a\r\n\r\nCMD x\r\n", "FROM a\r\n\r\nUSER app\r\n\r\nCMD x\r\n"),
        ("FROM a\nCMD x", "FROM a\nUSER app\nCMD x"),
        ("FROM a\nWORKDIR /b\n\nCMD x\n", "FROM a\nWORKDIR /b\n\nUSER app\nCMD x\n"),
        (
            "FROM a\nWORKDIR /b\n\nCMD x\n\nEXPOSE 1\n\nLABEL a=b\n",
            "FROM a\nWORKDIR /b\n\nUSER app\n\nCMD x\n\nEXPOSE 1\n\nLABEL a=b\n",
        ),
        (
            "FROM a\n\nARG b\n\nARG c\nCMD x\n",
            "FROM a\n\nARG b\n\nARG c\n\nUSER app\n\nCMD x\n",
        ),
    ],
)
def test_line_is_put_above(text: str, expected: str) -> None:
    assert insert(text, "CMD", [USER], before=True) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a\nRUN b\nCMD x\n", "FROM a\nRUN b\nUSER app\nCMD x\n"),
        ("FROM a\n\nRUN b\n\nCMD x\n", "FROM a\n\nRUN b\n\nUSER app\n\nCMD x\n"),
        ("FROM a\n# c\nRUN b\n# d\nCMD x\n", "FROM a\n# c\nRUN b\n# Switch\nUSER app\n# d\nCMD x\n"),
        ("FROM a\nRUN b \\\n  c\nCMD x\n", "FROM a\nRUN b \\\n  c\nUSER app\nCMD x\n"),
        ("FROM a\nRUN <<E\nb\nE\nCMD x\n", "FROM a\nRUN <<E\nb\nE\nUSER app\nCMD x\n"),
        ("FROM a\nRUN b\n", "FROM a\nRUN b\nUSER app\n"),
        ("FROM a\nRUN b", "FROM a\nRUN b\nUSER app"),
        ("FROM a\r\nRUN b", "FROM a\r\nRUN b\r\nUSER app"),
        ("FROM a\n\nRUN b", "FROM a\n\nRUN b\n\nUSER app"),
    ],
)
def test_line_is_put_below(text: str, expected: str) -> None:
    assert insert(text, "RUN", [USER], before=False) == expected


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a\nRUN b\nCMD x\n", "USER app\nENV HOME=/h\n"),
        ("FROM a\n\nRUN b\n\nCMD x\n", "USER app\n\nENV HOME=/h\n"),
        ("FROM a\n# c\nRUN b\n# d\nCMD x\n", "# Switch\nUSER app\n# Set home\nENV HOME=/h\n"),
    ],
)
def test_lines_keep_their_order(text: str, expected: str, before: bool) -> None:
    assert expected in insert(text, "RUN", [USER, HOME], before=before)


@pytest.mark.parametrize(
    ("text", "separates", "comments"),
    [
        ("FROM a\n", False, False),
        ("FROM a\n\nRUN b\n", True, False),
        ("FROM a\n\nRUN b\nRUN c\n", False, False),
        ("FROM a\n# c\nRUN b\n", False, True),
        ("FROM a\n# c\n\nRUN b\n", True, False),
        ("FROM a\n\n# c\nRUN b\n", True, True),
        ("# c\nFROM a\nRUN b\n", False, False),
        ("# c\n\nFROM a\nRUN b\n", False, False),
    ],
)
def test_manners_are_those_of_most_gaps(text: str, separates: bool, comments: bool) -> None:
    layout = Layout(parse(text))
    assert (layout.separates, layout.comments) == (separates, comments)


@pytest.mark.parametrize(
    ("text", "lower_case"),
    [("FROM a\nRUN b\n", False), ("from a\nrun b\n", True), ("FROM a\nrun b\n", False)],
)
def test_case_is_that_of_most_keywords(text: str, lower_case: bool) -> None:
    assert Layout(parse(text)).lower_case is lower_case


@pytest.mark.parametrize(
    ("head", "joint"),
    [("", " \\\n    && "), ("# escape=`\n", " `\n    && ")],
)
def test_wide_run_is_broken_before_each_command(head: str, joint: str) -> None:
    fits = "a" * (MAX_WIDTH - len("RUN  && b")) + " && b"
    assert f"RUN {fits}\n" in insert(f"{head}FROM a\nCMD x\n", "CMD", [NewLine("RUN", fits, "")], before=True)
    wide = "a" + fits
    written = insert(f"{head}FROM a\nCMD x\n", "CMD", [NewLine("RUN", wide, "")], before=True)
    assert "RUN " + wide.replace(" && ", joint) + "\n" in written
    assert len(parse(written).instructions) == 3
