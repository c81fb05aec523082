from __future__ import annotations

import pytest

from dockfix.repository.arguments import UNKNOWN
from dockfix.repository.interpolation import interpolate, read_environment

VALUES = {"A": "a", "EMPTY": "", "B_1": "b"}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("$A", "a"),
        ("x${A}y$B_1.z", "xayb.z"),
        ("$NONE", UNKNOWN),
        ("${NONE}", UNKNOWN),
        ("${NONE:-d}", "d"),
        ("${NONE-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${A:-d}", "a"),
        ("${NONE:-}", ""),
        ("${NONE:-${A}-x}", "a-x"),
        ("${NONE:-${EMPTY:-${OTHER-deep}}}", "deep"),
        ("${A:?must be set}", "a"),
        ("${NONE:?must be set}", UNKNOWN),
        ("${EMPTY:?must be set}", UNKNOWN),
        ("${EMPTY?must be set}", ""),
        ("${A:+yes}", "yes"),
        ("${EMPTY:+yes}", ""),
        ("${EMPTY+yes}", "yes"),
        ("${NONE:+yes}", UNKNOWN),
        ("$$A", "$A"),
        ("${A", "a"),
        ("cost: 5$", f"cost: 5{UNKNOWN}"),
        ("plain", "plain"),
    ],
)
def test_variables_of_compose(text: str, filled: str) -> None:
    assert interpolate(text, VALUES) == filled


def test_an_environment_file() -> None:
    text = "# no\nA=1\nexport B = two words # comment\nC='$A # kept'\nD=\"x-${A}\"\nE=\nnot a line\n# F=1\n"
    assert read_environment(text) == {
        "A": "1",
        "B": "two words",
        "C": "$A # kept",
        "D": "x-1",
        "E": "",
    }


def test_variables_nested_without_end_are_read_to_a_limit() -> None:
    assert UNKNOWN in interpolate("${A_:-" * 200 + "x" + "}" * 200, {})
