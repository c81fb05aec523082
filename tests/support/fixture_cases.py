"""The cases of fixtures/ and dockfix's findings for each, whatever the kind of folder."""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from fixture_runs import Shown, read_run, run

from dockfix import Changed, Context, Failed, Options, Result, Skipped, Unchanged, fix
from dockfix.checks import codes
from dockfix.checks.guarantees import check_guarantees
from dockfix.files.build_context import describe_context
from dockfix.model.lineage import find_lineages, read_stages
from dockfix.model.plan import Plan
from dockfix.pipeline import NAMES
from dockfix.results import Finding, Kind
from dockfix.syntax.parser import parse

FIXTURES: Final = Path(__file__).parents[2] / "fixtures"
KEYS: Final = frozenset(
    {"about", "result", "codes", "notes", "pitfalls", "covers", "options", "context", "siblings", "path"}
)


@dataclass(frozen=True)
class Case:
    """One folder: the file before, the options, and the expected result."""

    name: str
    about: str
    before: str
    after: str | None
    result: str
    options: Options
    context: Context
    codes: tuple[str, ...]
    notes: frozenset[str]
    pitfalls: frozenset[str]
    covers: frozenset[str]

    def fix(self, text: str) -> Result:
        """The result of dockfix for `text` with the options of this case."""
        return fix(text, self.options, self.context)


def read_case(name: str) -> Case:
    folder = FIXTURES / "cases" / name
    case = tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))
    assert not case.keys() - KEYS, f"unknown keys in {name}/case.toml"
    after = folder / "after.Dockerfile"
    options: dict[str, Any] = {**case.get("options", {})}
    for key, kind in (("select", frozenset), ("ignore", frozenset), ("targets", tuple)):
        if key in options:
            options[key] = kind(options[key])
    return Case(
        name,
        case["about"],
        (folder / "before.Dockerfile").read_bytes().decode(),
        after.read_bytes().decode() if after.exists() else None,
        case["result"],
        Options(**options),
        Context(
            case.get("path", "Dockerfile"), frozenset(case.get("siblings", ())), case.get("context", {}).get
        ),
        tuple(sorted(case.get("codes", ()))),
        frozenset(case.get("notes", ())),
        frozenset(case.get("pitfalls", ())),
        frozenset(case.get("covers", ())),
    )


@cache
def shown_by(case: str) -> tuple[Shown, ...]:
    """The findings for the case at that path below fixtures/, whose first part is its family."""
    family, _, name = case.partition("/")
    if family == "cases":
        one = read_case(name)
        return tuple(_of_result(one.context.path, one.fix(one.before)))
    if family == "evidence":
        path = FIXTURES / case / "Dockerfile"
        text = path.read_text(encoding="utf-8")
        return tuple(_of_result("Dockerfile", fix(text, Options(unsafe=True), describe_context(str(path)))))
    if family == "guarantees":
        return tuple(_of_broken(FIXTURES / case))
    with tempfile.TemporaryDirectory() as folder:
        return tuple(run(read_run(name), Path(folder).resolve()))


def _of_result(path: str, result: Result) -> Iterator[Shown]:
    match result:
        case Changed(reviews=reviews, notes=notes):
            yield Shown(path, Kind.CHANGE, Finding(codes.RUNS_AS_ROOT, 0, codes.RUNS_AS_ROOT.summary))
            yield from (Shown(path, Kind.REVIEW, one) for one in reviews)
            yield from (Shown(path, Kind.NOTE, one) for one in notes)
        case Unchanged(notes=notes):
            yield from (Shown(path, Kind.NOTE, one) for one in notes)
        case Skipped(reasons=reasons):
            yield from (Shown(path, Kind.REFUSAL, one) for one in reasons)
        case Failed(error=error):
            yield Shown(path, Kind.FAILURE, error)


def _of_broken(folder: Path) -> Iterator[Shown]:
    """The guarantees' findings for a rewrite that was broken by hand."""
    facts = tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))
    options = Options(**facts.get("options", {}))
    before, broken = (_read_plan(folder / f"{name}.Dockerfile", options) for name in ("before", "broken"))
    for finding in check_guarantees(before, broken, NAMES):
        yield Shown("Dockerfile", Kind.GUARANTEE, finding)


def _read_plan(path: Path, options: Options) -> Plan:
    tree = parse(path.read_text(encoding="utf-8"))
    stages = read_stages(tree, options)
    return Plan(tree, stages, find_lineages(stages, ())[0], options, Context())
