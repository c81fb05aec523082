from __future__ import annotations

from pathlib import Path

import pytest

from dockfix.files.candidates import Build
from dockfix.verify.images import Source
from dockfix.verify.services import ALONE, Company, Service, Start, find_company

COMPOSE = """\
services:
  web:
    build: .
    command: gunicorn --bind :8000 "shop:app"
    environment:
      DATABASE_URL: postgres://shop:pw@db/shop
      DEBUG: false
      TOKEN:
      OTHER: ${UNSET_HERE:?}
    depends_on:
      migrations: {condition: service_completed_successfully}
      cache: {condition: service_started}
  migrations:
    image: shop-tools:1
    command: [migrate, --all]
    depends_on: [db]
  cache:
    image: redis:7
    healthcheck: {test: redis-cli ping}
  db:
    image: postgres:16
    environment: [POSTGRES_PASSWORD=pw, PGTOKEN]
    healthcheck: {test: [CMD, pg_isready, -U, shop]}
    depends_on: [web]
  worker:
    build: .
    depends_on: [other]
  other:
    build: ./other
  unrelated:
    image: nginx:1
"""


def company(folder: Path, name: str, text: str = COMPOSE) -> Company:
    (folder / "compose.yml").write_text(text)
    return find_company(folder, Build("compose.yml", "Dockerfile", ".", name=name))


def test_what_an_image_depends_on_comes_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "s3cret")
    monkeypatch.setenv("PGTOKEN", "s3cret")
    found = company(tmp_path, "web")
    assert found.start.words == ("gunicorn", "--bind", ":8000", "shop:app")
    assert found.start.environment == ("DATABASE_URL=postgres://shop:pw@db/shop", "DEBUG=false")
    assert found.services == (
        Service("db", "postgres:16", Start(("POSTGRES_PASSWORD=pw",)), ("pg_isready", "-U", "shop")),
        Service("migrations", "shop-tools:1", Start((), ("migrate", "--all"))),
        Service("cache", "redis:7", Start(), ("sh", "-c", "redis-cli ping")),
    )


def test_other_images_of_the_repository_are_built_from_what_is_there(tmp_path: Path) -> None:
    assert company(tmp_path, "worker") == Company()
    (tmp_path / "other" / "docker").mkdir(parents=True)
    (tmp_path / "other" / "docker" / "Dockerfile").write_text("FROM redis:7\n")
    build = "{context: ./other, dockerfile: docker/Dockerfile, target: x, args: [A=1, B]}"
    found = company(
        tmp_path, "worker", COMPOSE.replace("build: ./other", f"build: {build}\n    image: own:1")
    )
    folder = tmp_path / "other"
    source = Source("FROM redis:7\n", folder / "docker" / "Dockerfile", folder, "x", {"A": "1"})
    assert found.services == (Service("other", "", source=source),)


NAMED = """\
services:
  web: {build: ., links: ["db:database"]}
  db:
    image: postgres:16
    container_name: shop-db
    hostname: "not a name"
    networks: {back: {aliases: [pg, shop-db]}, front: }
"""


def test_a_service_is_reached_by_all_its_names(tmp_path: Path) -> None:
    (service,) = company(tmp_path, "web", NAMED).services
    assert service.names == ("db", "shop-db", "pg")


SETTINGS = """\
services:
  web:
    build: .
    env_file: [common.env, {path: ../web/own.env, required: false}]
    environment: {LEVEL: "${LEVEL}", NAME: web}
    entrypoint: [/start, --now]
    depends_on: [db]
  db: {image: db, env_file: db.env, entrypoint: run db}
"""


def test_settings_come_from_files_as_well(tmp_path: Path) -> None:
    folder = tmp_path / "deploy"
    (tmp_path / "web").mkdir()
    folder.mkdir()
    (folder / "common.env").write_text("# all\nNAME=nobody\nTOKEN='s3cret'\nexport HOST=db # where\n")
    (tmp_path / "web" / "own.env").write_text("HOST=other\n")
    (folder / ".env.example").write_text("LEVEL=debug\n")
    (folder / "compose.yml").write_text(SETTINGS)
    found = find_company(tmp_path, Build("deploy/compose.yml", "Dockerfile", "", name="web"))
    assert found.start == Start(
        ("NAME=web", "TOKEN=s3cret", "HOST=other", "LEVEL=debug"), None, ("/start", "--now")
    )
    assert found.start.flags[-2:] == ("--entrypoint", "/start")
    assert found.start.words == ("--now",)
    assert found.services == (Service("db", "db", Start((), None, ("run", "db"))),)
    assert found.missing == ("deploy/db.env",)
    assert "s3cret" in found.hidden
    assert "debug" not in found.hidden


@pytest.mark.parametrize("text", ["", "services: {}\n", "services: [\n"])
def test_a_file_that_says_nothing_leaves_the_image_alone(text: str, tmp_path: Path) -> None:
    assert company(tmp_path, "web", text) == ALONE


@pytest.mark.parametrize(
    ("head", "dependencies"),
    [("", "[{a: b}, db]"), ("", "{db: , 5: }"), ('include: ["a\\0b.yml"]\n', "[db]")],
)
def test_a_malformed_file_is_read_as_far_as_it_can_be(head: str, dependencies: str, tmp_path: Path) -> None:
    text = f"{head}services:\n  web: {{build: ., depends_on: {dependencies}}}\n  db: {{image: x}}\n"
    assert company(tmp_path, "web", text).services == (Service("db", "x"),)


def test_a_chain_of_services_may_be_long(tmp_path: Path) -> None:
    rows = [f"  s{number}: {{image: x, depends_on: [s{number + 1}]}}" for number in range(1500)]
    text = "\n".join(["services:", "  web: {build: ., depends_on: [s0]}", *rows])
    names = [one.name for one in company(tmp_path, "web", text).services]
    assert names[:2] == ["s1499", "s1498"]


def test_links_out_of_the_repository_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside.yml").write_text(COMPOSE)
    (tmp_path / "repository").mkdir()
    (tmp_path / "repository" / "compose.yml").symlink_to(tmp_path / "outside.yml")
    build = Build("compose.yml", "Dockerfile", ".", name="web")
    assert find_company(tmp_path / "repository", build) == ALONE
