"""The contents of an image before its first step."""

from __future__ import annotations

from trees import show

from dockfix.model.image_tree import base_tree
from dockfix.model.images import find_image


def test_the_system_is_roots_and_root_s_home_is_closed() -> None:
    tree = base_tree(find_image("python:3.12-slim-bookworm"))
    assert (show(tree, "/etc"), show(tree, "/root")) == ("dir 0 755", "dir 0 700")
    assert show(tree, "/tmp") == "dir 0 1777"


def test_everybody_writes_to_the_devices_that_every_container_has() -> None:
    tree = base_tree(find_image("python:3.12-slim-bookworm"))
    assert {show(tree, f"/dev/{name}") for name in ("null", "stdout", "stderr")} == {"file 0 666"}


def test_an_account_of_the_base_has_its_home() -> None:
    tree = base_tree(find_image("node:20-slim"))
    assert show(tree, "/home/node").startswith("dir 1000")


def test_only_of_a_known_base_it_is_known_what_is_missing() -> None:
    known, unknown = (base_tree(find_image(name)) for name in ("python:3.12-slim", "example.org/own:1"))
    assert (show(known, "/data"), show(unknown, "/data")) == ("absent", "any 0 755 | absent")
