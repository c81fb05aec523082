"""What docs/how-to/adopting.md describes, from the first day to the last: 60 Dockerfiles of three teams."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from git_repository import Repository

from dockfix.config import forget_configs

Run = Callable[..., tuple[int, str, str]]
PLAIN: Final = """\
FROM python:3.12-slim
WORKDIR /app
COPY . .
RUN pip install -r requirements.txt
CMD ["python", "main.py"]
"""
LOW_PORT: Final = PLAIN.replace("CMD", "EXPOSE 80\nCMD")
NO_START: Final = PLAIN.replace('CMD ["python", "main.py"]\n', "")
OWN_BASE: Final = PLAIN.replace("python:3.12-slim", "registry.example.org/python:3")
TEAMS: Final = {"edge": LOW_PORT, "batch": NO_START, "core": OWN_BASE}
SERVICES: Final = 20
"""Of each team; every second one is plain."""
RULES: Final = """\
[[overrides]]
paths = ["edge/"]
accept = ["low-port"]

[[overrides]]
paths = ["batch/"]
accept = ["starts-nothing"]

[[overrides]]
paths = ["core/"]
images = { "registry.example.org/python" = { like = "python:{tag}-slim" } }
"""
BASELINE: Final = ("--baseline", "baseline.json")


def lay_out(repository: Repository) -> None:
    for team, special in TEAMS.items():
        for number in range(SERVICES):
            service = f"{team}/service-{number:02}"
            repository.put(f"{service}/Dockerfile", text=special if number % 2 else PLAIN)
            repository.put(f"{service}/main.py", text="print('hello')\n")
            repository.put(f"{service}/requirements.txt", text="flask\n")
    repository.put("CODEOWNERS", text="".join(f"/{team}/ @{team}\n" for team in TEAMS))
    repository.commit()


def outcomes(dockfix: Run, *words: str) -> tuple[int, dict[str, int]]:
    """The exit code of a check, and how many files have which outcome, or are in the baseline."""
    code, _, _ = dockfix("--check", ".", "--report", "report.json", *words)
    report = json.loads(Path("report.json").read_text())
    Path("report.json").unlink()
    known = sum(one["code"] == "baselined" for row in report["files"] for one in row["findings"])
    counts = {name: count for name, count in report["counts"].items() if count}
    return int(code), counts | ({"baselined": known} if known else {})


@pytest.fixture
def company(dockfix: Run, repository: Repository) -> Run:
    lay_out(repository)

    def run(*words: str) -> tuple[int, str, str]:
        forget_configs()  # each run is one of its own
        return dockfix(*words)

    return run


@pytest.mark.integration
def test_sixty_files_of_three_teams_are_clean_without_unsafe(company: Run, repository: Repository) -> None:
    # Day one: half of the files would change, half need a review, and all of it is recorded.
    assert outcomes(company) == (1, {"changed": 30, "needs-review": 30})
    assert company("--check", ".", *BASELINE, "--update-baseline")[0] == 0
    repository.commit()
    assert outcomes(company, *BASELINE) == (0, {"skipped": 60, "baselined": 60})

    # A branch adds a service, and a source of another: CI looks at those two, and fails for what is new.
    repository.git("tag", "day-one")
    repository.put("edge/service-new/Dockerfile", text=PLAIN)
    repository.put("core/service-00/main.py", text="print('hello again')\n")
    repository.commit()
    assert outcomes(company, *BASELINE, "--since", "day-one") == (
        1,
        {"changed": 1, "skipped": 1, "baselined": 1},
    )
    company("--write", "edge/service-new")
    repository.commit()
    assert outcomes(company, *BASELINE, "--since", "day-one") == (
        0,
        {"unchanged": 1, "skipped": 1, "baselined": 1},
    )

    # Each team accepts its own reasons; nobody's answer counts for another team's files.
    repository.put("dockfix.toml", text=RULES)
    repository.put("core/service-00/Dockerfile", text=LOW_PORT)
    repository.commit()
    assert outcomes(company) == (1, {"changed": 59, "needs-review": 1, "unchanged": 1})
    text = LOW_PORT.replace(
        "EXPOSE", "# Behind the edge, which maps it.\n# dockfix: accept[low-port]\nEXPOSE"
    )
    repository.put("core/service-00/Dockerfile", text=text)
    repository.commit()
    assert outcomes(company) == (1, {"changed": 60, "unchanged": 1})

    # A patch for each owner, and each applies alone.
    assert company("--output", "patches", "--split-by", "owner", ".")[0] == 0
    assert sorted(path.name for path in Path("patches").iterdir()) == [
        f"{team}.{kind}" for team in sorted(TEAMS) for kind in ("md", "patch")
    ]
    for team in TEAMS:
        patch = Path(f"patches/{team}.patch").read_text()
        assert set(re.findall(r"^--- a/(\w+)/", patch, re.M)) == {team}
        assert patch.count("--- a/") == SERVICES
        repository.git("apply", f"patches/{team}.patch")
    for path in Path("patches").iterdir():
        path.unlink()
    repository.commit()

    # The end: everything is clean, and what the baseline still records is gone.
    assert outcomes(company) == (0, {"unchanged": 61})
    stale = company("--check", ".", *BASELINE)[2]
    assert re.search(r"^(\d+) entries of baseline\.json no longer occur: ", stale, re.M)
    company("--check", ".", *BASELINE, "--update-baseline")
    assert json.loads(Path("baseline.json").read_text()) == {"version": 1, "files": {}}
