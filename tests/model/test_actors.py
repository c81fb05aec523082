"""The nodes that an account creates, copies, edits and writes."""

from __future__ import annotations

import pytest

from dockfix.model.actors import Actor
from dockfix.model.filetree import BASE, Kind, Node
from dockfix.model.operations import How, HowName
from dockfix.model.permissions import ROOT, Identity

USER = Identity(7, frozenset({7, 50}), 7, "/home/user")
KEPT = {How.KEEPS_OWNER, How.KEEPS_MODE, How.KEEPS_TIMES}
FILE = Node(Kind.FILE, 9, 50, 0o4755, BASE, capable=True)


def test_a_new_node_is_its_makers_under_the_umask() -> None:
    made = Actor(USER, 3, umask=0o027).makes(Kind.DIRECTORY)
    assert made == Node(Kind.DIRECTORY, 7, 7, 0o750, 3)


@pytest.mark.parametrize(
    ("who", "how", "expected"),
    [
        (ROOT, set(), Node(Kind.FILE, 0, 0, 0o755, 3)),
        (ROOT, KEPT, Node(Kind.FILE, 9, 50, 0o4755, 3)),
        (ROOT, {How.KEEPS_MODE}, Node(Kind.FILE, 0, 0, 0o4755, 3)),
        (ROOT, {How.KEEPS_OWNER}, Node(Kind.FILE, 9, 50, 0o755, 3)),
        (ROOT, {How.PLAIN_MODE}, Node(Kind.FILE, 0, 0, 0o644, 3)),
        (ROOT, KEPT | {How.KEEPS_ALL}, Node(Kind.FILE, 9, 50, 0o4755, 3, capable=True)),
        # A user keeps a group of theirs, never another's owner, and no set-id bit with another owner.
        (USER, KEPT | {How.KEEPS_ALL}, Node(Kind.FILE, 7, 50, 0o755, 3)),
    ],
)
def test_a_copy(who: Identity, how: set[HowName], expected: Node) -> None:
    assert Actor(who, 3).copies(FILE, how) == expected


def test_only_root_keeps_the_owner_of_a_file_that_is_edited_in_place() -> None:
    edited = Actor(ROOT, 3).edits(FILE)
    assert (edited.uid, edited.gid, edited.capable) == (9, 50, False)
    edited = Actor(USER, 3).edits(FILE)
    assert (edited.uid, edited.gid, edited.capable) == (7, 50, False)


def test_writing_clears_capabilities_and_set_id_bits_unless_root_writes() -> None:
    assert Actor(ROOT, 3).writes(FILE).mode == 0o4755
    assert Actor(USER, 3).writes(FILE).mode == 0o755
    assert not Actor(ROOT, 3).writes(FILE).capable
