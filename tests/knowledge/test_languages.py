from __future__ import annotations

import pytest

from dockfix.knowledge.languages import find_language, language_names


@pytest.mark.parametrize(
    ("images", "programs", "name"),
    [
        (("node:20-slim",), (), "node"),
        (("docker.io/library/node@sha256:1",), ("java",), "node"),
        (("debian:bookworm",), ("npm",), "node"),
        (("golang:1.22", "scratch"), ("./server",), "go"),
        (("eclipse-temurin:21-jre",), ("java",), "java"),
        (("mcr.microsoft.com/dotnet/aspnet:8.0",), ("dotnet",), "dotnet"),
        (("ruby:3.3",), ("bundle",), "ruby"),
        (("php:8-apache",), (), "php"),
        (("rust:1", "debian:bookworm-slim"), ("cargo",), "rust"),
        (("debian:bookworm",), ("/usr/games/fortune",), None),
    ],
)
def test_languages_are_recognized(
    images: tuple[str, ...], programs: tuple[str, ...], name: str | None
) -> None:
    found = find_language(images, programs)
    assert (found and found.name) == name


def test_some_are_known_by_reading_alone() -> None:
    titles = {
        one.title: one.is_tried
        for image in ("node", "golang", "openjdk", "ruby", "php", "rust", "aspnet")
        if (one := find_language((image,), ()))
    }
    assert [title for title, is_tried in titles.items() if not is_tried] == ["Rust", ".NET"]
    assert len(titles) == 7


def test_all_of_them_can_be_named_at_once() -> None:
    assert language_names()[0] == "all"
    assert "node" in language_names()
