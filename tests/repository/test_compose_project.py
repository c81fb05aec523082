from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dockfix.repository.compose_project import read_services, with_settings
from dockfix.repository.neighbours import read_nothing


def services(files: Mapping[str, str], name: str) -> dict[str, dict[str, Any]]:
    return {one.name: one.facts for one in read_services(name, files[name], files.get)}


def test_an_override_lies_on_the_default_file_of_its_folder() -> None:
    files = {
        "d/docker-compose.yml": "services:\n  web:\n    build: {context: ./app, dockerfile: a.Dockerfile}\n"
        "    command: run\n    environment: [A=1]\n",
        "d/docker-compose.prod.yml": "services:\n  web:\n    build: {target: prod}\n"
        "    command: [serve, now]\n    environment: {B: '2'}\n",
    }
    assert services(files, "d/docker-compose.prod.yml") == {
        "web": {
            "build": {"context": "d/app", "dockerfile": "a.Dockerfile", "target": "prod"},
            "command": ["serve", "now"],
            "environment": {"A": "1", "B": "2"},
        }
    }


def test_a_file_that_stands_alone_has_nothing_of_the_default_file() -> None:
    files = {
        "docker-compose.yml": "services:\n  web:\n    build: ./app\n    command: run\n",
        "docker-compose.test.yml": "services:\n  web:\n    build: ./other\n",
    }
    assert services(files, "docker-compose.test.yml") == {"web": {"build": {"context": "other"}}}


def test_paths_of_a_service_that_is_extended_begin_at_its_file() -> None:
    files = {
        "compose.yml": "services:\n  a:\n    extends: {file: x/y/common.yml, service: b}\n",
        "x/y/common.yml": "services:\n  b:\n    build: {dockerfile: D}\n  c: {}\n",
    }
    assert services(files, "compose.yml")["a"]["build"] == {"context": "x/y", "dockerfile": "D"}


def test_the_environment_file_of_the_project_fills_variables() -> None:
    files = {"p/compose.yml": "services:\n  a:\n    image: x/${NAME}:1\n", "p/.env": "NAME=web\n"}
    assert services(files, "p/compose.yml")["a"]["image"] == "x/web:1"


def test_circles_end() -> None:
    files = {
        "compose.yml": "include: [compose.yml, other.yml]\nservices:\n  a: {extends: b, image: i}\n"
        "  b: {extends: {service: a}}\n  c: {extends: {file: other.yml, service: d}}\n",
        "other.yml": "include: [compose.yml]\nservices:\n  d: {extends: {file: compose.yml, service: c}}\n",
    }
    assert services(files, "compose.yml")["a"]["image"] == "i"


def test_many_aliases_of_one_service_are_read_once() -> None:
    lines = ["services:", "  a0: &a0 {image: x}"]
    lines += [f"  a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 60)]
    assert services({"compose.yml": "\n".join(lines)}, "compose.yml")["a59"] == {"image": "x"}


OVERRIDDEN = """\
services:
  web:
    build: {context: app, target: dev}
    command: serve
    environment: {A: '1', B: '2'}
    volumes: [./app:/app]
"""


def test_what_an_override_resets_is_gone_and_what_it_overrides_is_replaced() -> None:
    files = {
        "compose.yml": OVERRIDDEN,
        "compose.prod.yml": "services:\n  web:\n    command: !reset null\n"
        "    environment: !override {C: '3'}\n    build: {target: !reset ''}\n"
        "    volumes: !override [data:/data]\n",
    }
    assert services(files, "compose.prod.yml")["web"] == {
        "build": {"context": "app"},
        "environment": {"C": "3"},
        "volumes": ["data:/data"],
    }


def test_a_build_that_is_overridden_is_placed_like_any_other() -> None:
    files = {
        "d/compose.yml": OVERRIDDEN,
        "d/compose.prod.yml": "services:\n  web:\n    build: !override {context: prod, args: [A=1]}\n",
    }
    build = services(files, "d/compose.prod.yml")["web"]["build"]
    assert build == {"context": "d/prod", "args": {"A": "1"}}


def test_what_is_merged_over_a_replaced_value_extends_it() -> None:
    files = {
        "compose.yml": "services:\n  a:\n    extends: {file: b.yml, service: b}\n    volumes: [c:/c]\n",
        "b.yml": "services:\n  b:\n    image: i\n    extends: {file: d.yml, service: d}\n"
        "    volumes: !override [b:/b]\n    ports: !reset []\n",
        "d.yml": "services:\n  d:\n    image: i\n    volumes: [d:/d]\n    ports: ['80']\n",
    }
    assert services(files, "compose.yml")["a"] == {
        "image": "i",
        "extends": {"file": "b.yml", "service": "b"},
        "volumes": ["b:/b", "c:/c"],
    }


def test_variables_of_a_services_files_are_below_its_own() -> None:
    text = "services:\n  a:\n    image: x\n    env_file: [one.env, none.env]\n    environment: {B: '2'}\n"
    files = {"p/one.env": "A=/srv/a\nB=1\n"}
    (service,) = read_services("p/compose.yml", text, files.get)
    assert with_settings(service, files.get).facts["environment"] == {"A": "/srv/a", "B": "2"}
    assert with_settings(service, read_nothing) == service
