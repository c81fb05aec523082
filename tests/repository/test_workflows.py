from __future__ import annotations

from typing import Any

import pytest

from dockfix.repository.arguments import UNKNOWN
from dockfix.repository.builds import find_builds
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


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ("command: docker build web", [("docker build web", "")]),
        ("script: docker build web, host: example", [("docker build web", UNKNOWN)]),
        ("script: echo docs", []),
    ],
)
def test_commands_in_the_inputs_of_an_action_are_read(inputs: str, expected: list[tuple[str, str]]) -> None:
    text = f"jobs: {{a: {{steps: [{{uses: some/action@v1, with: {{{inputs}}}}}, {{run: podman}}]}}}}"
    steps = list(read_workflow("w.yml", text))[:-1]
    assert [(step.text, step.folder) for step in steps if isinstance(step, Shell)] == expected


def test_what_is_built_on_another_machine_is_looked_for_here() -> None:
    text = """
jobs:
  a:
    steps:
      - uses: appleboy/ssh-action@v1
        with:
          host: example
          script: |
            cd /srv/shop
            docker build --target prod .
"""
    (build,) = find_builds(".github/workflows/w.yml", text)
    assert (build.dockerfile, build.context, build.target) == (f"{UNKNOWN}/Dockerfile", UNKNOWN, "prod")
