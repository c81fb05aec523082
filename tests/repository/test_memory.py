"""What callers say is read once, and again only after something that matters has changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from git_repository import Repository

from dockfix import run
from dockfix.files import stamps
from dockfix.files.cache import Cache
from dockfix.options.request import Files, Request

COMPOSE = """
services:
  base:
    build: base
    image: shop/base
  web:
    build:
      context: web
      args: {MODE: "${MODE}"}
    command: python web.py --port 8000
    volumes: [data:/data]
"""


@pytest.fixture(autouse=True)
def _old(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Treat every write as old enough to trust, and use only the rules of the repository."""
    monkeypatch.setattr(stamps, "_SETTLED", -(10**12))
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def shop(repository: Repository) -> Repository:
    repository.put("compose.yml", text=COMPOSE)
    repository.put(".env", text="MODE=fast\n")
    repository.put("pod.yaml", text="kind: Pod\nspec: {containers: [{image: shop/base, command: [x\n")
    repository.put("base/Dockerfile", text="FROM python:3.12\nCMD python\n")
    repository.put("web/Dockerfile", text="FROM shop/base\nARG MODE\nCOPY . .\nCMD python web.py\n")
    repository.commit()
    return repository


def prepare(place: Path, *paths: str) -> run.Prepared:
    cache = Cache(str(place), "v1", b"key")
    prepared = run.prepare(Request(paths=paths or (".",)), cache)
    cache.save()
    return prepared


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often callers were read, as the number of Dockerfiles each time."""
    done: list[int] = []
    real = run._read_callers

    def note(*rest: object) -> object:
        done.append(len(rest[3]))  # type: ignore[arg-type]
        return real(*rest)  # type: ignore[arg-type]

    monkeypatch.setattr(run, "_read_callers", note)
    return done


@pytest.mark.parametrize("paths", [(".",), ("web/Dockerfile",), ("web",), ("base", "web")])
def test_callers_are_read_once(
    shop: Repository, tmp_path: Path, readings: list[int], paths: tuple[str, ...]
) -> None:
    first = prepare(tmp_path / "known", *paths)
    assert len(readings) == 1
    assert prepare(tmp_path / "known", *paths) == first
    assert len(readings) == 1
    assert first == prepare(tmp_path / "unknown", *paths)


def test_what_was_known_is_what_is_recalled(shop: Repository, tmp_path: Path) -> None:
    for _ in range(2):
        found = prepare(tmp_path / "known")
        base, web = (os.path.realpath(f"{name}/Dockerfile") for name in ("base", "web"))
        assert list(found.deployments) == [base, web]
        assert found.deployments[web][0].command == ("python", "web.py", "--port", "8000")
        assert found.deployments[web][0].mounts[0].target.value == "/data"
        assert found.candidates[1].deployments == found.deployments[web]
        assert found.options[1].arguments == (("MODE", "fast"),)
        assert found.options[1].images["shop/base"]["family"] == "debian"
        assert [reason is not None for reason in found.reasons] == [True, False, False]
        assert found.bases == {"web/Dockerfile": [base]}
        assert [one.path for one in found.candidates if one.is_lost] == ["pod.yaml"]


CHANGES: dict[str, Callable[[Repository], object]] = {
    "a manifest": lambda shop: shop.put("compose.yml", text=COMPOSE.replace("8000", "9000")),
    "a file that a manifest refers to": lambda shop: shop.put(".env", text="MODE=slow\n"),
    "a Dockerfile's base": lambda shop: shop.put("web/Dockerfile", text="FROM python:3.12\nCMD python\n"),
    "a base": lambda shop: shop.put("base/Dockerfile", text="FROM python:3.12-alpine\nCMD python\n"),
    "a new manifest": lambda shop: shop.put("deploy/run.sh", text="docker run shop/base python -m x\n"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_callers_are_read_again_after_a_change(
    shop: Repository, tmp_path: Path, readings: list[int], name: str
) -> None:
    first = prepare(tmp_path / "known")
    CHANGES[name](shop)
    second = prepare(tmp_path / "known")
    assert len(readings) == 2
    assert second != first
    assert second == prepare(tmp_path / "unknown")


def test_what_is_new_is_read_again(
    shop: Repository, tmp_path: Path, readings: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stamps, "_SETTLED", 60 * 10**9)
    assert prepare(tmp_path / "known") == prepare(tmp_path / "known")
    assert len(readings) == 2


def test_other_terms_are_other_answers(shop: Repository, tmp_path: Path, readings: list[int]) -> None:
    prepare(tmp_path / "known")
    cache = Cache(str(tmp_path / "known"), "v1", b"key")
    run.prepare(Request(paths=(".",), files=Files(manifests=True)), cache)
    run.prepare(Request(paths=(".",), overrides={"user": "web"}), cache)
    assert len(readings) == 3
