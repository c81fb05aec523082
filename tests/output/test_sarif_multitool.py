"""Microsoft's validator of SARIF, with its rules for code scanning, has nothing to say that matters."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Final

import pytest
from git_repository import lay_out_monorepo

pytestmark = pytest.mark.integration

PACKAGE: Final = "@microsoft/sarif-multitool-linux"
NOTES: Final = {
    "SARIF2002": "messages would be templates with arguments",
    "SARIF2003": "the revision would be part of the report; code scanning takes it from the upload",
    "SARIF2006": "addresses would have to be reachable from here",
    "SARIF2009": "rules would have numbers instead of names",
}
"""Suggestions of the lowest level that are not followed, and what they ask for."""


@pytest.fixture(scope="module")
def multitool() -> Path:
    for folder in os.environ.get("NODE_PATH", "").split(os.pathsep):
        program = Path(folder, PACKAGE, "Sarif.Multitool")
        if folder and program.exists():
            program.chmod(0o755)  # the package's own script does so, where scripts may run
            return program
    pytest.skip(f"no {PACKAGE} in NODE_PATH: npm install {PACKAGE}")


def validate(multitool: Path, log: Path) -> list[tuple[str, str]]:
    """The level and rule of each thing that the validator says of a log."""
    out = log.with_name("said.sarif")
    asked = ["--rule-kind", "Sarif;Ghas", "--level", "Error;Warning;Note", "--output", str(out)]
    environment = {**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}
    done = subprocess.run(
        [str(multitool), "validate", str(log), *asked],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert out.exists(), done.stdout + done.stderr
    (run,) = json.loads(out.read_text(encoding="utf-8-sig"))["runs"]
    return [(result.get("level", "warning"), result["ruleId"]) for result in run["results"]]


def test_it_has_nothing_to_say_that_matters(
    multitool: Path, tmp_path: Path, command_line: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(lay_out_monorepo(tmp_path / "monorepo"))
    assert callable(command_line)
    command_line("--check", ".", "--report", str(tmp_path / "r.sarif"))
    results = json.loads((tmp_path / "r.sarif").read_text())["runs"][0]["results"]
    assert len(results) > 15
    said = validate(multitool, tmp_path / "r.sarif")
    assert [one for one in said if one[0] != "note"] == []
    assert {rule for _, rule in said} <= NOTES.keys()


def test_it_finds_what_is_wrong(multitool: Path, tmp_path: Path) -> None:
    """A log without what code scanning needs, to see that the validator would object."""
    result = {"message": {"text": "no rule, no place"}}
    driver = {"name": "dockfix"}
    log = {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": [result]}]}
    (tmp_path / "r.sarif").write_text(json.dumps(log))
    assert {level for level, _ in validate(multitool, tmp_path / "r.sarif")} >= {"error", "warning"}
