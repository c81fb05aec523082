"""Each application's Dockerfile is fixed, and both texts are built, run and compared on a real engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from applications import Application, context_of, engine, find_applications, need_images

from dockfix import fix
from dockfix.results import Changed, Skipped, Unchanged
from dockfix.verify import Kind, Verdict, prove

APPLICATIONS = find_applications()
PROVEN = [application for application in APPLICATIONS if application.facts["expect"] == "proven"]
OTHERS = [application for application in APPLICATIONS if application.facts["expect"] != "proven"]


def explain(verdict: Verdict) -> str:
    differences = "\n".join(f"  {difference.message}" for difference in verdict.details.differences)
    return f"{verdict} ({verdict.step})\n{differences}\n" + "\n".join(verdict.log_tail)


@pytest.mark.engine
@pytest.mark.parametrize("application", PROVEN, ids=lambda application: application.name)
def test_rewrite_is_proven(application: Application, tmp_path: Path) -> None:
    engine()
    need_images(application)
    with application.ready(tmp_path) as (dockerfile, options):
        text = dockerfile.read_text(encoding="utf-8")
        result = fix(text, application.options, context_of(application, dockerfile))
        assert isinstance(result, Changed), result
        assert result.safe or application.options.unsafe, result.reviews
        verdict = prove(text, result.text, dockerfile, options)
    assert verdict.kind is Kind.PROVEN, f"{result.text}\n{explain(verdict)}"
    before, after = verdict.details.before, verdict.details.after
    assert before is not None
    assert after is not None
    assert before.uids == (0,), "the original is no root image"
    assert after.uids
    assert 0 not in after.uids
    assert after.exit_code == before.exit_code == application.run.get("exit")
    answered = [(answer.port, answer.status) for answer in before.answers]
    assert answered == ([(application.run["port"], 200)] if "port" in application.run else [])
    assert not [check for check in before.checks if check.code], "a check fails in the original"
    warnings = [difference for difference in verdict.details.differences if difference.code == "warning"]
    assert not warnings, f"{result.text}\n{explain(verdict)}"


@pytest.mark.parametrize("application", OTHERS, ids=lambda application: application.name)
def test_left_alone_for_the_right_reason(application: Application, tmp_path: Path) -> None:
    dockerfile = application.lay_out(tmp_path)
    text = dockerfile.read_text(encoding="utf-8")
    result = fix(text, application.options, context_of(application, dockerfile))
    match application.facts["expect"]:
        case "skipped":
            assert isinstance(result, Skipped), result
            assert application.facts["code"] in {reason.code for reason in result.reasons}
        case "review":
            assert isinstance(result, Changed), result
            assert application.facts["code"] in {review.code for review in result.reviews}
        case _:
            assert isinstance(result, Unchanged), result
