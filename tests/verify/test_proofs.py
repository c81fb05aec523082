from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dockfix import cli
from dockfix.checks import codes
from dockfix.config import forget_configs
from dockfix.context import Context
from dockfix.options import Options
from dockfix.results import Changed, Finding, Result, Trial, Unchanged
from dockfix.runner.verdict import Details, Observation
from dockfix.verify import Case, EngineError, Ground, Kind, Recipe, Verdict, VerifyOptions

Run = Callable[..., tuple[int, str, str]]
REVIEWED = (codes.UNKNOWN_BASE, codes.WORKS_IN_ROOT_DIRECTORY, codes.ONBUILD)
asked: list[VerifyOptions] = []
proven: list[Case] = []


class Prover:
    """Finds what the file's name says."""

    def __init__(self, options: VerifyOptions, logs: object) -> None:
        self.options = options
        asked.append(options)
        proven.clear()

    def __enter__(self) -> Prover:
        if asked[-1].engine == "none":
            raise EngineError("no container engine answers: install docker or podman")
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def observe_again(self, case: Case, after: Observation) -> Observation:
        return replace(after, home="/root", read=("/root/.shop/settings",))

    def prove_all(self, cases: Iterable[Case], progress: Callable[[Path, str], None]) -> Iterator[Verdict]:
        for case in cases:
            proven.append(case)
            progress(case.dockerfile, "build the original")
            target = case.recipe.target or case.dockerfile.stem
            kind = {"bad": Kind.BREAKS, "old": Kind.ORIGINAL_FAILS}.get(target, Kind.PROVEN)
            assert case.rewritten == case.original + "USER u\n"
            weak = Ground.STAYED_UP if target == "job" else Ground.ANSWERS
            strong = (Trial.ANSWERS_ALIKE,) if weak is Ground.ANSWERS else ()
            is_proven = kind is Kind.PROVEN
            shown = (Trial.BUILDS, Trial.MAY_WRITE, *strong) if is_proven else ()
            seen = Observation("", "/home/u", "/", "", up=True, exit_code=None, seconds=1, log_tail=())
            before = replace(seen, home="/root") if "# reads" in case.original else None
            ground = weak if is_proven else None
            details = Details("docker", "why", ground=ground, shown=shown, before=before, after=seen)
            yield Verdict(kind, str(case.dockerfile), "compare", ("last line",), details)


def stand_in(text: str, options: Options, _context: Context) -> Result:
    names = options.select or frozenset({"create-user", "set-user"})
    reviews = tuple(Finding(row, 1, "unclear") for row in REVIEWED if f"# {row.name}" in text)
    if reviews:
        return Changed(text + "USER u\n", tuple(names), reviews)
    return Unchanged() if "USER" in text else Changed(text + "USER u\n", tuple(names - options.ignore))


