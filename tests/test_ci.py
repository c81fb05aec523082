"""`.ci/run` with stand-ins for Python, apt-get and npm: what it runs, and when it fails."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
# `-m venv` makes an environment whose Python is this program; pytest ends with the exit code in CODES.
PYTHON: Final = """\
#!/bin/bash
echo "python $*" >> "$CALLS"
case "$*" in
  "-m venv "*) mkdir -p "${@: -1}/bin" && cp "$0" "${@: -1}/bin/python" ;;
  "-m pytest"*)
    name=$(sed -n 's/.*-m pytest.* -m \\([a-z]*\\).*/\\1/p' <<<"$*")
    echo "=== ${name:-fast}: closing line ==="
    code=$(sed -n "s/.*${name:-fast}=\\([0-9]*\\).*/\\1/p" <<<"$CODES")
    exit "${code:-0}" ;;
esac
"""
RECORDER: Final = '#!/bin/bash\necho "$(basename "$0") $*" >> "$CALLS"\n'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that contains only `.ci`."""
    folder = tmp_path / "checkout"
    shutil.copytree(ROOT / ".ci", folder / ".ci")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in {"python3.11": PYTHON, "apt-get": RECORDER, "npm": RECORDER, "sudo": '"$@"\n'}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    return folder


def run(checkout: Path, *suites: str, codes: str = "") -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run `.ci/run` there; returns the result, and the calls of the stand-ins."""
    calls = checkout.parent / "calls"
    environment = {
        **os.environ,
        "PATH": f"{checkout.parent / 'programs'}{os.pathsep}{os.environ['PATH']}",
        "CALLS": str(calls),
        "CODES": codes,
    }
    done = subprocess.run(
        [checkout / ".ci" / "run", *suites], env=environment, capture_output=True, text=True, check=False
    )
    return done, calls.read_text().splitlines()


def test_the_three_suites_run_and_the_readmes_command_is_the_first(checkout: Path) -> None:
    readme = re.search(
        r"^    \.venv/bin/(python -m pytest.*)$", (ROOT / "README.md").read_text(), re.MULTILINE
    )
    assert readme is not None
    done, calls = run(checkout)
    assert done.returncode == 0
    assert [re.sub(r" -rs.*| -n 2", "", call) for call in calls if "-m pytest" in call] == [
        readme[1],
        "python -m pytest -m engine",
        "python -m pytest -m integration",
    ]
    assert re.findall("=== (.*): closing line", done.stdout.partition("== summary")[2]) == [
        "fast",
        "engine",
        "integration",
    ]


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ("fast=1", "failed: fast (exit code 1)\n"),
        ("fast=5", "failed: fast (exit code 5)\n"),
        ("engine=5", "failed: engine (exit code 5)\n"),
        ("integration=1", "failed: integration (exit code 1)\n"),
        ("fast=2 integration=5", "failed: fast (exit code 2)\n"),
        ("engine=124", "failed: engine (stopped after 40 minutes)\n"),
    ],
)
def test_a_failure_is_named_and_the_other_suites_still_run(checkout: Path, codes: str, expected: str) -> None:
    done, calls = run(checkout, codes=codes)
    assert done.returncode == 1
    assert done.stderr == expected
    assert sum("-m pytest" in call for call in calls) == 3


def test_an_empty_integration_suite_fails_nothing_and_is_reported(checkout: Path) -> None:
    done, _ = run(checkout, codes="integration=5")
    assert done.returncode == 0
    assert "integration === integration: closing line ===" in done.stdout


def test_suites_that_are_named_run_alone(checkout: Path) -> None:
    done, calls = run(checkout, "engine", "integration")
    assert done.returncode == 0
    assert [call.split()[4] for call in calls if "-m pytest" in call] == ["engine", "integration"]


def test_an_unknown_suite_is_a_usage_error(checkout: Path) -> None:
    done = subprocess.run([checkout / ".ci" / "run", "engin"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "usage: .ci/run [fast] [engine] [integration]\n"


def test_packages_for_the_integration_suite_are_installed_before_it(checkout: Path) -> None:
    listed = checkout / ".ci" / "integration-packages"
    listed.write_text(listed.read_text() + "apt chromium\nnpm puppeteer-core@24.0.0\napt tmux\n")
    _, calls = run(checkout)
    installed = [call for call in calls if call.startswith(("apt-get", "npm"))]
    assert installed[0].startswith("apt-get update")
    assert installed[1].endswith(" chromium tmux")
    assert re.fullmatch(r"npm install --prefix \S+/node .* puppeteer-core@24\.0\.0", installed[2])
    assert calls.index(installed[2]) < calls.index("python -m pytest -m integration -rs --durations=10 -n 2")


def test_nothing_is_installed_where_nothing_is_listed(checkout: Path) -> None:
    (checkout / ".ci" / "integration-packages").write_text("# nothing\n")
    _, calls = run(checkout)
    assert not [call for call in calls if call.startswith(("apt-get", "npm"))]


def test_limits_add_up_to_ninety_minutes() -> None:
    text = (ROOT / ".ci" / "run").read_text()
    minutes = [int(found) for found in re.findall(r"\b(?:step|suite) [a-z-]+ (\d+) ", text)]
    assert len(minutes) == 6
    assert sum(minutes) <= 90


def test_markers_that_need_more_than_python_are_left_out_of_the_fast_suite(
    pytestconfig: pytest.Config,
) -> None:
    markers = {line.partition(":")[0] for line in pytestconfig.getini("markers")}
    wanted = {"engine", "bench", "integration"}
    assert wanted <= markers
    options = " ".join(pytestconfig.getini("addopts"))
    assert all(f"not {name}" in options for name in wanted)
