"""No function is worse than grade C of radon's cyclomatic complexity: at most 20 paths through it."""

from __future__ import annotations

from pathlib import Path

import pytest
from radon.complexity import cc_visit
from radon.visitors import Function

ROOT = Path(__file__).parent.parent
MOST = 20


def worse(source: str) -> list[str]:
    """The functions of a module that are worse, including methods and nested functions."""
    found = [block for block in cc_visit(source) if isinstance(block, Function)]
    inner = [one for block in found for one in block.closures]
    return [f"{one.fullname}: {one.complexity}" for one in (*found, *inner) if one.complexity > MOST]


@pytest.mark.parametrize("folder", ["src/dockfix", "scripts"])
def test_no_function_is_worse(folder: str) -> None:
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    found = {str(path): worse(path.read_text(encoding="utf-8")) for path in files}
    assert {path: names for path, names in found.items() if names} == {}


def test_finds_a_function_that_is_worse() -> None:
    def body(count: int) -> str:
        return "".join(f"        if a == {number}:\n            return\n" for number in range(count))

    assert worse(f"def f(a):\n{body(MOST)}") == [f"f: {MOST + 1}"]
    assert worse(f"class A:\n    def f(self, a):\n{body(MOST)}") == [f"A.f: {MOST + 1}"]
    assert worse(f"def f(a):\n    def g():\n{body(MOST)}")[-1:] == [f"g: {MOST + 1}"]
    assert worse(f"def f(a):\n{body(MOST - 1)}") == []
