from __future__ import annotations

import pytest

from dockfix.syntax.parser import parse
from dockfix.syntax.suppressions import find_suppressions


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("FROM a\nCMD b\n", []),
        ("# dockfix: ignore\nFROM a\n", ["1 ignore"]),
        ("# dockfix: ignore[]\nFROM a\n", ["1 ignore"]),
        ("FROM a\n#dockfix:ignore[pip-user]\nCMD b\n", ["2 ignore[pip-user]"]),
        ("FROM a\n# Dockfix: Ignore[ pip-user, venv ]\n", ["2 ignore[pip-user]", "2 ignore[venv]"]),
        (
            "# dockfix: accept[low-port] # behind a proxy\nFROM a\n# dockfix: ignore [venv]\n",
            ["1 accept[low-port]", "3 ignore[venv]"],
        ),
        ("# dockfix: accept\nFROM a\n", ["1 accept"]),
        ("# dockfix: skip[x]\nFROM a\n", ["1 skip[x]"]),
        ("# no reason: dockfix: ignore\nFROM a\n", []),
        ("FROM a\nRUN echo '# dockfix: ignore'\n", []),
        ("FROM a\nRUN <<EOF\n# dockfix: ignore\nEOF\n", []),
    ],
)
def test_comments_name_what_is_left_out_and_accepted(text: str, found: list[str]) -> None:
    assert [f"{one.line} {one}" for one in find_suppressions(parse(text))] == found


def test_only_an_ignore_without_names_is_about_the_whole_file() -> None:
    text = "# dockfix: ignore\n# dockfix: ignore[venv]\n# dockfix: accept\nFROM a\n"
    assert [one.is_whole for one in find_suppressions(parse(text))] == [True, False, False]
