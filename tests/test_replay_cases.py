"""Every folder of fixtures/replay: a build context that breaks if a rule of the file tree is forgotten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from replay_cases import ANSWERS, Answer, CommandLine, ReplayCase, ask, find_cases, find_faults

CASES: Final = find_cases()


@pytest.fixture(scope="module")
def known() -> dict[str, dict[str, tuple[Answer, Answer]]]:
    """The answers of the kinds that were asked already."""
    return {}


@pytest.fixture
def answers_of(
    known: dict[str, dict[str, tuple[Answer, Answer]]], command_line: CommandLine, folder: Path
) -> Callable[[str], dict[str, tuple[Answer, Answer]]]:
    """Gives the first and second answer for each case of a kind: one run over them all costs a tenth."""

    def answers_of(kind: str) -> dict[str, tuple[Answer, Answer]]:
        if kind not in known:
            cases = {folder / case.name: case for case in CASES if case.kind == kind}
            dockerfiles = {repository: case.lay_out(repository) for repository, case in cases.items()}
            first, second = (ask(command_line, dockerfiles) for _ in range(2))
            known[kind] = {case.name: (first[path], second[path]) for path, case in cases.items()}
        return known[kind]

    return answers_of


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_answer_is_right_and_final(
    case: ReplayCase, answers_of: Callable[[str], dict[str, tuple[Answer, Answer]]]
) -> None:
    first, second = answers_of(case.kind)[case.name]
    assert not list(find_faults(case, first)), first.text
    if first.outcome == "safe":
        assert second.outcome == "unchanged"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case_says_what_it_stands_for(case: ReplayCase) -> None:
    assert case.expected <= ANSWERS
    assert case.expected
    assert case.facts["why"].endswith(".")
    assert (case.folder / case.dockerfile).is_file()
    if case.is_built:
        assert case.facts["start"]["kind"] in ("runs", "answers")
        assert case.facts["start"].get("says") or "port" in case.facts["start"]


def test_every_kind_has_neighbours() -> None:
    few = {kind: count for kind, count in Counter(case.kind for case in CASES).items() if count < 3}
    assert not few
