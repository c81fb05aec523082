"""What may be at a path: links, alternatives, and the unlisted contents of a directory."""

from __future__ import annotations

from trees import plant, show

from dockfix.model.changes import Change
from dockfix.model.filetree import Kind, Node, moved

DIRECTORY = Node(Kind.DIRECTORY)


def test_a_link_that_may_lead_below_itself_resolves_to_nothing_more() -> None:
    tree = plant("/a dir", "/a/b link /a/b", "/a/f file")
    tree.set("/a", (*tree.look("/a"), Node(Kind.LINK, target="/a/b")))
    assert tree.places("/a/f") == ["/a/f"]
    assert tree.places("/a/b/f") == ["/a/b/f"]


def test_links_are_followed_relative_to_their_directory_and_not_for_ever() -> None:
    tree = plant("/a dir", "/a/l link b", "/a/b dir", "/a/b/f file", "/loop link /loop")
    assert tree.follow("/a/l/f") == "/a/b/f"
    assert tree.follow("/a/l", last=False) == "/a/l"
    assert tree.exists("/a/l/f")
    assert not tree.exists("/loop")
    doubled = plant("/l link //deep", "/deep dir")
    assert doubled.follow("/l") == "/deep"


def test_what_only_may_be_there_does_not_exist_for_certain() -> None:
    tree = plant("/a dir | absent")
    assert tree.may_exist("/a")
    assert not tree.exists("/a")
    assert tree.nearest("/a/b") == "/"
    tree.settle("/a")
    assert tree.exists("/a")


def test_a_fork_changes_by_itself() -> None:
    tree = plant("/a dir", "/a/f file")
    other = tree.fork()
    other.remove("/a")
    assert (show(tree, "/a/f"), show(other, "/a/f")) == ("file 0 755", "absent")


def test_a_weak_change_keeps_what_was_there_as_well() -> None:
    tree = plant("/a dir", "/a/f file")
    tree.remove("/a/f", weak=True)
    assert show(tree, "/a/f") == "file 0 755 | absent"
    tree.change("/a", Change(7, 7), weak=True)
    assert show(tree, "/a") == "dir 0 755 | dir 7 755"


def test_a_full_directory_may_hold_any_name() -> None:
    tree = plant("/a dir", "/a/f file")
    tree.fill("/a", Node(Kind.ANY, 7, 7))
    assert show(tree, "/a/x") == "any 7 755 | absent"
    assert [node.uid for node in tree.contents("/a")] == [0, 7]


def test_directories_are_made_with_those_above() -> None:
    tree = plant("/a dir 0:50 2755", "/l link /a")
    assert tree.make_directories("/l/b/c", Node(Kind.DIRECTORY, 7, 7, 0o700), above=DIRECTORY) == "/a/b/c"
    # A directory that sets the group hands it down, and the bit with it.
    assert (show(tree, "/a/b"), show(tree, "/a/b/c")) == ("dir 0:50 2755", "dir 7:50 2700")


def test_a_branch_is_all_that_is_below_and_takes_the_place_of_what_was_there() -> None:
    tree = plant("/a dir", "/a/f file 7 600", "/b dir", "/b/old file 0 644")
    tree.graft(tree.branch("/a"), "/a", "/b")
    assert (show(tree, "/b/f"), show(tree, "/a/f"), show(tree, "/b/old")) == (
        "file 7 600",
        "file 7 600",
        "absent",
    )
    assert sorted(tree.below("/b")) == ["/b/f", "/b/old"]


def test_what_is_confirmed_is_there_and_so_is_the_directory_above() -> None:
    tree = plant("/d dir", "/d/e dir | absent", "/d/e/f file 0 644 | absent")
    tree.confirm("/d/e/f")
    assert (show(tree, "/d/e/f"), show(tree, "/d/e")) == ("file 0 644", "dir 0 755")


def test_path_moves_with_a_tree_from_and_to_the_root_directory() -> None:
    assert moved("/out/etc/x", "/out", "/") == "/etc/x"
    assert moved("/etc/x", "/", "/out") == "/out/etc/x"
    assert moved("/out", "/out", "/srv") == "/srv"
