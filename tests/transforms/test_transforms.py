"""Every transform's documented example, compared with what it does on its own."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest

from dockfix import Changed, Options, Unchanged, fix
from dockfix.transforms import TRANSFORMS, Transform

# Options under which an example is made, where the defaults are not it.
FITTING: Final[dict[str, dict[str, Any]]] = {
    "venv": {"install": "venv"},
    "move-caches": {"read_only": True},
}


def fix_alone(transform: Transform, text: str) -> Changed | None:
    result = fix(text, Options(select=frozenset({transform.name}), **FITTING.get(transform.name, {})))
    if isinstance(result, Unchanged):
        return None
    assert isinstance(result, Changed), result
    return result


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda one: one.name)
def test_example_is_what_the_transform_makes(transform: Transform) -> None:
    result = fix_alone(transform, transform.before)
    assert result is not None
    assert result.text.splitlines() == transform.after.splitlines()
    assert result.transforms == (transform.name,)


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda one: one.name)
def test_example_made_is_left_alone(transform: Transform) -> None:
    assert fix_alone(transform, transform.after) is None


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda one: one.name)
def test_example_is_a_file_with_an_end(transform: Transform) -> None:
    for text in (transform.before, transform.after):
        assert text.startswith("FROM ")
        assert text.endswith("\n")
        assert not text.endswith("\n\n")
    assert transform.before != transform.after


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda one: one.name)
def test_summary_is_one_sentence(transform: Transform) -> None:
    assert re.fullmatch(r"[A-Z][^.!?\n]*\.", transform.summary)
    # The sentence is a paragraph of its own.
    assert transform.doc.splitlines()[1:2] in ([], [""])


def test_names_are_unique_and_kebab_case() -> None:
    names = [transform.name for transform in TRANSFORMS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in names)


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda one: one.name)
def test_ignored_transform_has_no_part(transform: Transform) -> None:
    result = fix(
        transform.before, Options(ignore=frozenset({transform.name}), **FITTING.get(transform.name, {}))
    )
    assert not isinstance(result, Changed) or transform.name not in result.transforms


def test_a_directory_that_a_tool_only_fills_is_made_before() -> None:
    """NLTK's downloader uses NLTK_DATA only if it exists: default_download_dir in its source."""
    result = fix(
        "FROM python:3.12-slim\nWORKDIR /app\nRUN python -m nltk.downloader punkt\nRUN echo a > /etc/a\n"
        'COPY . .\nCMD ["python", "app.py"]\n'
    )
    assert isinstance(result, Changed)
    assert (
        'ENV NLTK_DATA="/usr/local/share/nltk_data"\n'
        "RUN mkdir -p /usr/local/share/nltk_data\n"
        "RUN python -m nltk.downloader punkt"
    ) in result.text


def test_a_directory_that_a_tool_makes_is_not_made_for_it() -> None:
    result = fix(
        "FROM python:3.12-slim\nWORKDIR /app\nRUN hf download org/model\nRUN echo done > /etc/done\n"
        'COPY . .\nCMD ["python", "app.py"]\n'
    )
    assert isinstance(result, Changed)
    assert 'ENV HF_HOME="/opt/huggingface"\nRUN hf download' in result.text


def test_an_account_that_only_chown_names_is_created_above_that_copy() -> None:
    result = fix(
        "FROM python:3.12-slim AS build\nWORKDIR /app\nCOPY . .\n\n"
        "FROM python:3.12-slim\nCOPY --from=build --chown=app:app /app /app\n"
        'COPY start.sh /start\nRUN echo a > /etc/a\nWORKDIR /app\nCMD ["python", "app.py"]\n'
    )
    assert isinstance(result, Changed)
    assert ("RUN useradd --create-home app\nCOPY --from=build --chown=app:app /app /app\n") in result.text


def test_directories_get_the_group_of_an_account_that_is_known_by_number() -> None:
    text = (
        "FROM debian:12\nRUN useradd -u 10000 -m -d /srv/app app && apt-get update\n"
        'VOLUME /srv/app/conf\nWORKDIR /srv/app\nCOPY . .\nCMD ["python3", "app.py"]\n'
    )
    result = fix(text, Options(unsafe=True))
    assert isinstance(result, Changed)
    assert "RUN mkdir -p /srv/app/conf && chown app:app /srv/app/conf\n" in result.text
