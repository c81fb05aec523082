"""The account that an image will run as."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from plans import read_plan

from dockfix import Options
from dockfix.context import Context, Deployment, Mount, Setting
from dockfix.model.accounts import UserAccount

BOOKWORM = "python:3.12-slim-bookworm"
ALPINE = "python:3.12-alpine"
ROCKY = "rockylinux:9"
FILES = Setting("/files", 3)


def test_the_number_of_a_group_that_was_made_before_is_known() -> None:
    made = choose(BOOKWORM, "RUN groupadd -g 50 web && useradd -u 40 -g web web")
    assert (made.uid, made.gid) == (40, 50)


@pytest.mark.parametrize(
    ("mount", "steps", "uid"),
    [
        (Mount(FILES, "files", is_shared=True), "", None),  # it gets 1000 by itself
        (Mount(FILES, "files", is_shared=True), "COPY --link a /app/a", 1000),
        (Mount(FILES, "files", is_shared=True), "RUN useradd -u 40 web\nCOPY --link a /app/a", 40),
        (Mount(FILES, "files", read_only=True, is_shared=True), "COPY --link a /app/a", 10001),
        (Mount(FILES, "files"), "COPY --link a /app/a", 10001),
    ],
)  # fmt: skip
def test_images_that_write_to_one_volume_get_one_number(mount: Mount, steps: str, uid: int | None) -> None:
    service = Deployment("compose.yaml", 1, "compose", "web", dockerfile="Dockerfile", mounts=(mount,))
    plan = read_plan(f"FROM {BOOKWORM}\n{steps}\n")
    plan = replace(plan, context=Context("Dockerfile", deployments=(service,)))
    assert plan.account.uid == uid


def choose(base: str, steps: str = "", **options: Any) -> UserAccount:
    return read_plan(f"FROM {base}\n{steps}\n", Options(**options)).account


@pytest.mark.parametrize(
    ("base", "options", "user", "owner"),
    [
        (BOOKWORM, {}, "appuser", "appuser:appuser"),
        (BOOKWORM, {"user": "web"}, "web", "web:web"),
        (BOOKWORM, {"uid": 1000}, "appuser", "appuser:appuser"),
        (BOOKWORM, {"numeric": True}, "10001:10001", "10001:10001"),
        (BOOKWORM, {"numeric": True, "uid": 1000}, "1000:1000", "1000:1000"),
        (BOOKWORM, {"numeric": True, "uid": 1000, "gid": 7}, "1000:7", "1000:7"),
        (BOOKWORM, {"numeric": True, "gid": 7}, "10001:7", "10001:7"),
        ("gcr.io/distroless/python3-debian12", {}, "65532:65532", "65532:65532"),
        ("scratch", {}, "10001:10001", "10001:10001"),
        ("scratch", {"uid": 42}, "42:42", "42:42"),
        ("node:20", {}, "node", "node:node"),
        ("node:20", {"numeric": True}, "1000:1000", "1000:1000"),
        ("node:20", {"uid": 1000}, "node", "node:node"),
        ("node:20", {"uid": 2000}, "appuser", "appuser:appuser"),
    ],
)
def test_account_is_named(base: str, options: dict[str, Any], user: str, owner: str) -> None:
    account = choose(base, **options)
    assert (account.user, account.owner) == (user, owner)
    assert account.exists == (account.name in ("node", "nonroot"))


@pytest.mark.parametrize(
    ("base", "command", "owner", "home", "homeless", "nowhere"),
    [
        (BOOKWORM, "useradd web", "web:web", "/home/web", True, False),
        (BOOKWORM, "useradd -m web", "web:web", "/home/web", False, False),
        (BOOKWORM, "useradd -ms /bin/bash web", "web:web", "/home/web", False, False),
        (BOOKWORM, "useradd --create-home --home-dir /srv/web web", "web:web", "/srv/web", False, False),
        (BOOKWORM, "useradd -m -d /srv/web/ web", "web:web", "/srv/web", False, False),
        (BOOKWORM, "groupadd shop && useradd -g shop web", "web:shop", "/home/web", True, False),
        (BOOKWORM, "groupadd -g 50 shop && useradd -g 50 web", "web:shop", "/home/web", True, False),
        (BOOKWORM, "useradd -g 100 web", "web", "/home/web", True, False),
        (BOOKWORM, "useradd -g $gid web", "web", "/home/web", True, False),
        (BOOKWORM, "useradd --system web", "web:web", "/home/web", True, False),
        (BOOKWORM, "adduser --disabled-password --gecos '' web", "web:web", "/home/web", False, False),
        (
            BOOKWORM,
            "adduser --disabled-password --gecos '' --no-create-home web",
            "web:web",
            "/home/web",
            True,
            False,
        ),
        (BOOKWORM, "adduser --system web", "web", "/home/web", True, True),
        (BOOKWORM, "adduser --system --group web", "web:web", "/home/web", True, True),
        (
            BOOKWORM,
            "addgroup --system shop && adduser --system --ingroup shop web",
            "web:shop",
            "/home/web",
            True,
            True,
        ),
        (BOOKWORM, "adduser --system --home /srv/web web", "web", "/srv/web", False, False),
        (ALPINE, "adduser -D web", "web:web", "/home/web", False, False),
        # In busybox, -g is the full name.
        (ALPINE, "adduser -D -g 'a web server' web", "web:web", "/home/web", False, False),
        (ALPINE, "adduser -D -H web", "web:web", "/home/web", True, False),
        (ALPINE, "addgroup -S shop && adduser -S -G shop web", "web:shop", "/home/web", False, False),
        (ALPINE, "adduser -D -h /srv/web web", "web:web", "/srv/web", False, False),
        (
            ALPINE,
            "addgroup shop && adduser -D -g 'a shop' -G shop web",
            "web:shop",
            "/home/web",
            False,
            False,
        ),
        (ALPINE, "adduser -D -g 'a shop' web", "web:web", "/home/web", False, False),
        (ROCKY, "useradd web", "web:web", "/home/web", False, False),
        (ROCKY, "useradd -r web", "web:web", "/home/web", True, False),
    ],
)
def test_accounts_of_the_file_are_read(
    base: str, command: str, owner: str, home: str, homeless: bool, nowhere: bool
) -> None:
    account = choose(base, f"RUN {command}")
    assert (account.name, account.owner, account.home) == ("web", owner, home)
    assert (account.homeless, account.nowhere, account.exists) == (homeless, nowhere, True)
    assert account.created is not None
    assert account.created.index == 1


@pytest.mark.parametrize(
    ("command", "uid", "gid"),
    [
        ("useradd web", None, None),
        ("useradd -u 1500 web", 1500, None),
        ("useradd --uid=1500 web", 1500, None),
        ("useradd -mu 1500 web", 1500, None),
        ("useradd --uid 1500 --gid 1600 web", 1500, 1600),
        ("adduser --uid 1500 --disabled-password web", 1500, None),
        ("useradd --uid $ID web", None, None),
    ],
)
def test_numbers_of_the_files_account_are_read(command: str, uid: int | None, gid: int | None) -> None:
    account = choose(BOOKWORM, f"RUN {command}")
    assert (account.uid, account.gid) == (uid, gid)
    assert account.ids == ("web" if uid is None else f"{uid}:{gid or uid}")


@pytest.mark.parametrize(
    ("base", "steps", "home"),
    [
        (BOOKWORM, "RUN useradd web\nRUN usermod -d /srv/web web", "/srv/web"),
        (BOOKWORM, "RUN useradd -d /srv/a web && usermod --home /srv/b -m web", "/srv/b"),
        (BOOKWORM, "RUN useradd web && usermod -d /srv/a games", "/home/web"),
        ("node:20", "RUN usermod -d /srv/node node", "/srv/node"),
    ],
)
def test_an_account_has_the_home_that_it_has_at_the_end(base: str, steps: str, home: str) -> None:
    assert choose(base, steps).home == home


@pytest.mark.parametrize(
    ("steps", "name"),
    [
        ("RUN useradd first && useradd second", "second"),
        ("RUN useradd appuser\nRUN useradd second", "appuser"),
        ("RUN useradd first\nRUN useradd second\nUSER first", "first"),
        ("RUN echo useradd web", "appuser"),
        ("RUN useradd root2 && useradd root", "root2"),
        ("RUN groupadd web", "appuser"),
    ],
)
def test_one_account_is_chosen(steps: str, name: str) -> None:
    assert choose(BOOKWORM, steps).name == name


def test_account_without_a_number_is_no_numeric_one() -> None:
    account = choose(BOOKWORM, "RUN useradd web", numeric=True)
    assert (account.name, account.user, account.exists) == ("appuser", "10001:10001", False)


@pytest.mark.parametrize(
    ("steps", "uid"),
    [
        ("COPY app.py /app/", None),
        ("COPY --link app.py /app/", 10001),
        ("COPY --link --chown=5 app.py /app/", None),
        ("RUN --mount=type=cache,target=/root/.cache/pip pip install flask", 10001),
        ("RUN --mount=type=bind,target=/src pip install flask", None),
        ("RUN --mount=type=cache,target=/var/cache/apt apt-get install -y gcc", None),
    ],
)
def test_numbers_are_fixed_where_names_do_not_do(steps: str, uid: int | None) -> None:
    account = choose(BOOKWORM, steps)
    assert (account.uid, account.gid) == (uid, uid)
    assert account.user == "appuser"


@pytest.mark.parametrize(
    ("base", "steps", "name"),
    [
        (BOOKWORM, "RUN useradd -o -u 0 toor", "appuser"),
        (BOOKWORM, "RUN useradd web && usermod -u 0 -o web", "appuser"),
        (BOOKWORM, "RUN useradd ops\nRUN useradd web\nRUN userdel -r web", "ops"),
        (BOOKWORM, "RUN useradd web && userdel web\nRUN useradd web", "web"),
        (BOOKWORM, "RUN userdel web || true; useradd web", "web"),
        (BOOKWORM, "RUN useradd web && usermod -u 2000 web", "web"),
        (BOOKWORM, "RUN useradd web && deluser web www-data", "web"),
        ("node:20", "RUN userdel -r node", "appuser"),
        (BOOKWORM, "RUN useradd -u 2000 web && usermod -l www web", "appuser"),
        (BOOKWORM, "RUN useradd ops\nRUN useradd web\nRUN usermod --login www -d /srv web", "ops"),
        ("node:20", "RUN usermod -l web -d /srv/web -m node", "appuser"),
    ],
)
def test_an_account_that_is_removed_or_becomes_root_is_not_used(base: str, steps: str, name: str) -> None:
    assert choose(base, steps).name == name
