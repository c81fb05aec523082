from __future__ import annotations

import pytest
from plans import read_plan

from dockfix.model.interpreters import find_interpreters, find_kept_interpreter

BREAKS = [("/root/.local", 5)]


def found(
    build: str, place: str = "/root/.local", base: str = "debian", pinned: str = ""
) -> list[tuple[str, int]]:
    """What is found when a stage with that base and step is copied from."""
    copy = f"COPY --from=build {place} {place}"
    text = f"FROM {base} AS build\n{build}\nFROM python:3.12\nENV A=b\n{copy}\n"
    return list(find_interpreters(read_plan(text, files={".python-version": pinned} if pinned else {})))


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        ("RUN uv python install 3.12", BREAKS),
        ("RUN uv sync", BREAKS),
        ("RUN uv venv /app/.venv", BREAKS),
        ("RUN pip install flask", []),
        ("RUN UV_PYTHON_INSTALL_DIR=/opt/python uv sync", []),
        ("RUN UV_PYTHON_DOWNLOADS=never uv sync", []),
        ("RUN uv sync --no-managed-python", []),
        ("RUN UV_PYTHON_PREFERENCE=only-system uv sync", []),
    ],
)
def test_steps_that_let_uv_fetch_a_python(build: str, expected: list[tuple[str, int]]) -> None:
    assert found(build) == expected


@pytest.mark.parametrize(
    ("base", "pinned", "expected"),
    [
        ("python:3.12", "", []),
        ("python:3.12", "3.12", []),
        ("python:3.12", "3.12.4", []),
        ("python:3.12", "3.13", BREAKS),
        ("python:3.1", "3.12", BREAKS),
        ("debian", "3.12", BREAKS),
    ],
)
def test_a_base_that_has_the_wanted_python_needs_none(
    base: str, pinned: str, expected: list[tuple[str, int]]
) -> None:
    assert found("RUN uv sync", base=base, pinned=pinned) == expected


@pytest.mark.parametrize(
    ("destination", "breaks"),
    [
        ("/root/.local", True),
        ("/root/.local/share/uv/", True),
        ("/root/.local/share/uv/python/cpython-3.12", True),
        ("/root/.local/bin", False),
        ("/opt/python", False),
    ],
)
def test_only_copies_that_hold_it_break(destination: str, breaks: bool) -> None:
    assert bool(found("RUN uv sync", destination)) is breaks


def test_a_stage_counts_with_those_that_it_is_built_on() -> None:
    text = (
        "FROM debian AS base\nRUN uv python install 3.12\nFROM base AS build\nRUN true\n"
        "FROM python:3.12\nCOPY --from=BUILD /root/.local /root/.local\n"
    )
    assert [path for path, _ in find_interpreters(read_plan(text))] == ["/root/.local"]


@pytest.mark.parametrize(
    ("base", "steps", "line"),
    [
        ("debian:12", "RUN apt-get install -y curl && uv sync", 2),
        ("debian:12", "RUN apt-get install -y python3 && uv sync", 0),
        ("python:3.12", "RUN apt-get install -y curl && uv sync", 0),
        ("python:3.12", "RUN apt-get install -y curl && uv sync --python 3.13", 2),
        ("python:3.12", "RUN apt-get install -y curl && uv sync --python 3.12", 0),
        ("debian:12", "ENV UV_PYTHON_INSTALL_DIR=/opt/python\nRUN apt-get install -y curl && uv sync", 0),
        ("debian:12", "RUN apt-get install -y curl\nWORKDIR /app\nRUN uv sync", 0),
    ],
)
def test_steps_of_root_that_fetch_the_python_of_an_environment(base: str, steps: str, line: int) -> None:
    text = f'FROM {base}\n{steps}\nCMD ["/.venv/bin/python", "-m", "app"]\n'
    assert find_kept_interpreter(read_plan(text)) == line
