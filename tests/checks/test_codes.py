"""The registry is complete: each code has a case and a text, and no other code is ever emitted."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from fixture_cases import FIXTURES, read_case, shown_by
from fixture_runs import RUNS, read_run

from dockfix.checks import codes, explanations
from dockfix.checks.codes import CODES
from dockfix.checks.explanations import explain_transform, read_explanation
from dockfix.results import Code, Kind
from dockfix.transforms import TRANSFORMS, Transform

SOURCES: Final = Path(codes.__file__).parents[1]
REGISTRIES: Final = {"checks/codes.py", "transforms/__init__.py"}
"""Where rows are made; everywhere else a finding takes one of them."""
PAIRS: Final = [(code, kind) for code in CODES for kind in code.kinds]
ALL_CASES: Final = sorted(
    [
        *(f"cases/{path.parent.name}" for path in FIXTURES.glob("cases/*/case.toml")),
        *(f"evidence/{path.parent.name}" for path in FIXTURES.glob("evidence/*/Dockerfile")),
        *(f"guarantees/{path.parent.name}" for path in FIXTURES.glob("guarantees/*/case.toml")),
        *(f"runs/{path.stem}" for path in RUNS.glob("*.toml")),
    ]
)


@cache
def parsed() -> tuple[tuple[str, tuple[ast.AST, ...]], ...]:
    """The syntax trees of dockfix's modules that use codes, by path below the package."""
    texts = {path: path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.py")}
    return tuple(
        (path.relative_to(SOURCES).as_posix(), tuple(ast.walk(ast.parse(text))))
        for path, text in texts.items()
        if "Finding(" in text or "Code(" in text or "codes." in text
    )


def calls_of(name: str) -> Iterator[tuple[str, ast.Call]]:
    for path, nodes in parsed():
        for node in nodes:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                yield path, node


@pytest.mark.parametrize(("code", "kind"), PAIRS, ids=lambda one: getattr(one, "name", one))
def test_every_code_has_a_case_that_shows_it(code: Code, kind: Kind) -> None:
    found = {(one.finding.code, one.kind) for case in code.cases for one in shown_by(case)}
    assert (code.name, kind) in found


@pytest.mark.parametrize("case", ALL_CASES)
def test_no_other_code_is_emitted_and_none_as_another_kind(case: str) -> None:
    for one in shown_by(case):
        assert one.kind in codes.named(one.finding.code).kinds


@pytest.mark.parametrize("name", [path.stem for path in sorted(RUNS.glob("*.toml"))])
def test_run_finds_what_its_case_says(name: str) -> None:
    assert sorted(map(str, shown_by(f"runs/{name}"))) == sorted(read_run(name).findings)


@pytest.mark.parametrize("name", [path.name for path in sorted((FIXTURES / "guarantees").iterdir())])
def test_broken_rewrite_breaks_the_guarantee_that_it_is_named_after_and_no_other(name: str) -> None:
    assert [one.finding.code for one in shown_by(f"guarantees/{name}")] == [f"{codes.BROKEN}{name}"]


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda one: one.name)
def test_every_transform_has_a_case_that_shows_it(transform: Transform) -> None:
    assert transform.code.cases
    for case in transform.code.cases:
        assert transform.name in read_case(case.removeprefix("cases/")).covers


@pytest.mark.parametrize("name", [*RUNS.glob("*.toml")], ids=lambda path: path.stem)
def test_case_of_a_run_is_told_in_one_sentence(name: Path) -> None:
    about = read_run(name.stem).about
    assert about.endswith(".")
    assert "\n" not in about


def test_findings_are_made_from_rows() -> None:
    for path, call in calls_of("Finding"):
        first = call.args[0]
        assert isinstance(first, ast.Attribute | ast.Name | ast.Call), ast.unparse(call)
        text = ast.unparse(first)
        assert re.fullmatch(r"codes\.[A-Z_0-9]+|codes\.named\(.+\)|code|guarantee\.code", text), (path, text)


def test_rows_are_made_in_the_registry_alone() -> None:
    assert {path for path, _ in calls_of("Code")} == REGISTRIES


def test_every_row_is_used() -> None:
    used = {
        node.attr
        for path, nodes in parsed()
        if path not in REGISTRIES
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "codes"
    }
    constants = {name for name, value in vars(codes).items() if isinstance(value, Code)}
    assert constants - used == set()


def test_names_are_unique_and_those_of_their_constants() -> None:
    names = [code.name for code in CODES] + [transform.name for transform in TRANSFORMS]
    assert len(set(names)) == len(names)
    for constant, code in vars(codes).items():
        if isinstance(code, Code):
            assert constant == code.name.removeprefix(codes.BROKEN).upper().replace("-", "_")
            assert codes.named(code.name) is code


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.name)
def test_summary_is_one_sentence(code: Code) -> None:
    assert re.fullmatch(r"[A-Zd][^\n!?]{10,85}", code.summary)
    assert code.summary.endswith(".") is (Kind.GUARANTEE not in code.kinds)


def test_every_row_has_a_text_and_every_text_a_row() -> None:
    folder = Path(explanations.__file__).parent
    assert {path.stem for path in folder.glob("*.md")} == {code.name for code in CODES}


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.name)
def test_explanation_says_enough_and_not_too_much(code: Code) -> None:
    explanation = read_explanation(code)
    words = " ".join([explanation.description, *(text for _, text in explanation.sections())]).split()
    assert 35 <= len(words) <= 190
    for title, text in (("Description", explanation.description), *explanation.sections()):
        assert text[-1] in ".:)", title
        assert max(map(len, text.splitlines())) <= 150 or "\n" not in text
    assert "TODO" not in explanation.description


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda one: one.name)
def test_transform_names_its_source(transform: Transform) -> None:
    explanation = explain_transform(transform.doc)
    assert len(explanation.description.split()) >= 15
    assert explanation.source.endswith((".", ")"))


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.name)
def test_only_what_is_open_can_be_answered(code: Code) -> None:
    assert not code.answered_by or {Kind.REVIEW, Kind.NOTE}.intersection(code.kinds)
