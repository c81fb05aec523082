"""The integrations that start dockfix: pre-commit, GitHub Actions, a container."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from git_repository import Repository
from ruamel.yaml import YAML

import dockfix
from dockfix import cli
from dockfix.files.naming import is_dockerfile_name
from dockfix.pipeline import fix
from dockfix.results import Unchanged

ROOT = Path(__file__).parents[1]
ROOTS = 'FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nCMD ["python", "-m", "http.server"]\n'


def load(name: str) -> Any:
    return YAML(typ="safe").load((ROOT / name).read_text())


@pytest.mark.parametrize(
    "name",
    [
        "Dockerfile",
        "Dockerfile.prod",
        "api.dockerfile",
        "Containerfile",
        "Containerfile-web",
        "Dockerfile.j2",
        "Dockerfile~",
        "dockerfile.py",
        "Dockerfile.dockerignore",
        "Dockerfiles",
        "main.py",
    ],
)
def test_hooks_get_what_dockfix_finds(name: str) -> None:
    for hook in load(".pre-commit-hooks.yaml"):
        path = f"a/b/{name}"
        chosen = re.search(hook["files"], path) and not re.search(hook["exclude"], path)
        assert bool(chosen) == is_dockerfile_name(name)


GH = """
printf '%s\\n' "$*" >>"$CALLS"
for word; do
  case $word in
    body=@*) cp "${word#body=@}" "$CALLS.body" ;;
    sarif=@*) base64 --decode "${word#sarif=@}" | gzip --decompress >"$CALLS.sarif" ;;
  esac
done
case "$*" in
  *"issues/7/comments --jq"*) cat "$CALLS.own" 2>/dev/null ;;
  *pulls/7/files*) cat "$CALLS.files" ;;
  *pulls/7/comments*) echo "[]" ;;
  *--input*) cat "${*##*--input }" >"$CALLS.review" ;;
esac
[ ! -e "$CALLS.refused" ] || { echo "HTTP 403: Resource not accessible by integration" >&2; exit 1; }
"""
"""Stands in for GitHub's program: records its calls and what they send, and answers from files."""
DOCKFIX = f'exec "{sys.executable}" -m dockfix "$@"'


def run_action(folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run the action's step as a runner would, with scripts for gh and dockfix."""
    if not (folder / "bin").exists():
        put_programs(folder, gh=GH, dockfix=DOCKFIX)
    return run_step(folder, **inputs)


def put_programs(folder: Path, **scripts: str) -> None:
    """Create programs that come first on the step's PATH."""
    programs = folder / "bin"
    programs.mkdir()
    for name, script in scripts.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)


