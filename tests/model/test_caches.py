from __future__ import annotations

import pytest
from plans import read_plan

from dockfix.model.caches import find_caches
from dockfix.model.evidence import Evidence

SYSTEM = "RUN apt-get update"
"""A step behind the others that has to stay root's, so that they stay above USER."""
BROWSERS = [("PLAYWRIGHT_BROWSERS_PATH", "/ms-playwright")]


def found(steps: str, evidence: Evidence | None = None) -> list[tuple[str, str]]:
    """(variable, directory) of each cache."""
    plan = read_plan(f"{steps}\n{SYSTEM}\nCMD poetry run app\n")
    plan = plan if evidence is None else plan.with_evidence(evidence)
    return [(one.variable, one.directory) for one in find_caches(plan, plan.steps[: plan.user_index])]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("RUN playwright install chromium", BROWSERS),
        ("RUN playwright install\nRUN playwright install firefox", BROWSERS),
        ("RUN playwright codegen", []),
        ("ENV PLAYWRIGHT_BROWSERS_PATH=/browsers\nRUN playwright install", []),
        ("RUN PLAYWRIGHT_BROWSERS_PATH=/browsers playwright install", []),
        ("RUN python -m nltk.downloader punkt", [("NLTK_DATA", "/usr/local/share/nltk_data")]),
        ("RUN python -m nltk.downloader -d /data punkt", []),
        ("RUN python -m nltk.downloader --dir=/data punkt", []),
        ("RUN python -m nltk.downloader all-d", [("NLTK_DATA", "/usr/local/share/nltk_data")]),
        ("RUN python -c \"import nltk; nltk.download('punkt', download_dir='/data')\"", []),
        ("RUN pip install poetry && poetry install", [("POETRY_VIRTUALENVS_IN_PROJECT", "true")]),
        ("ENV POETRY_VIRTUALENVS_CREATE=false\nRUN poetry install", []),
        ("RUN poetry config virtualenvs.create false", [("POETRY_VIRTUALENVS_CREATE", "false")]),
        ("RUN pip install flask", []),
    ],
)
def test_caches_that_steps_fill_while_nothing_says_where(steps: str, expected: list[tuple[str, str]]) -> None:
    assert found(steps) == expected


def test_settings_that_no_start_reads_stay() -> None:
    steps = "RUN poetry config virtualenvs.create false"
    plan = read_plan(f"{steps}\n{SYSTEM}\nCMD gunicorn a:b\n")
    assert list(find_caches(plan, plan.steps)) == []


def test_a_step_that_runs_as_the_account_fills_its_own_home() -> None:
    plan = read_plan("RUN useradd app\nUSER app\nRUN playwright install\nCMD a\n")
    assert list(find_caches(plan, plan.steps[: plan.user_index])) == []


def test_scripts_that_fill_a_cache_count_for_the_step_that_runs_them() -> None:
    step = "python download.py"
    evidence = Evidence(fills=frozenset({(step, "HF_HOME")}))
    assert found(f"RUN {step}") == []
    assert found(f"RUN {step}", evidence) == [("HF_HOME", "/opt/huggingface")]
    assert found(f"ENV HF_HOME=/models\nRUN {step}", evidence) == []
    assert found("RUN python other.py", evidence) == []


def test_what_is_known_of_a_cache() -> None:
    plan = read_plan(f"RUN huggingface-cli download a/b\n{SYSTEM}\nCMD a\n")
    (one,) = find_caches(plan, plan.steps)
    assert (one.step.instruction.line, one.writable, one.existing) == (2, True, False)
    assert one.comment == "Keep models where the user reads them"