@pytest.fixture
def dockfix(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> Run:
    forget_configs()
    monkeypatch.setattr("dockfix.pipeline.fix", stand_in)
    monkeypatch.setattr("dockfix.verify.proofs.Prover", Prover)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "files"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("bad", "good", "old"):
        Path(f"{name}.Dockerfile").write_text("FROM a\n")
    Path("done.Dockerfile").write_text("FROM a\nUSER u\n")

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["dockfix", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
        code = cli.run()
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return code, out.decode(), err.decode()

    return run


def contents() -> dict[str, bool]:
    """The files that were rewritten."""
    return {path.stem: "USER" in path.read_text() for path in sorted(Path().glob("*.Dockerfile"))}


def test_only_what_is_proven_is_written(dockfix: Run) -> None:
    code, _, err = dockfix("--write", "--verify", ".")
    assert code == 1
    assert contents() == {"bad": False, "done": True, "good": True, "old": False}
    assert "good.Dockerfile: proven: why\n" in err
    assert re.search(r"bad.Dockerfile: the rewrite breaks it: why \[rewrite-breaks\] .*\n    last", err)
    assert err.count("bad.Dockerfile: ") == err.count("old.Dockerfile: ") == 1
    assert "old.Dockerfile: not proven: the original does not build: why [not-proven]" in err
    assert "  skipped           2   " in err
    assert "  tried             3   1 proven, 1 broken, 0 cannot be compared, 1 not built\n" in err


def test_what_is_read_in_the_home_of_root_is_the_reason_and_kept(dockfix: Run) -> None:
    Path("bad.Dockerfile").write_text("FROM a\n# reads\n")
    _, _, err = dockfix("--write", "--verify", "bad.Dockerfile")
    assert "(the original reads ~/.shop in root's home: put it where every user reads it)" in err
    kept = Path("dockfix.facts.toml").read_text()
    assert kept.endswith('[files."bad.Dockerfile"]\nreads = ["~/.shop"]\n')


@pytest.mark.parametrize("kind", ["old", "bad"])
def test_the_exit_code_reports_what_is_left_out(dockfix: Run, kind: str) -> None:
    assert dockfix("--diff", "--verify", "good.Dockerfile")[0] == 0
    assert dockfix("--diff", "--verify", f"{kind}.Dockerfile")[:2] == (1, "")


def test_verdicts_are_printed_below_all_patches(
    dockfix: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Path("zoo.Dockerfile").write_text("FROM a\n")
    with (tmp_path / "both").open("wb") as both:
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(both))
        monkeypatch.setattr(sys, "stderr", sys.stdout)
        dockfix("--diff", "--verify", ".")
        sys.stdout.flush()
        lines = (tmp_path / "both").read_text().splitlines()
    patches = [at for at, line in enumerate(lines) if line.startswith("+++ b/")]
    verdicts = [at for at, line in enumerate(lines) if ".Dockerfile: " in line]
    assert (len(patches), len(verdicts)) == (2, 4)
    assert patches[-1] < verdicts[0]


def test_a_patch_leaves_out_what_is_not_proven_and_keeps_what_breaks(dockfix: Run, tmp_path: Path) -> None:
    code, out, err = dockfix("--diff", "--verify", ".", "--report", "r.json")
    assert code == 1
    assert [line for line in out.splitlines() if line.startswith("+++")] == ["+++ b/good.Dockerfile"]
    (kept,) = (tmp_path / "state").rglob("*.patch")
    assert kept.read_text().startswith("--- a/bad.Dockerfile\n+++ b/bad.Dockerfile\n")
    assert f"(please report it with {kept})" in err
    rows = {row["path"]: row for row in json.loads(Path("r.json").read_text())["files"]}
    assert rows["good.Dockerfile"]["proof"]["kind"] == "proven"
    assert "proof" not in rows["done.Dockerfile"]


def test_unproven_changes_are_made_on_request_but_not_broken_ones(dockfix: Run) -> None:
    _, out, err = dockfix("--diff", "--verify", "--unproven", ".")
    assert [line for line in out.splitlines() if line.startswith("+++")] == [
        "+++ b/good.Dockerfile",
        "+++ b/old.Dockerfile",
    ]
    assert "old.Dockerfile: the original does not build: why\n    last line\n" in err
    dockfix("--write", "--verify", "--unproven", ".")
    assert contents() == {"bad": False, "done": True, "good": True, "old": True}
    assert dockfix("--diff", "--unproven", ".")[0] == 2


def test_options_reach_the_engine(dockfix: Run) -> None:
    build = "--build-arg A=1 --build-arg B --secret id=x --context ctx --build-network host"
    build += " --env C=3 --env D --env-file a.env --env-file b.env"
    arguments = f"--engine podman --verify-seconds 2 --builder big --builder far {build}".split()
    dockfix("--diff", "--verify", "good.Dockerfile", *arguments)
    assert asked[-1] == VerifyOptions(
        engine="podman",
        build_args={"A": "1", "B": None},
        secrets=("id=x",),
        context=Path("ctx"),
        builders=("big", "far"),
        build_network="host",
        env=("C=3", "D"),
        env_files=("a.env", "b.env"),
        seconds=2.0,
    )


def test_without_an_engine_nothing_is_written(dockfix: Run) -> None:
    code, out, err = dockfix("--write", "--verify", "--engine", "none", ".")
    assert (code, out) == (2, "")
    assert err == "dockfix: --verify: no container engine answers: install docker or podman\n"
    assert not contents()["good"]


def test_where_nothing_changes_no_engine_is_asked(dockfix: Run) -> None:
    assert dockfix("--check", "--verify", "--engine", "none", "done.Dockerfile")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "leaves_root"),
    [
        ("", True),
        ("--select silence-pip", False),
        ("--select set-user,silence-pip", True),
        ("--ignore set-user", False),
    ],
)
def test_a_rewrite_without_a_user_may_stay_roots(dockfix: Run, arguments: str, leaves_root: bool) -> None:
    dockfix("--diff", "--verify", "good.Dockerfile", *arguments.split())
    assert [case.leaves_root for case in proven] == [leaves_root]


