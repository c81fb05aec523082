"""Rows of the tables that a real image contradicts."""

from __future__ import annotations

from typing import Any

import pytest
from base_facts import debian
from base_facts import image as any_image

from dockfix.image_facts import Content, ImageFacts, Interpreter, Login
from dockfix.inspection.contradictions import find_wrong_rows
from dockfix.model.images import find_image

NAME = "python:3.12-slim-bookworm"


def image(content: Content | None = None, **settings: Any) -> ImageFacts:
    """Facts with the variables that the tables know."""
    return any_image(content, **{"env": dict(find_image(NAME).env), **settings})


def wrong(facts: ImageFacts, name: str = NAME) -> list[str]:
    return [str(one) for one in find_wrong_rows(name, facts)]


def slim(**changes: Any) -> Content:
    accounts = (Login("root", 0, 0, "/root"), Login("www-data", 33, 33, "/var/www"))
    return debian(**{"accounts": accounts, **changes})


def test_a_row_that_holds() -> None:
    assert wrong(image(slim())) == []
    assert wrong(image()) == []


def test_an_image_that_no_row_is_about_contradicts_none() -> None:
    assert wrong(image(slim()), "acme/app") == []


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (image(slim(), user="app"), "user: the table says root, the image has app"),
        (image(user="app"), "user: the table says root, the image has app"),
        (image(slim(), workdir="/srv"), "workdir: the table says /, the image has /srv"),
        (image(slim(), command=("serve",)), "starts: the table says false, the image has true"),
        (
            image(slim(pythons=(Interpreter("/usr/local/bin/python3.12", "image", "3.12", "21.2"),))),
            "pip: the table says quiet, the image has warns",
        ),
        (
            image(slim(commands={"sh": "/bin/sh", "python3": "/usr/local/bin/python3.12", "useradd": "/u"})),
            "account_command: the table says adduser, the image has none",
        ),
        (image(slim(accounts=())), "accounts: the table says www-data, the image has none"),
    ],
)
def test_a_row_that_is_wrong(facts: ImageFacts, message: str) -> None:
    assert wrong(facts) == [message]


def test_variables_and_numbers_of_accounts_are_compared() -> None:
    content = debian(
        accounts=(Login("www-data", 33, 33, "/var/www"), Login("node", 1001, 1001, "/home/node"))
    )
    found = wrong(image(content), "node:20-slim")
    assert [one.partition(":")[0] for one in found if "uid=1001" in one] == ["accounts"]
