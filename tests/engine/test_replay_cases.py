"""The build contexts of fixtures/replay, built and run as they are and as dockfix safely rewrites them."""

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
PENDING: Final = frozenset(
    """
    base-with-its-own-home/functions-host
    base-with-its-own-home/functions-host-slim-with-an-own-start
    base-with-its-own-working-directory/fastapi-base-with-a-demo
    chown-of-a-directory-already-removed/emptied-by-find
    chown-of-a-directory-already-removed/removed-by-a-condition
    chown-of-a-directory-already-removed/removed-by-a-glob
    chown-of-a-directory-already-removed/removed-by-a-relative-name
    chown-of-a-directory-already-removed/removed-in-the-stage-built-on-it
    chown-of-a-directory-already-removed/renamed-under-a-link
    context-above-the-dockerfile/everything-copied
    context-above-the-dockerfile/folder-named-by-a-copy
    context-above-the-dockerfile/half-of-the-sources-beside-it
    context-above-the-dockerfile/service-of-a-monorepo
    context-above-the-dockerfile/sources-by-a-glob
    context-above-the-dockerfile/three-folders-down
    edit-in-place-below-root-directory/edit-in-a-directory-of-an-earlier-stage
    edit-in-place-below-root-directory/gzip-in-opt
    edit-in-place-below-root-directory/sed-of-scripts-in-the-root-directory
    edit-in-place-below-root-directory/start-script-edits-in-the-root-directory
    entrypoint-glob/script-brought-by-its-folder
    entrypoint-without-its-argument/command-of-a-caller
    environment-in-roots-home/copied-from-a-stage
    file-capability-lost/capability-before-a-root-step
    file-capability-lost/installed-with-a-set-user-bit
    file-capability-lost/interpreter-of-the-environment
    file-capability-lost/set-user-bit-of-a-helper
    heredoc-start-script-crashes/application-by-copy
    heredoc-start-script-crashes/script-by-cat
    heredoc-start-script-crashes/script-with-expanded-variables
    link-from-the-system-into-roots-home/alternative-in-roots-home
    link-from-the-system-into-roots-home/tool-linked-by-an-installer
    mkdir-in-workdir-left-behind/directory-beside-the-last-working-directory
    mkdir-in-workdir-left-behind/link-in-the-parent
    no-working-directory-relative-read/absolute-copies-and-a-relative-read
    no-working-directory-relative-read/mounted-in-the-root-directory
    no-working-directory-relative-read/some-copied-absolutely
    no-working-directory-relative-read/source-names-the-old-place
    no-working-directory-relative-read/start-script-names-the-old-place
    own-command-fills-home-at-build/before-a-step-that-needs-root
    own-command-fills-home-at-build/console-script-of-the-project
    own-command-fills-home-at-build/database-in-the-working-directory
    own-command-fills-home-at-build/module-of-a-package
    own-command-fills-home-at-build/python-in-a-heredoc
    own-command-fills-home-at-build/shell-script-of-the-context
    ownership-of-a-part/corpus-beside-its-index
    ownership-of-a-part/environment-beside-its-data
    ownership-of-a-part/modules-beside-the-application
    place-of-packages-by-variable/isolated-start
    place-of-packages-by-variable/start-script-without-user-site
    place-of-packages-by-variable/user-base-and-a-plain-install
    place-of-packages-by-variable/user-base-in-opt
    private-mode-made-by-root/closed-by-a-later-step
    private-mode-made-by-root/copied-with-a-private-mode
    private-mode-made-by-root/key-made-by-openssl
    private-mode-made-by-root/private-file-of-a-stage
    private-mode-made-by-root/temporary-directory-kept
    private-mode-made-by-root/umask-of-the-step
    remove-file-below-root-directory/denial-hidden-by-or-true
    remove-file-below-root-directory/folder-of-scripts-removed
    remove-file-below-root-directory/found-and-deleted-in-opt
    remove-file-below-root-directory/moved-out-of-the-root-directory
    remove-file-below-root-directory/requirements-removed-from-the-root-directory
    remove-file-below-root-directory/root-made-file-in-the-sticky-tmp
    remove-file-below-root-directory/start-script-removes-from-the-root-directory
    settings-made-by-a-tool-for-root/git-identity-before-a-system-step
    settings-made-by-a-tool-for-root/index-set-in-an-earlier-stage
    settings-made-by-a-tool-for-root/index-set-with-pip-config
    settings-made-by-a-tool-for-root/index-written-into-the-old-place
    settings-made-by-a-tool-for-root/key-copied-into-roots-home
    start-script-writes/archive-unpacked
    start-script-writes/default-of-a-variable
    start-script-writes/settings-copied-into-etc
    tilde-in-a-root-step/bare-cd
    tilde-in-a-root-step/home-of-root-by-name
    tilde-in-a-root-step/program-in-roots-home
    tilde-in-a-root-step/settings-beside-a-system-step
    """.split()
)
_SECONDS: Final = 60
_ROOT: Final = ("", "root", "0")
_ONCE: Final[Mapping[str, Any]] = {}


@dataclass(frozen=True)
class Run:
    """How one run of an image ended, and the lines of both its streams."""

    code: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Image:
    """Whom an image starts as, and what its runs did."""

    user: str
    runs: tuple[Run, ...]


def judged(case: ReplayCase) -> object:
    marks = [pytest.mark.xfail(reason="the rewrite breaks it")] if case.id in PENDING else []
    return pytest.param(case, id=case.id, marks=marks)


@pytest.mark.engine
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
        answer = ask(command_line, folder, dockerfile)
        dockerfile.write_text(text, encoding="utf-8")
        compare(case, dockerfile, answer.text if answer.outcome == "safe" else None, tmp_path)


def compare_runs(case: ReplayCase, dockerfile: Path, rewrite: str | None, folder: Path) -> None:
    """The original runs to the end that its case names; the rewrite does the same as another user."""
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
    """Build the context around `beside` by a Dockerfile, and run the image in each of the case's ways."""
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
    """The folder that is built, in the laid out copy that holds the Dockerfile."""
    root = dockerfile.parents[case.dockerfile.count("/")]
    return root / str(case.facts.get("context", "."))


def run(session: Session, image: str, way: Mapping[str, Sequence[str]], context: str) -> Run:
    """Run an image to its end, with a case's own `flags` ({context}: what was built) and `command`."""
    flags = [flag.replace("{context}", context) for flag in way.get("flags", ())]
    create = session.engine.create(image, session.label, "1g", flags)
    created = session.call([*create, *way.get("command", ())])
    assert created.ok, created.output
    container = created.output.split()[-1]
    done = session.call(session.engine.call("start", "--attach", container), _SECONDS)
    session.call(session.engine.call("rm", "--force", "--volumes", container))
    return Run(done.code, tuple(done.output.splitlines()))


def compare_answers(case: ReplayCase, dockerfile: Path, rewrite: str | None, folder: Path) -> None:
    """The original answers on its port; the rewrite is proven to do the same."""
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
