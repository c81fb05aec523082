"""Which bases a Dockerfile leaves open."""

from __future__ import annotations

import pytest
from base_facts import debian, image

from dockfix.inspection.questions import MAX_PATHS, find_questions
from dockfix.options import Options


def asked(text: str, **options: object) -> dict[str, tuple[str, ...]]:
    return {one.reference: one.paths for one in find_questions((text, Options(**options)))}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "references"),
    [
        ("FROM acme/app:1\n", ["acme/app:1"]),
        ("FROM python:3.12-slim\n", []),
        ("FROM scratch\n", []),
        ("FROM acme/a AS a\nFROM acme/b\n", ["acme/b"]),
        ("FROM acme/a AS a\nFROM a\nCMD x\n", ["acme/a"]),
        ("FROM acme/a AS a\nCMD x\nFROM acme/b\nCMD y\n", ["acme/b", "acme/a"]),
        ("ARG TAG=2\nFROM acme/app:$TAG\n", ["acme/app:2"]),
        ("ARG TAG\nFROM acme/app:$TAG\n", []),
        ("FROM --platform=linux/arm64 acme/app\n", ["acme/app"]),
        ("FROM -acme/app\n", []),
        ("FROM acme/app;x\n", []),
        (f"FROM acme/app@sha256:{'a' * 64}\n", [f"acme/app@sha256:{'a' * 64}"]),
        ("CMD x\n", []),
    ],
)
def test_bases_that_are_not_certain_are_asked(text: str, references: list[str]) -> None:
    assert list(asked(text)) == references


def test_a_base_that_the_configuration_describes_is_not_asked() -> None:
    assert asked("FROM acme/app\n", images={"acme/app": {"like": "python:3.12"}}) == {}


def test_recorded_facts_are_asked_again() -> None:
    assert "acme/app" in asked("FROM acme/app\n", facts={"acme/app:latest": image(debian())})


def test_paths_are_those_that_the_file_names() -> None:
    text = (
        "FROM acme/app\nENV DIR=/srv/data\nWORKDIR /app\nCOPY a $DIR/\nRUN <<EOF\nmkdir /var/x\nEOF\n"
        'RUN curl https://example.org/none && ls ../no /a/../b /proc/self\nVOLUME ["/vol"]\n'
    )
    assert asked(text)["acme/app"] == ("/", "/app", "/srv/data", "/var/x", "/vol")


def test_paths_have_a_limit() -> None:
    text = "FROM acme/app\nRUN " + " ".join(f"/d{number}" for number in range(10_000)) + "\n"
    assert len(asked(text)["acme/app"]) == MAX_PATHS
