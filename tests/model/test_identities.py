"""The accounts that USER, chown and --chown name."""

from __future__ import annotations

import pytest

from dockfix.model.accounts import UserAccount
from dockfix.model.identities import Accounts
from dockfix.model.images import find_image
from dockfix.model.permissions import Identity


@pytest.fixture
def accounts() -> Accounts:
    found = Accounts(find_image("python:3.12-slim-bookworm"))
    found.add(UserAccount("app", "app", 10001, 10001, "/home/app", exists=True))
    found.add(UserAccount("nameless", "staff", None, None, "/home/nameless", exists=True))
    found.join("app", ["docker"])
    return found


USERS = {
    "root": Identity(0, frozenset({0}), 0, "/root"),
    "": Identity(0, frozenset({0}), 0, "/root"),
    "app": Identity(10001, frozenset({10001, "docker"}), 10001, "/home/app"),
    # A group in USER drops the supplementary ones, as a number does that no account has.
    "app:0": Identity(10001, frozenset({0}), 0, "/home/app"),
    "54321": Identity(54321, frozenset({0}), 0, "/"),
    "nameless": Identity("nameless", frozenset({"staff"}), "staff", "/home/nameless"),
}


@pytest.mark.parametrize("user", USERS)
def test_user(accounts: Accounts, user: str) -> None:
    assert accounts.identity(user, {}) == USERS[user]


def test_home_of_the_environment_wins(accounts: Accounts) -> None:
    assert accounts.identity("app", {"HOME": "/srv/"}).home == "/srv"


@pytest.mark.parametrize(
    ("text", "owner"),
    [
        ("app", (10001, None)),
        ("app:", (10001, 10001)),
        (":50", (None, 50)),
        ("app:root", (10001, 0)),
        ("$NAME", None),
    ],
)
def test_operand_of_chown(accounts: Accounts, text: str, owner: object) -> None:
    assert accounts.owner(text) == owner


@pytest.mark.parametrize(
    ("text", "owner"),
    [("app", (10001, 10001)), ("7", (7, 7)), ("7:8", (7, 8)), ("nobody-made-it", (0, 0))],
)
def test_value_of_the_chown_flag(accounts: Accounts, text: str, owner: object) -> None:
    assert accounts.copy_owner(text) == owner
