"""Each application's Dockerfile is fixed, and both texts are built, run and compared on a real engine.

A rewrite is also run with fewer rights, with numbers for names, on a read-only file system with the
mounts that it names, and as any uid: half of these ways for each application, and all of them with `-m
bench`. An application whose nature it is to fail one of these says so in its app.toml: `fails = [...]`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from applications import (
    VARIANTS,
    Application,
    context_of,
    engine,
    find_applications,
    need_images,
    standing_in,
)

from dockfix import fix
from dockfix.results import Changed, Skipped, Unchanged
from dockfix.verify import Case, Kind, Prover, Verdict

APPLICATIONS = find_applications()
PROVEN = [application for application in APPLICATIONS if application.facts["expect"] == "proven"]
OTHERS = [application for application in APPLICATIONS if application.facts["expect"] != "proven"]


def rewrite(application: Application, dockerfile: Path, text: str, variant: str = "") -> Changed:
    options = application.options
    if variant == "numeric":
        options = replace(options, numeric=True)
    elif variant == "arbitrary-uid":
        options = replace(options, any_uid=True, gid=None)
    elif variant == "read-only":
        options = replace(options, read_only=True)
    result = fix(text, options, context_of(application, dockerfile))
    assert isinstance(result, Changed), result
    assert result.safe or options.unsafe, result.reviews
    return result


@pytest.mark.parametrize("application", PROVEN, ids=lambda application: application.name)
def test_rewrite_is_safe(application: Application, tmp_path: Path) -> None:
    """Every application of the engine suite is rewritten without a review; this needs no engine."""
    dockerfile = application.lay_out(tmp_path)
    text = dockerfile.read_text(encoding="utf-8")
    assert all(rewrite(application, dockerfile, text, variant) for variant in ("", *VARIANTS))


def explain(verdict: Verdict) -> str:
    differences = "\n".join(f"  {difference.message}" for difference in verdict.details.differences)
    return f"{verdict} ({verdict.step})\n{differences}\n" + "\n".join(verdict.log_tail)


def check_proof(application: Application, verdict: Verdict, rewritten: str) -> None:
    assert verdict.kind is Kind.PROVEN, f"{rewritten}\n{explain(verdict)}"
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
    assert not warnings, f"{rewritten}\n{explain(verdict)}"


def failures(verdict: Verdict) -> Iterator[str]:
    """What breaks, except for the shell checks, which are meant for the unmodified image."""
    if not verdict.proven and not verdict.details.differences:
        yield verdict.details.reason
    for difference in verdict.details.differences:
        if difference.breaks and difference.code != "check":
            yield difference.message


def in_turn(application: Application) -> tuple[str, ...]:
    """Every second variant, from the first or from the second: each one is tried on half of them."""
    return tuple(VARIANTS)[PROVEN.index(application) % 2 :: 2]


def find_failing(application: Application, folder: Path, variants: Iterable[str]) -> list[str]:
    """Prove the rewrite; the variants of the run that it does not bear."""
    engine()
    need_images(application.images, application.stand_ins)
    failed = {}
    with (
        standing_in(application.stand_ins),
        application.ready(folder) as (dockerfile, options),
        Prover(options) as prover,
    ):
        text = dockerfile.read_text(encoding="utf-8")
        rewritten = rewrite(application, dockerfile, text).text
        check_proof(application, prover.prove(Case(text, rewritten, dockerfile)), rewritten)
        for variant in variants:
            tried = rewrite(application, dockerfile, text, variant)
            flags = (*VARIANTS[variant], *(flag for one in tried.writable for flag in one.flags))
            if found := list(failures(prover.prove(Case(text, tried.text, dockerfile, flags)))):
                failed[variant] = found
    print(failed)
    return sorted(failed)


@pytest.mark.engine
@pytest.mark.parametrize("application", PROVEN, ids=lambda application: application.name)
def test_rewrite_is_proven_and_bears_hardening(application: Application, tmp_path: Path) -> None:
    variants = in_turn(application)
    wanted = sorted(set(application.facts.get("fails", [])).intersection(variants))
    assert find_failing(application, tmp_path, variants) == wanted


@pytest.mark.bench
@pytest.mark.parametrize("application", PROVEN, ids=lambda application: application.name)
def test_rewrite_bears_every_hardening(application: Application, tmp_path: Path) -> None:
    wanted = sorted(application.facts.get("fails", []))
    assert find_failing(application, tmp_path, VARIANTS) == wanted


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
