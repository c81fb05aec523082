"""Workflows, issue forms and the action follow GitHub's schemas, and their scripts pass shellcheck."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from ruamel.yaml import YAML

ROOT: Final = Path(__file__).parent.parent
GITHUB: Final = ROOT / ".github"
WORKFLOWS: Final = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS: Final = sorted((GITHUB / "ISSUE_TEMPLATE").glob("[0-9]*.yml"))
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# As check-jsonschema ships them: nothing is fetched.
SCHEMAS: Final = {
    "github-workflows": WORKFLOWS,
    "github-issue-forms": FORMS,
    "github-issue-config": [GITHUB / "ISSUE_TEMPLATE" / "config.yml"],
    "github-actions": [ROOT / "action.yml"],
    "dependabot": [GITHUB / "dependabot.yml"],
}


def read_yaml(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def find_scripts() -> Iterator[tuple[str, str]]:
    """(location, script, given the variables of its `env`) of every `run`."""
    for path in [*WORKFLOWS, ROOT / "action.yml"]:
        document = read_yaml(path)
        jobs = document["jobs"].values() if "jobs" in document else [document["runs"]]
        steps = [step for job in jobs for step in job.get("steps", ())]
        for number, step in enumerate(steps):
            if "run" in step:
                known = "".join(f"export {name}=\n" for name in step.get("env", ()))
                yield f"{path.name}-{number}", known + step["run"]


SCRIPTS: Final = dict(find_scripts()) | {"ci": (ROOT / ".ci" / "run").read_text(encoding="utf-8")}


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.integration
def test_files_keep_to_githubs_schema(schema: str) -> None:
    assert SCHEMAS[schema]
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    done = subprocess.run([*command, *SCHEMAS[schema]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", SCRIPTS)
def test_shellcheck_has_nothing_to_say(name: str) -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run(
        [shellcheck, "--shell=bash", "-"], input=SCRIPTS[name], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_expression_is_pasted_into_a_script(name: str) -> None:
    """Text from a branch, a title or an input would be executed; it belongs in `env`."""
    assert "${{" not in SCRIPTS[name]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_of_others_are_pinned_to_a_commit(path: Path) -> None:
    for used in re.findall(r"uses: (.*)", path.read_text(encoding="utf-8")):
        assert used.startswith("./") or re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_may_read_unless_a_job_says_more(path: Path) -> None:
    workflow = read_yaml(path)
    assert workflow["permissions"] == {"contents": "read"}
    granted = {name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job}
    assert granted == (
        {"publish": {"id-token": "write"}, "announce": {"contents": "write"}}
        if path.stem == "release"
        else {}
    )


def test_the_fast_suite_runs_on_the_pythons_that_are_promised() -> None:
    job = read_yaml(GITHUB / "workflows" / "tests.yml")["jobs"]["fast"]
    pythons = job["strategy"]["matrix"]["python"]
    classifiers = [name.rpartition(" ")[2] for name in PROJECT["classifiers"] if " :: 3." in name]
    assert pythons == classifiers
    assert PROJECT["requires-python"] == f">={pythons[0]}"


def test_the_fast_suite_is_started_by_the_readmes_commands() -> None:
    steps = read_yaml(GITHUB / "workflows" / "tests.yml")["jobs"]["fast"]["steps"]
    commands = [step["run"].strip() for step in steps if "run" in step]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert commands == re.findall(r"^    (python3 -m venv .*|\.venv/bin/python -m pytest .*)$", readme, re.M)


def test_a_release_waits_for_all_suites_and_the_changelog() -> None:
    jobs = read_yaml(GITHUB / "workflows" / "release.yml")["jobs"]
    assert jobs["publish"]["needs"] == ["tests", "engine", "build"]
    assert jobs["announce"]["needs"] == "publish"
    assert any("scripts/check_changelog.py" in step.get("run", "") for step in jobs["build"]["steps"])


def test_a_report_of_a_wrong_rewrite_asks_for_what_a_case_needs() -> None:
    form = read_yaml(GITHUB / "ISSUE_TEMPLATE" / "1-wrong-rewrite.yml")
    required = {field["id"] for field in form["body"] if field.get("validations", {}).get("required") is True}
    assert required >= {"dockerfile", "context", "command", "expected"}
    assert "broke" in {field.get("id") for field in form["body"]}
