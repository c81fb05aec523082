from __future__ import annotations

import ast

import pytest

from dockfix.evidence.python.catalogue import find_offsets
from dockfix.evidence.python.modules import condense, cut_statements

LONG = "".join(f"        step_{number} = {number}\n" for number in range(12))
STORE = f'''class Store:
    """Keeps things."""

    place = "/data"

    def idle(self):  # said aside
        """Does nothing

        of interest.
        """
{LONG}
    async def nested(
        self, a=(1, 2),
    ) -> dict[str, int]:
{LONG}        text = """
# no comment

def none(): pass
"""

    def put(self):
{LONG}        with open(self.place + "/a", "w"):
            pass

    def one_line(self): return 1

    def last(self):
{LONG}        return self.call(1)
'''


def test_idle_functions_are_left_out() -> None:
    (store,) = cut_statements(STORE)
    text = store.without_idle(find_offsets(STORE))
    assert text.count("\n") == STORE.count("\n")
    tree = ast.parse(text)
    bodies = {node.name: len(node.body) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert bodies == {"idle": 1, "put": 13, "one_line": 1, "last": 1}
    kept = ast.parse(store.without_idle(sorted((*find_offsets(STORE), STORE.index("self.call(")))))
    assert [
        len(node.body) for node in ast.walk(kept) if isinstance(node, ast.FunctionDef) and node.name == "last"
    ] == [13]


def test_short_statements_stay_whole() -> None:
    (short,) = cut_statements("def f():\n    return 1\n")
    assert short.without_idle(()) == short.text


@pytest.mark.parametrize(
    ("text", "expected", "lines"),
    [
        ("a = 1\n\n# b\nc = 2  # d\n", "a = 1\nc = 2  \n", (0, 3)),
        ('def f():\n    """x\n\n    y"""\n    return 1\n', "def f():\n    ...\n    return 1\n", (0, 1, 4)),
        ('a = """x\n\n# y\n"""\n\nb = 1\n', 'a = """x\n\n# y\n"""\nb = 1\n', (0, 1, 2, 3, 5)),
        ("a = '#'\n", "a = '#'\n", (0,)),
        ("f(\n    1,  # one\n\n    2,\n)\n", "f(\n    1,  \n    2,\n)\n", (0, 1, 3, 4)),
    ],
)
def test_what_means_nothing_goes_and_lines_are_known(
    text: str, expected: str, lines: tuple[int, ...]
) -> None:
    assert condense(text) == (expected, lines)
    assert ast.dump(ast.parse(expected)).count("Assign") == ast.dump(ast.parse(text)).count("Assign")


def test_a_claim_has_the_line_of_the_whole_file() -> None:
    (store,) = cut_statements(STORE)
    text, lines = condense(store.without_idle(find_offsets(STORE)))
    at = next(number for number, line in enumerate(text.split("\n")) if "open(" in line)
    assert "open(" in STORE.split("\n")[lines[at]]


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("open(path)\n", 0),
        ("open(path, 'r')\n", 0),
        ("open('a.txt')\n", 0),
        ("open(path, 'wb')\n", 1),
        ("open(path, f'w{kind}')\n", 1),
        ("open(path, mode=how)\n", 1),
        ("tarfile.open(path, 'w:gz')\n", 1),
        ("from shelve import open\nopen(path)\n", 1),
        ("from shelve import (\n    open,\n)\nopen(path)\n", 1),
        ("from stores import *\nopen(path)\n", 1),
        ("def use(open):\n    open(path)\n", 1),
        ("shelve.open(path)\n", 1),
        ("shelve . open(path)\n", 1),
        ("shelve.\\\n    open(path)\n", 1),
        ("import os as system\nsystem.replace(a, b)\n", 1),
        ("import text as system\nsystem.replace(a, b)\n", 0),
        ("import subprocess as sp\nsp.run(['touch', path])\n", 1),
        ("import soundfile as sf\nsf.write(path, data)\n", 1),
        ("os.replace(a, b)\n", 1),
        ("from os import replace\nreplace(a, b)\n", 1),
        ("'a'.replace(a, b)\n", 0),
        ("name().replace(a, b)\n", 0),
        ("names[0].replace(a, b)\n", 0),
        ("def open(self): pass\n", 0),
        ("async def save(self, path): pass\n", 0),
        ("figure.save(update_fields=['a'])\n", 0),
        ("figure.save(format='a', path=path)\n", 1),
        ("figure.save(path)\n", 1),
        ("figure.save()\n", 0),
    ],
)
def test_only_calls_that_may_be_known_are_parsed(source: str, count: int) -> None:
    assert len(find_offsets(source)) == count
