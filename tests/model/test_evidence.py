"""How evidence changes a plan."""

from __future__ import annotations

from plans import read_plan

from dockfix.model.evidence import NO_EVIDENCE, Evidence
from dockfix.model.ownership import find_ownership_changes
from dockfix.model.plan import Plan

TEXT = "WORKDIR /app\nCOPY . .\nCMD python app.py\n"


def given(plan: Plan) -> set[str]:
    return {one.path for one in find_ownership_changes(plan)}


def test_without_evidence_nothing_is_complete() -> None:
    assert read_plan(TEXT).evidence is NO_EVIDENCE
    assert not NO_EVIDENCE.is_complete


def test_directories_that_the_application_writes_to_and_mount_points_are_the_users() -> None:
    plan = read_plan(TEXT)
    seen = plan.with_evidence(Evidence(directories=("/data",), mounts=("/cache",)))
    assert given(seen) - given(plan) == {"/data", "/cache"}
