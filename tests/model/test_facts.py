"""The facts of one file, before any decision."""

from __future__ import annotations

from plans import read_plan

from dockfix.model.evidence import Evidence


def test_home_is_that_of_the_account_or_the_files_own_but_not_roots() -> None:
    assert read_plan("CMD x\n").home == "/home/appuser"
    assert read_plan("ENV HOME=/srv/home/\nCMD x\n").home == "/srv/home"
    assert read_plan("ENV HOME=/root\nCMD x\n").home == "/home/appuser"


def test_a_user_of_the_file_and_an_account_of_the_file() -> None:
    plan = read_plan("RUN useradd -m app\nUSER app\n")
    assert plan.runs_as_user
    assert plan.has_created_account
    plan = read_plan("RUN useradd -m app\n")
    assert not plan.runs_as_user
    assert plan.likely_account.name == "app"


def test_settings_of_one_run_hold_in_the_next() -> None:
    plan = read_plan("RUN poetry config virtualenvs.create false\nRUN poetry install\n")
    assert plan.runs[2].invocations[0].env["POETRY_VIRTUALENVS_CREATE"] == "false"


def test_what_is_in_force_behind_a_step() -> None:
    plan = read_plan("WORKDIR /srv\nUSER app\n")
    assert plan.after(plan.steps[1]).workdir == "/srv"
    assert plan.after(plan.steps[2]).user == "app"


def test_evidence_gives_another_reading_only_if_it_is_new() -> None:
    plan = read_plan("CMD x\n")
    assert plan.with_evidence(plan.evidence) is plan
    assert plan.with_evidence(Evidence(("/data",))).evidence.directories == ("/data",)
