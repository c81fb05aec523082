"""The output of scripts/generate_docs.py matches the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dockfix.checks import explanations
from dockfix.cli import GROUPS
from dockfix.config.keys import KEYS
from dockfix.explain.codes import all_codes
from dockfix.options.declarations import declared
from dockfix.results import Code
from scripts import generate_docs

ROOT = Path(__file__).parent.parent
ANEW = "read what has changed, then run: python scripts/generate_docs.py"
HEADINGS = ("Output", "Description", "Example", "What to do", "Turn it off", "Source")


def written(name: str) -> str:
    return (generate_docs.PAGES / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", all_codes(), ids=lambda code: code.name)
def test_page_is_what_the_code_says(code: Code) -> None:
    assert generate_docs.page(code) == written(code.name), ANEW


def test_index_is_what_the_code_says() -> None:
    assert generate_docs.index() == written("README"), ANEW


def test_there_is_no_other_page() -> None:
    names = {path.stem for path in generate_docs.PAGES.iterdir()}
    assert names == {"README", *(code.name for code in all_codes())}


@pytest.mark.parametrize("code", all_codes(), ids=lambda code: code.name)
def test_page_has_its_sections_and_a_line_of_output_for_each_kind(code: Code) -> None:
    text = written(code.name)
    assert tuple(re.findall(r"^## (.+)$", text, re.MULTILINE)) == HEADINGS
    output = re.search(r"## Output\n\n```text\n(.*?)\n```", text, re.DOTALL)
    assert output is not None
    assert len(output[1].splitlines()) == len(code.kinds)


def test_links_of_pages_lead_somewhere() -> None:
    for path in generate_docs.PAGES.glob("*.md"):
        for target in re.findall(r"\]\(([^)]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), (path.name, target)


def test_pages_stand_where_reports_send_their_readers() -> None:
    folder = generate_docs.PAGES.relative_to(ROOT).as_posix()
    assert explanations.PAGES.endswith(f"/{folder}")


def test_options_are_what_the_code_says() -> None:
    assert generate_docs.OPTIONS.read_text(encoding="utf-8") == generate_docs.options_page(), ANEW


def test_options_name_every_flag_and_every_key() -> None:
    text = generate_docs.options_page()
    flags = {flag for group in GROUPS.values() for one in declared(group).values() for flag in one.flags}
    assert all(re.search(rf"`[^`]*{re.escape(flag)}[^`]*`", text) for flag in flags)
    assert all(f"| `{key}` |" in text for key in KEYS)


def test_tables_of_a_page_without_their_places_are_an_error() -> None:
    with pytest.raises(ValueError, match="0 places for the table of transforms"):
        generate_docs.with_tables(generate_docs.WORK, "# nothing here\n")


@pytest.mark.parametrize("path", generate_docs.TABLES, ids=lambda path: path.name)
def test_tables_are_what_the_code_says(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert generate_docs.with_tables(path, text) == text, ANEW


def test_schema_is_what_the_code_says() -> None:
    assert generate_docs.schema() == generate_docs.SCHEMA.read_text(encoding="utf-8"), ANEW
    assert generate_docs.facts_schema() == generate_docs.FACTS_SCHEMA.read_text(encoding="utf-8"), ANEW
