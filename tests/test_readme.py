"""The README's example is true."""

from __future__ import annotations

import re
from pathlib import Path

from dockfix import Changed, fix

README = Path(__file__).parent.parent / "README.md"


def test_example_is_true() -> None:
    match = re.search(r"```diff\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert match is not None
    lines = match[1].splitlines()
    before = "".join(f"{line[1:]}\n" for line in lines if line[0] in " -")
    after = "".join(f"{line[1:]}\n" for line in lines if line[0] in " +")
    result = fix(before)
    assert isinstance(result, Changed)
    assert result.text == after
    assert result.safe
