"""Every known pitfall has an application that a wrong rewrite breaks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
from applications import find_applications

PITFALLS: Final = tuple(f"A{number}" for number in range(1, 55))
NOT_BUILT: Final[Mapping[str, str]] = {
    "A27": "browsers below root's home: the file is left alone, so there is nothing to build",
    "A30": "an entry point that drops root itself must start as root: the file is left alone",
    "A37": "a file that goes back to root at its end is for a person to judge",
    "A40": "GitHub wants its actions to be root's: the file is left alone",
    "A41": "cron and supervisord must be root's: the file is left alone",
    "A50": "the user of a development container is its tool's affair: the file is left alone",
    "A53": "Windows images build on Windows only: the file is left alone",
    "A54": "a user that only the entry point sets is no USER: the file is left alone, as for A30",
}
LIST: Final = Path(__file__).parents[3] / "shared" / "pitfalls.md"


def named(*, built: bool) -> frozenset[str]:
    """The pitfalls of the applications that are built, or of those that are skipped."""
    chosen = [found.facts for found in find_applications() if (found.facts["expect"] == "proven") is built]
    return frozenset(name for facts in chosen for name in facts.get("pitfalls", ()))


@pytest.mark.parametrize("pitfall", PITFALLS)
def test_pitfall_has_an_application(pitfall: str) -> None:
    if pitfall in NOT_BUILT:
        assert pitfall in named(built=False) - named(built=True), NOT_BUILT[pitfall]
    else:
        assert pitfall in named(built=True)


def test_applications_name_pitfalls_that_exist() -> None:
    assert named(built=True) | named(built=False) <= set(PITFALLS)


def test_list_of_pitfalls_is_whole() -> None:
    if not LIST.is_file():
        pytest.skip("the list of pitfalls is not beside this checkout")
    assert tuple(re.findall(r"^\| (A\d+) \|", LIST.read_text(encoding="utf-8"), re.MULTILINE)) == PITFALLS
