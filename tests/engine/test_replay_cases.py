"""The build contexts of fixtures/replay, built and run unchanged and after dockfix's safe rewrite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from applications import build_network, engine, find_images, need_images, standing_in
from replay_cases import CommandLine, ReplayCase, ask, find_cases

from dockfix.verify import Case, Kind, Prover, Recipe, VerifyOptions
from dockfix.verify.engine import BuildPlan
from dockfix.verify.session import Session

CASES: Final = tuple(case for case in find_cases() if case.is_built)
_EACH_TIME: Final = 2
_SECONDS: Final = 60
_ROOT: Final = ("", "root", "0")
_ONCE: Final[Mapping[str, Any]] = {}


@dataclass(frozen=True)
class Run:
    """How one run of an image ended, and the lines of both streams."""

    code: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Image:
    """The user an image starts as, and the results of its runs."""

    user: str
    runs: tuple[Run, ...]


def is_tried_each_time(case: ReplayCase) -> bool:
    """Whether it is among the first of its kind, which the engine suite always runs; `-m bench` runs all."""
    return case in [one for one in CASES if one.kind == case.kind][:_EACH_TIME]


def judged(case: ReplayCase) -> object:
    mark = pytest.mark.engine if is_tried_each_time(case) else pytest.mark.bench
    return pytest.param(case, id=case.id, marks=mark)


@pytest.mark.parametrize("case", [judged(case) for case in CASES])
def test_original_runs_and_so_does_its_rewrite(
    case: ReplayCase, command_line: CommandLine, folder: Path, tmp_path: Path
) -> None:
    # An engine knows a context by its folder's name.
    root = folder / case.id.replace("/", "-")
    dockerfile = case.lay_out(root)
    text = dockerfile.read_text(encoding="utf-8")
    with standing_in(case.stand_ins):
        need_images(find_images(text, case.facts.get("args", {})), case.stand_ins)
        compare = compare_runs if case.facts["start"]["kind"] == "runs" else compare_answers
        answer = ask(command_line, {root: dockerfile})[root]
        dockerfile.write_text(text, encoding="utf-8")
        compare(case, dockerfile, answer.text if answer.outcome == "safe" else None, tmp_path)


def compare_runs(case: ReplayCase, dockerfile: Path, rewrite: str | None, folder: Path) -> None:
    """Check that the original ends as its case says, and that the rewrite does the same as another user."""
    with Session(engine()) as session:
        before = build_and_run(session, case, dockerfile, dockerfile)
        start = case.facts["start"]
        assert before.runs[0].code == start.get("exit", 0), before
        assert start["says"] in before.runs[0].lines, before
        if rewrite is None:
            return
        rewritten = folder / "rewritten.Dockerfile"
        rewritten.write_text(rewrite, encoding="utf-8")
        after = build_and_run(session, case, dockerfile, rewritten)
        assert after.user.partition(":")[0] not in _ROOT, rewrite
        assert after.runs == before.runs, rewrite


def build_and_run(session: Session, case: ReplayCase, beside: Path, dockerfile: Path) -> Image:
    """Build the context around `beside` from a Dockerfile, and run the image in each of the case's ways."""
    facts = case.facts
    tag = f"dockfix-replay-{session.name}:{dockerfile.stem.lower()}"
    plan = BuildPlan(
        dockerfile=str(dockerfile),
        context=str(context_of(case, beside)),
        tag=tag,
        label=session.label,
        build_args=facts.get("args", {}),
        target=facts.get("target"),
        network=build_network(),
    )
    built = session.call(session.engine.build(plan), 600)
    assert built.ok, f"{dockerfile.read_text(encoding='utf-8')}\n{built.output[-3000:]}"
    user = session.call(session.engine.call("image", "inspect", "--format", "{{.Config.User}}", tag))
    assert user.ok, user.output
    ways = facts.get("runs", [_ONCE])
    return Image(user.output.strip(), tuple(run(session, tag, way, plan.context) for way in ways))


def context_of(case: ReplayCase, dockerfile: Path) -> Path:
    """The folder to build, in the copy that contains the Dockerfile."""
    root = dockerfile.parents[case.dockerfile.count("/")]
    return root / str(case.facts.get("context", "."))


def run(session: Session, image: str, way: Mapping[str, Sequence[str]], context: str) -> Run:
    """Run an image until it ends, with a case's own `flags` ({context}: what was built) and `command`."""
    flags = [flag.replace("{context}", context) for flag in way.get("flags", ())]
    alone = ("--network", "none", "--memory", "1g")
    create = session.engine.create(image, session.label, (*alone, *flags))
    created = session.call([*create, *way.get("command", ())])
    assert created.ok, created.output
    container = created.output.split()[-1]
    done = session.call(session.engine.call("start", "--attach", container), _SECONDS)
    session.call(session.engine.call("rm", "--force", "--volumes", container))
    return Run(done.code, tuple(done.output.splitlines()))


def compare_answers(case: ReplayCase, dockerfile: Path, rewrite: str | None, folder: Path) -> None:
    """Check that the original answers on its port, and that the rewrite is proven to do the same."""
    start = case.facts["start"]
    text = dockerfile.read_text(encoding="utf-8")
    recipe = Recipe(context_of(case, dockerfile), case.facts.get("target"), case.facts.get("args", {}))
    options = VerifyOptions(build_network=build_network(), paths=(start.get("path", "/"),))
    with Prover(options) as prover:
        verdict = prover.prove(
            Case(text, rewrite or text, dockerfile, recipe=recipe, leaves_root=bool(rewrite))
        )
    assert verdict.details.before is not None, verdict
    answered = [(answer.port, answer.status) for answer in verdict.details.before.answers]
    assert answered == [(start["port"], 200)]
    assert verdict.kind is Kind.PROVEN, f"{rewrite}\n{verdict}\n{verdict.details.differences}"
