from __future__ import annotations

import pytest

from dockfix.syntax.parser import parse
from dockfix.syntax.suppressions import ignored_names


@pytest.mark.parametrize(
    ("text", "names", "line"),
    [
        ("FROM a\nCMD b\n", set(), 0),
        ("# dockfix: ignore\nFROM a\n", {"*"}, 1),
        ("FROM a\n#dockfix:ignore[pip-user]\nCMD b\n", {"pip-user"}, 2),
        ("FROM a\n# Dockfix: Ignore[ pip-user, venv ]\n", {"pip-user", "venv"}, 2),
        ("# dockfix: ignore[venv]\nFROM a\n# dockfix: ignore[user-path]\n", {"venv", "user-path"}, 3),
        ("# no reason: dockfix: ignore\nFROM a\n", set(), 0),
        ("FROM a\nRUN echo '# dockfix: ignore'\n", set(), 0),
        ("FROM a\nRUN <<EOF\n# dockfix: ignore\nEOF\n", set(), 0),
    ],
)
def test_comments_name_what_is_left_out(text: str, names: set[str], line: int) -> None:
    found, last = ignored_names(parse(text))
    assert (set(found), last) == (names, line)
