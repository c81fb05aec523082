"""`--list`, and `--explain` of a code."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dockfix.checks.codes import BROKEN, CODES
from dockfix.config import ConfigError
from dockfix.explain.codes import HEADINGS, all_codes, explain, list_codes
from dockfix.results import Code
from dockfix.transforms import TRANSFORMS


def test_list_has_the_transforms_first_and_every_code_under_each_of_its_kinds() -> None:
    blocks = [block.splitlines() for block in list_codes().split("\n\n")]
    assert [block[0] for block in blocks] == list(HEADINGS.values())
    names = [[line.split()[0] for line in block[1:]] for block in blocks]
    assert names[0] == [transform.name for transform in TRANSFORMS]
    for kind, listed in zip(list(HEADINGS)[1:], names[1:], strict=True):
        assert listed == [code.name for code in CODES if kind in code.kinds]


@pytest.mark.parametrize("code", all_codes(), ids=lambda code: code.name)
def test_every_code_is_explained(code: Code) -> None:
    text = explain(code.name)
    assert text.startswith(f"{code.name} ({', '.join(code.kinds)})\n\n{code.summary}\n\n")
    for title in ("What to do:\n", "Turn it off:\n", "Source:\n"):
        assert text.count(f"\n\n{title}") == 1
    assert text.endswith(f"/docs/codes/{code.name}.md\n")
    assert max(map(len, text.splitlines())) <= 112
    assert all(trial in text for trial in code.answered_by)


def test_transform_is_explained_with_its_example() -> None:
    assert "Before:\n\n    FROM python:3.12-slim\n" in explain("pip-user")
    assert "\n    RUN pip install --user --no-cache-dir flask\n" in explain("pip-user")


def test_guarantee_is_found_by_the_name_of_its_promise() -> None:
    assert explain("copies-are-owned") == explain(f"{BROKEN}copies-are-owned")


def test_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(ConfigError, match="is called 'low-prot' \\(did you mean 'low-port'"):
        explain("low-prot")


def test_run_loads_no_explanation() -> None:
    program = (
        "import sys\nfrom dockfix import cli\nsys.argv = ['dockfix', '--diff', '-']\ncli.run()\n"
        "print('dockfix.checks.codes' in sys.modules, 'dockfix.checks.explanations' in sys.modules)"
    )
    text = "FROM python:3.12-slim\nCMD python -m http.server\n"
    done = subprocess.run(
        [sys.executable, "-c", program], input=text, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "True False"