COMPOSE = """\
services:
  web:
    build: {context: ., dockerfile: good.Dockerfile, args: {LEVEL: debug}}
  again:
    build: {context: ., dockerfile: good.Dockerfile}
  checks:
    build: {context: sub, dockerfile: ../good.Dockerfile, target: old}
"""


def test_a_file_is_proven_in_each_way_that_the_repository_builds_it(dockfix: Run) -> None:
    Path("sub").mkdir()
    Path("compose.yml").write_text(COMPOSE)
    _, _, err = dockfix("--write", "--verify", ".")
    here = Path.cwd()
    assert [(case.dockerfile.stem, case.recipe) for case in proven] == [
        ("bad", Recipe()),
        ("good", Recipe(here, None, {"LEVEL": "debug"})),
        ("good", Recipe(here / "sub", "old")),
        ("old", Recipe()),
    ]
    target = f"the original does not build: why (built with context {here / 'sub'}, target old)"
    assert f"good.Dockerfile: not proven: {target} [not-proven]" in err
    assert not contents()["good"]


def test_the_weakest_of_several_proofs_is_reported(dockfix: Run) -> None:
    Path("sub").mkdir()
    Path("compose.yml").write_text(COMPOSE.replace("target: old", "target: job"))
    _, _, err = dockfix("--write", "--verify", ".", "--report", "r.json")
    assert [case.recipe.target for case in proven if case.dockerfile.stem == "good"] == [None, "job"]
    assert "good.Dockerfile: proven (stayed up; no port answered)" in err
    rows = {row["path"]: row for row in json.loads(Path("r.json").read_text())["files"]}
    assert rows["good.Dockerfile"]["proof"]["details"]["ground"] == "stayed-up"
    assert rows["bad.Dockerfile"]["proof"]["details"]["ground"] is None
    assert contents()["good"]


def test_what_stands_inside_of_another_file_is_not_proven(dockfix: Run) -> None:
    readme = Path("README.md")
    readme.write_text("```dockerfile\nFROM a\nRUN b\n```\n")
    _, _, err = dockfix("--write", "--verify", "--embedded", "--engine", "none", "README.md")
    assert "README.md: not proven: it is embedded in another file, which cannot be built" in err
    assert "USER" not in readme.read_text()


def test_what_needs_review_is_written_if_the_proof_answers_it(dockfix: Run) -> None:
    for name, questions in {
        "good": "unknown-base",
        "bad": "unknown-base",
        "target": "works-in-root-directory\n# onbuild",
    }.items():
        Path(f"{name}.Dockerfile").write_text(f"FROM a\n# {questions}\n")
    Path("old.Dockerfile").unlink()
    code, _, err = dockfix("--write", "--verify", "--verbose", ".", "--report", "r.json")
    assert [case.dockerfile.stem for case in proven] == ["bad", "good"]
    assert contents() == {"bad": False, "done": True, "good": True, "target": False}
    assert code == 0
    shown = (
        "the proof shows that the rewrite builds and that the application starts and answers as it did before"
    )
    assert f"good.Dockerfile:1: accepted: unclear [unknown-base] ({shown})\n" in err
    assert "bad.Dockerfile:1: needs review: unclear [unknown-base] (the proof does not show that " in err
    assert "bad.Dockerfile: the rewrite breaks it: why\n" in err
    assert "target.Dockerfile:1: needs review: unclear [onbuild]\n" in err


def test_each_way_of_building_has_to_answer_a_review(dockfix: Run) -> None:
    Path("sub").mkdir()
    Path("compose.yml").write_text(COMPOSE.replace("target: old", "target: job"))
    Path("good.Dockerfile").write_text("FROM a\n# unknown-base\n# works-in-root-directory\n")
    _, _, err = dockfix("--write", "--verify", ".")
    open_one = "the proof does not show that the application starts and answers as it did before"
    assert f"good.Dockerfile:1: needs review: unclear [unknown-base] ({open_one})\n" in err
    assert "[works-in-root-directory]" not in err
    assert not contents()["good"]
