"""The account that an image runs as already."""

from __future__ import annotations

from dataclasses import replace

import pytest
from base_facts import debian, image
from plans import read_plan

from dockfix import Options
from dockfix.image_facts import Entry
from dockfix.model.repairs import NO_REPAIRS

TEXT = "FROM python:3.12-slim\nUSER www-data\n"


@pytest.mark.parametrize(("kind", "is_missing"), [("directory", False), ("absent", True), (None, True)])
def test_an_inspected_base_decides_whether_the_home_of_its_account_exists(
    kind: str | None, is_missing: bool
) -> None:
    content = debian(paths={"/var/www": Entry(kind)} if kind else {})
    plan = read_plan(TEXT, Options(facts={"python:3.12-slim": image(content)}))
    account = replace(plan, repairs=NO_REPAIRS).account
    assert (account.name, account.home) == ("www-data", "/var/www")
    assert (account.homeless, account.nowhere) == (is_missing, is_missing)
