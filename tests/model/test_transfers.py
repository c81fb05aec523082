"""cp, mv and ln: their destinations, and what may be denied."""

from __future__ import annotations

import pytest
from trees import APP, plant, play, show

OWN = "/own dir 10001"
ROOTS = "/roots dir"
FILE = "/roots/f file 0 644"

RULES = {
    # Reading the source, and writing where it lands.
    "cp /roots/f /own/g": "allowed",
    "cp /roots/f /roots/g": "denied",
    "cp /roots/secret /own/g": "denied",
    # Renaming takes a name from one directory and gives it to another.
    "mv /own/mine /own/other": "allowed",
    "mv /own/mine /roots/other": "denied",
    "mv /roots/f /own/f": "denied",
    # A link is made in a directory, whatever it leads to.
    "ln -s /roots/f /own/l": "allowed",
    "ln -s /own/mine /roots/l": "denied",
}


@pytest.mark.parametrize("script", RULES)
def test_allowed(script: str) -> None:
    tree = plant(OWN, "/own/mine file 10001 644", ROOTS, FILE, "/roots/secret file 0 600")
    assert play(tree, script, APP) == RULES[script]


def test_a_copy_lands_in_a_directory_or_under_a_new_name() -> None:
    tree = plant(ROOTS, FILE, "/d dir")
    play(tree, "cp /roots/f /d; cp /roots/f /e")
    assert (show(tree, "/d/f"), show(tree, "/e")) == ("file 0 644", "file 0 644")


def test_a_move_leaves_nothing_behind() -> None:
    tree = plant(OWN, "/own/mine file 10001 600")
    play(tree, "mv /own/mine /own/other", APP)
    assert (show(tree, "/own/mine"), show(tree, "/own/other")) == ("absent", "file 10001 600")
