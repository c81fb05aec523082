from __future__ import annotations

import os
from pathlib import Path

import pytest

from dockfix.discovery.paths import find_candidates
from dockfix.files.candidates import Candidate
from dockfix.files.naming import is_dockerfile_name, is_template_name


@pytest.mark.parametrize(
    "name",
    [
        "Dockerfile",
        "dockerfile",
        "DOCKERFILE",
        "Dockerfile.prod",
        "dockerfile.dev",
        "Dockerfile.python3.12",
        "Dockerfile-web",
        "Dockerfile_worker",
        "api.Dockerfile",
        "api.dockerfile",
        "Api.DockerFile",
        "my.app.dockerfile",
        "Containerfile",
        "Containerfile.ubi9",
        "Containerfile-web",
        "api.containerfile",
        "Dockerfile.txt",
    ],
)
def test_dockerfiles_by_name(name: str) -> None:
    assert is_dockerfile_name(name)
    assert not is_template_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "Dockerfile.dockerignore",
        "api.Dockerfile.dockerignore",
        ".dockerignore",
        "Dockerfile~",
        "Dockerfile.bak",
        "Dockerfile.orig",
        "Dockerfile.rej",
        ".Dockerfile.swp",
        "#Dockerfile#",
        ".#Dockerfile",
        "dockerfile.py",
        "Dockerfile.md",
        "dockerfile.go",
        "DockerfileParser.java",
        "Dockerfiles",
        "mydockerfile",
        "docker-compose.yml",
        "Dockerfile.lock",
        "api.Dockerfile.bak",
        "dockerfile.test.js",
        "Dockerfile.save",
    ],
)
def test_what_only_sounds_like_one(name: str) -> None:
    assert not is_dockerfile_name(name)
    assert not is_template_name(name)


@pytest.mark.parametrize(
    "name", ["Dockerfile.j2", "Dockerfile.jinja2", "Dockerfile.tmpl", "api.Dockerfile.erb", "Dockerfile.in"]
)
def test_templates_by_name(name: str) -> None:
    assert is_template_name(name)
    assert not is_dockerfile_name(name)


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("FROM a\n")


def found(*paths: str) -> list[str]:
    return [candidate.path for candidate in find_candidates(paths)]


def test_a_folder_yields_its_dockerfiles_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    touch(tmp_path, "b/Dockerfile", "a/x.dockerfile", "Dockerfile", "a/main.py", ".git/Dockerfile")
    touch(tmp_path, "node_modules/p/Dockerfile", "env/pyvenv.cfg", "env/Dockerfile", "vendor/Dockerfile")
    touch(tmp_path, ".ipynb_checkpoints/Dockerfile-checkpoint")
    assert found(".") == ["Dockerfile", "a/x.dockerfile", "b/Dockerfile"]
    assert found("b", "a") == ["b/Dockerfile", "a/x.dockerfile"]


def test_a_file_is_found_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    touch(tmp_path, "a/Dockerfile")
    (tmp_path / "Dockerfile").symlink_to("a/Dockerfile")
    (tmp_path / "a" / "up").symlink_to("..")
    assert found(".", "a/Dockerfile", "./a") == ["a/Dockerfile"]
    assert found("Dockerfile", ".") == ["Dockerfile"]


def test_a_named_file_needs_no_name_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    touch(tmp_path, "build.txt")
    assert found("build.txt", "gone") == ["build.txt", "gone"]


def test_a_template_is_named_as_one(tmp_path: Path) -> None:
    touch(tmp_path, "Dockerfile.j2")
    (candidate,) = find_candidates([str(tmp_path)])
    assert candidate.refusal is not None
    assert (candidate.refusal.code, candidate.failed) == ("template", False)


def test_an_unreadable_folder_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "Dockerfile", "closed/Dockerfile")
    real = os.scandir

    def scan(path: str) -> object:
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr("dockfix.discovery.walk.os.scandir", scan)
    first, second = find_candidates([str(tmp_path)])
    assert first == Candidate(str(tmp_path / "Dockerfile"), str(tmp_path / "Dockerfile"), root=str(tmp_path))
    assert second.failed
    assert second.refusal is not None
    assert second.refusal.message == "not readable: Permission denied"


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("DockerfileWeb", "# syntax=docker/dockerfile:1\nARG V=1\nFROM python:$V\n", True),
        ("Dockerfile2", "\n  from python:3.12\n", True),
        ("crawl-dockerfile", "\ufeffFROM python:3.12\r\n", True),
        ("DockerfileParser", "import re\nFROM = 1\n", False),
        ("DockerfileWeb", "", False),
        ("dockerfile-mode.js.map", "FROM python:3.12\n", False),
        ("mydockerfile", "FROM python:3.12\n", True),
        ("dockerfileapi", "FROM python:3.12\n", True),
        ("web.dockerfile.prod", "FROM python:3.12\n", True),
        ("web.dockerfile.prod.bak", "FROM python:3.12\n", False),
        ("web-dockerfile.j2", "FROM python:3.12\n", False),
        ("dockerfiles", "web\nFROM python:3.12\n", False),
    ],
)
def test_a_likely_name_needs_a_text_that_begins_a_build(
    folder: Path, name: str, text: str, found: bool
) -> None:
    (folder / name).write_text(text, encoding="utf-8")
    assert (name in [one.path for one in find_candidates(["."])]) is found
