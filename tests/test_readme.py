"""The README's tables and example are true; `python tests/test_readme.py` writes the tables anew."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dockfix import Changed, fix
from dockfix.checks.guarantees import GUARANTEES
from dockfix.transforms import TRANSFORMS

README = Path(__file__).parent.parent / "README.md"


def transforms_table() -> str:
    rows = [f"| `{transform.name}` | {transform.summary} |" for transform in TRANSFORMS]
    return "\n".join(["| transform | what it does |", "|---|---|", *rows])


def guarantees_table() -> str:
    rows = [f"| `{guarantee.name}` | {guarantee.promise} |" for guarantee in GUARANTEES]
    return "\n".join(["| guarantee | what it promises |", "|---|---|", *rows])


TABLES = {"transforms": transforms_table, "guarantees": guarantees_table}


def section(name: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?<=<!-- {name}: kept by tests/test_readme.py -->\n)(.*?)(?=<!-- end of {name} -->)", re.DOTALL
    )


@pytest.mark.parametrize("name", TABLES)
def test_table_is_true(name: str) -> None:
    match = section(name).search(README.read_text(encoding="utf-8"))
    assert match is not None
    assert match[1].strip() == TABLES[name]()


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


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    for name, table in TABLES.items():
        text = section(name).sub((table() + "\n").replace("\\", r"\\"), text)
    README.write_text(text, encoding="utf-8")
