"""Groups that a file creates, and the new account that joins them."""

from __future__ import annotations

from typing import Any

import pytest
from plans import read_plan

from dockfix import Changed, Options, fix
from dockfix.model.groups import Group, find_groups

BOOKWORM = "FROM python:3.12-slim-bookworm\n"
TRIXIE = "FROM python:3.12-slim-trixie\n"
ALPINE = "FROM python:3.12-alpine\n"
APP = 'WORKDIR /app\nCOPY app.py .\nCMD ["python", "app.py"]\n'

# (text above the application, options, the command that creates the account)
CREATED: list[tuple[str, dict[str, Any], str]] = [
    (TRIXIE + "RUN groupadd app", {}, "useradd --create-home --gid app appuser"),
    (BOOKWORM + "RUN addgroup app", {}, "adduser --disabled-password --gecos '' --ingroup app appuser"),
    (ALPINE + "RUN addgroup -S app", {}, "adduser -D -G app appuser"),
    (TRIXIE + "RUN groupadd appuser", {}, "useradd --create-home --gid appuser appuser"),
    (
        TRIXIE + "RUN groupadd a && groupadd b",
        {},
        "useradd --create-home --groups a,b appuser",
    ),
    (
        BOOKWORM + "RUN groupadd a\nRUN groupadd b",
        {},
        "adduser --disabled-password --gecos '' appuser && adduser appuser a && adduser appuser b",
    ),
    (
        ALPINE + "RUN addgroup a && addgroup b",
        {},
        "adduser -D appuser && addgroup appuser a && addgroup appuser b",
    ),
    (
        TRIXIE + "RUN groupadd a && groupadd appuser",
        {},
        "useradd --create-home --groups a --gid appuser appuser",
    ),
    # Numbers need the number of the group.
    (
        TRIXIE + "RUN groupadd -g 50 app",
        {"numeric": True},
        "useradd --create-home --uid 10001 --gid app appuser",
    ),
    (
        TRIXIE + "RUN groupadd app",
        {"numeric": True},
        "groupadd --gid 10001 appuser && useradd --create-home --uid 10001 --gid 10001 appuser",
    ),
    (
        TRIXIE + "RUN groupadd -g 50 app",
        {"uid": 7000, "gid": 50},
        "useradd --create-home --uid 7000 --gid app appuser",
    ),
    (TRIXIE + "RUN groupadd app", {"any_uid": True}, "useradd --create-home --uid 10001 --gid 0 appuser"),
    # What may be there, or comes later, is no group to join, and leaves its name to itself.
    (TRIXIE + "RUN if [ -e /x ]; then groupadd app; fi", {}, "useradd --create-home appuser"),
    (TRIXIE + "RUN getent group appuser || groupadd appuser", {}, "useradd --create-home appuser2"),
    (TRIXIE + "RUN groupadd app && groupdel app", {}, "useradd --create-home appuser"),
    (TRIXIE + "COPY a.txt /app/\nRUN groupadd app", {}, "useradd --create-home appuser"),
    (TRIXIE + "COPY a.txt /app/\nRUN groupadd appuser", {}, "useradd --create-home appuser2"),
]


@pytest.mark.parametrize(("above", "options", "command"), CREATED)
def test_new_account_joins_the_groups_of_the_file(above: str, options: dict[str, Any], command: str) -> None:
    result = fix(f"{above}\n{APP}", Options(**options))
    assert isinstance(result, Changed), result
    rewrite = result.text.replace(" \\\n   ", "")
    assert f"RUN {command}\n" in rewrite or f"RUN {command} && ch" in rewrite, rewrite


def test_directory_that_a_step_gave_to_the_group_needs_no_other_owner() -> None:
    steps = "RUN groupadd -g 50 app\nRUN mkdir /data && chgrp app /data && chmod 2770 /data\n"
    result = fix(f'{TRIXIE}{steps}WORKDIR /app\nCOPY app.py .\nCMD ["python", "app.py", "/data"]\n')
    assert isinstance(result, Changed), result
    assert "&& chown" not in result.text
    assert "RUN chown" not in result.text


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        ("RUN groupadd -r -g 50 app", Group("app", 50, is_ready=True)),
        ("RUN addgroup --gid 50 app", Group("app", 50, is_ready=True)),
        ("USER 7\nRUN groupadd app", Group("app", None, is_ready=False)),
        ("RUN adduser app web", None),
        ("RUN echo groupadd app", None),
    ],
)
def test_groups_are_found(steps: str, found: Group | None) -> None:
    lineage = read_plan(f"{BOOKWORM}{steps}\nWORKDIR /app\n").lineage
    assert find_groups(lineage) == ((found,) if found else ())


def test_number_of_a_group_of_an_earlier_step_is_known() -> None:
    account = read_plan(f"{BOOKWORM}RUN groupadd -g 50 web\nRUN useradd -u 40 -g web web\n").account
    assert (account.uid, account.gid, account.joins) == (40, 50, True)


def test_account_that_is_only_added_to_a_group_is_not_created() -> None:
    plan = read_plan(f"{BOOKWORM}RUN adduser --disabled-password web\nRUN adduser web video\n")
    assert (plan.account.name, plan.account.created) == ("web", plan.steps[1])
