from __future__ import annotations

from typing import Any

import pytest

from dockfix.repository.arguments import UNKNOWN
from dockfix.repository.workflows import Shell, read_workflow

WORKFLOW = """
jobs:
  a:
    strategy:
      matrix: {matrix}
    steps:
      - run: docker build ${{{{ matrix.os }}}}-${{{{ matrix.tag }}}}
"""


@pytest.mark.parametrize(
    ("matrix", "lines"),
    [
        ("{os: [a, b], tag: ['1', '2']}", ["a-1", "a-2", "b-1", "b-2"]),
        ("{os: [a, b], tag: ['1'], exclude: [{os: a}]}", ["b-1"]),
        ("{include: [{os: a, tag: x}, {os: b, tag: y}]}", ["a-x", "b-y"]),
        ("{os: [a, b], include: [{os: a, tag: x}, {os: c, tag: y}]}", ["a-x", f"b-{UNKNOWN}", "c-y"]),
        ("{os: [a], include: [{tag: x}]}", ["a-x"]),
        ("${{ fromJson(needs.x.outputs.m) }}", [f"{UNKNOWN}-{UNKNOWN}"]),
        ("{os: '${{ fromJson(needs.x.outputs.m) }}'}", [f"{UNKNOWN}-{UNKNOWN}"]),
    ],
)
def test_the_combinations_of_a_matrix(matrix: str, lines: list[str]) -> None:
    steps = list(read_workflow("w.yml", WORKFLOW.format(matrix=matrix)))
    assert [step.text for step in steps if isinstance(step, Shell)] == [
        f"docker build {line}" for line in lines
    ]


def test_workflows_and_actions_that_call_themselves_end() -> None:
    files: dict[str, str] = {
        ".github/workflows/w.yml": "jobs: {a: {uses: ./.github/workflows/w.yml}, b: {steps: [{uses: ./x}]}}",
        "x/action.yml": "runs: {steps: [{uses: ./x}, {run: docker build}]}",
    }
    steps: list[Any] = list(
        read_workflow(".github/workflows/w.yml", files[".github/workflows/w.yml"], files.get)
    )
    assert 0 < len(steps) < 100
    assert {step.text for step in steps} == {"docker build"}