def run_step(folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run the action's step in the folder's repository."""
    action = load("action.yml")
    (step,) = action["runs"]["steps"]
    environment = {
        **os.environ,
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(Path(dockfix.__file__).parents[1]),
        "RUNNER_TEMP": str(folder),
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_SHA": "5a5a",
        "GITHUB_REF": "refs/pull/7/merge",
        "CALLS": str(folder / "calls"),
        "PULL_REQUEST": "7",
        "HEAD": "4e4e",
        "ACTION": str(ROOT),
        "GH_TOKEN": "",
    }
    names = {"comment", "fail", "options", "paths", "sarif", "suggest"}
    defaults = {name.upper(): str(action["inputs"][name]["default"]) for name in names}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=folder / "repository",
        env=environment | defaults | inputs,
        capture_output=True,
        text=True,
        check=False,
    )


def calls(folder: Path) -> list[str]:
    """What gh was asked since the last time."""
    path = folder / "calls"
    found = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return [re.sub(r"dockfix\.\w{6}/", "", call.replace(f"{folder}/", "")) for call in found]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "repository" / "two words").mkdir(parents=True)
    (tmp_path / "repository" / "Dockerfile").write_text(ROOTS)
    (tmp_path / "repository" / "two words" / "Dockerfile").write_text(ROOTS)
    return tmp_path


@pytest.mark.integration
def test_the_action_annotates_and_fails(folder: Path) -> None:
    done = run_action(folder)
    assert done.returncode == 1
    assert "::warning file=Dockerfile,line=1,title=dockfix%3A runs-as-root::" in done.stderr
    outputs = dict(line.split("=", 1) for line in (folder / "output").read_text().splitlines())
    patch = Path(outputs["patch"]).read_bytes()
    subprocess.run(["git", "apply", "--check"], cwd=folder / "repository", input=patch, check=True)
    assert Path(outputs["sarif"]).exists()
    assert Path(outputs["report"]).exists()
    assert "| Run as root, can be fixed | 2 |" in (folder / "summary").read_text()
    assert calls(folder) == []


READ: Final = (
    "api --paginate repos/acme/shop/issues/7/comments --jq "
    '.[] | select(.body | startswith("<!-- dockfix -->")) | .id'
)


@pytest.mark.integration
def test_the_actions_comment_is_made_found_again_and_turned_green(folder: Path) -> None:
    done = run_action(folder, FAIL="false", COMMENT="true", OPTIONS="--numeric --user web")
    assert done.returncode == 0
    made = "api --method POST repos/acme/shop/issues/7/comments --field body=@dockfix.comment"
    assert calls(folder) == [READ, made]
    text = (folder / "calls.body").read_text()
    assert text.startswith("<!-- dockfix -->\n### dockfix: 2 images run as root, and need not\n")
    assert "+USER 10001:10001\n" in text

    (folder / "calls.own").write_text("41\n42\n")
    (folder / "repository" / "Dockerfile").write_text("FROM python:3.12-slim\nUSER 1000\n")
    run_action(folder, COMMENT="true")
    updated = "api --method PATCH repos/acme/shop/issues/comments/41 --field body=@dockfix.comment"
    assert calls(folder) == [READ, updated]
    assert "### dockfix: 1 image runs as root, and need not\n" in (folder / "calls.body").read_text()

    (folder / "repository" / "two words" / "Dockerfile").write_text("FROM python:3.12-slim\nUSER 1000\n")
    assert run_action(folder, COMMENT="true").returncode == 0
    assert calls(folder) == [READ, updated]
    assert "### ✅ dockfix: no image" in (folder / "calls.body").read_text()


@pytest.mark.integration
def test_the_action_makes_no_comment_where_there_is_nothing_to_say(folder: Path) -> None:
    for path in (folder / "repository").rglob("Dockerfile"):
        path.write_text("FROM python:3.12-slim\nUSER 1000\n")
    assert run_action(folder, COMMENT="true").returncode == 0
    assert calls(folder) == [READ]
    run_action(folder, COMMENT="true", PULL_REQUEST="")
    assert calls(folder) == []


@pytest.mark.integration
def test_the_action_suggests_changes_to_the_pull_requests_own_lines(folder: Path) -> None:
    shown = "\n".join(["@@ -0,0 +1,4 @@", *(f"+{line}" for line in ROOTS.splitlines())])
    (folder / "calls.files").write_text(json.dumps([{"filename": "Dockerfile", "patch": shown}]))
    run_action(folder, SUGGEST="true")
    assert calls(folder) == [
        "api --paginate repos/acme/shop/pulls/7/files",
        "api --paginate repos/acme/shop/pulls/7/comments",
        "api --method POST repos/acme/shop/pulls/7/reviews --input review.json",
    ]
    review = json.loads((folder / "calls.review").read_text())
    assert review["commit_id"] == "4e4e"
    assert {comment["path"] for comment in review["comments"]} == {"Dockerfile"}
    assert all("```suggestion\n" in comment["body"] for comment in review["comments"])


@pytest.mark.integration
def test_the_action_uploads_to_code_scanning(folder: Path) -> None:
    run_action(folder, SARIF="true")
    (call,) = calls(folder)
    fields = "--field commit_sha=5a5a --field ref=refs/pull/7/merge --field sarif=@sarif.gz"
    assert call == f"api --method POST repos/acme/shop/code-scanning/sarifs {fields}"
    run = json.loads((folder / "calls.sarif").read_text())["runs"][0]
    assert run["tool"]["driver"]["name"] == "dockfix"
    assert len([result for result in run["results"] if result["ruleId"] == "runs-as-root"]) == 2


@pytest.mark.integration
def test_what_github_refuses_is_a_warning(folder: Path) -> None:
    (folder / "calls.refused").touch()
    done = run_action(folder, COMMENT="true", SARIF="true", FAIL="false")
    assert done.returncode == 0
    why = "HTTP 403: Resource not accessible by integration"
    for what in ("read the comments", "comment", "upload to code scanning"):
        assert f"::warning title=dockfix::could not {what}: {why}\n" in done.stderr


@pytest.mark.integration
def test_the_action_passes_usage_errors_on(folder: Path) -> None:
    assert run_action(folder, OPTIONS="--no-such-option", FAIL="false", COMMENT="true").returncode == 2
    assert calls(folder) == []


@pytest.mark.parametrize(
    ("python", "found"),
    [
        ('[ "$1" = --version ] && echo "Python 3.8.18"', "Python 3.8.18"),
        ("exit 127", "no python3 on PATH"),
    ],
)
@pytest.mark.integration
def test_the_action_says_which_python_it_needs(folder: Path, python: str, found: str) -> None:
    put_programs(folder, python3=python)
    done = run_step(folder, PATH=f"{folder / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin")
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("::error title=dockfix::needs Python 3.11 or later, ")
    assert f"found {found}: run actions/setup-python first" in line


def test_our_own_image_does_not_run_as_root() -> None:
    assert isinstance(fix((ROOT / "Containerfile").read_text()), Unchanged)


def run_pre_commit(folder: Path, hook: str) -> subprocess.CompletedProcess[str]:
    """Run one of our hooks by pre-commit itself, with this dockfix in place of one that is installed."""
    hooks = [one for one in load(".pre-commit-hooks.yaml") if one["id"] == hook]
    program = f'"{sys.executable}" -m dockfix'
    for one in hooks:
        one |= {"language": "system", "entry": one["entry"].replace("dockfix", program, 1)}
    config = json.dumps({"repos": [{"repo": "local", "hooks": hooks}]})
    (folder / ".pre-commit-config.yaml").write_text(config)
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", "--all-files", "--verbose"],
        cwd=folder,
        env={
            **os.environ,
            "PRE_COMMIT_HOME": str(folder.parent / "pre-commit"),
            "PYTHONPATH": str(Path(dockfix.__file__).parents[1]),
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def committed(tmp_path: Path) -> Repository:
    """Files that the hooks get, and others, one of them excluded by the configuration."""
    (tmp_path / "own").mkdir()
    repository = Repository(tmp_path / "own")
    repository.git("init", "--quiet")
    repository.put("Dockerfile", "old/Dockerfile", "Dockerfile.j2", "main.py", text=ROOTS)
    repository.put("dockfix.toml", text='exclude = ["old/"]\n')
    repository.git("add", ".")
    return repository


@pytest.mark.integration
def test_pre_commit_rewrites_what_it_names_and_leaves_what_is_excluded(committed: Repository) -> None:
    done = run_pre_commit(committed.folder, "dockfix")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "files were modified by this hook" in done.stdout
    assert committed.git("diff", "--name-only").splitlines() == ["Dockerfile"]
    committed.git("add", ".")
    assert run_pre_commit(committed.folder, "dockfix").returncode == 0


@pytest.mark.integration
def test_pre_commit_fails_for_what_would_change(committed: Repository) -> None:
    done = run_pre_commit(committed.folder, "dockfix-check")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 file processed" in done.stdout
    assert "(fix them: dockfix --write " in done.stdout
    assert committed.git("diff", "--name-only") == ""


@pytest.mark.integration
def test_the_template_keeps_to_gitlabs_schema_and_names_our_options() -> None:
    """check-jsonschema ships the schema: nothing is fetched."""
    path = ROOT / "docs" / "how-to" / "gitlab-ci.yml"
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    job = load("docs/how-to/gitlab-ci.yml")["dockfix"]
    assert set(re.findall(r"--[a-z-]+", job["script"][0])) <= {one.flag for _, one in cli._flagged()} | {"--"}


@pytest.mark.integration
def test_the_template_runs(folder: Path) -> None:
    """Its script, with our dockfix, in a merge request that adds two files."""
    git = Repository(folder / "repository")
    git.git("init", "--quiet")
    git.git("commit", "--quiet", "--allow-empty", "--message", "base")
    base = git.git("rev-parse", "HEAD").strip()
    git.commit()
    put_programs(folder, dockfix=DOCKFIX)
    job = load("docs/how-to/gitlab-ci.yml")["dockfix"]
    variables = {name: str(value) for name, value in job["variables"].items()}
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", job["script"][0]],
        cwd=git.folder,
        env={
            **os.environ,
            **variables,
            "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(Path(dockfix.__file__).parents[1]),
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": base,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    entries = json.loads((git.folder / "gl-code-quality-report.json").read_text())
    assert sum(entry["check_name"] == "runs-as-root" for entry in entries) == 2
    git.git("apply", "--check", "dockfix.patch")
