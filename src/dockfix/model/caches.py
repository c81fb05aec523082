"""Caches that a tool fills in root's home at build time and the application reads at run time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from dockfix.knowledge import read_table
from dockfix.model.lineage import Step

if TYPE_CHECKING:
    from dockfix.model.plan import Plan


@dataclass(frozen=True, slots=True)
class ToolCache:
    """A step that fills a cache, and the variable that puts the cache outside root's home.

    `existing`: the tool takes the directory only where it is there already.
    """

    step: Step
    variable: str
    directory: str
    comment: str
    writable: bool
    existing: bool


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None
    unless_anywhere: re.Pattern[str] | None
    started: re.Pattern[str] | None
    variable: str
    directory: str
    comment: str
    writable: bool
    existing: bool


@cache
def _table() -> tuple[_Rule, ...]:
    rows = read_table("homes")["move"]
    return tuple(
        _Rule(
            re.compile(row["pattern"]),
            re.compile(row["unless"]) if "unless" in row else None,
            re.compile(row["unless_anywhere"]) if "unless_anywhere" in row else None,
            re.compile(row["started"]) if "started" in row else None,
            row["variable"],
            row["value"],
            row["comment"],
            row.get("writable", False),
            row.get("existing", False),
        )
        for row in rows
    )


@cache
def _any_pattern() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{rule.pattern.pattern})" for rule in _table()))


@lru_cache(maxsize=4096)
def _may_fill(text: str) -> bool:
    return _any_pattern().search(text) is not None


def find_caches(plan: Plan) -> Iterator[ToolCache]:
    """For each tool, the first root's step that fills its cache while nothing says where."""
    told: set[str] = set()
    starts = [step.instruction.args for step in plan.lineage.of("CMD", "ENTRYPOINT")]
    for step in plan.steps[: plan.user_index]:
        if step.keyword != "RUN":
            continue
        text = plan.runs[step.index].text or step.instruction.args
        filled = [variable for run, variable in plan.evidence.fills if run == text]
        for rule in _table() if filled or _may_fill(text) else ():
            if rule.variable in told or rule.variable in step.before.variables:
                continue
            if rule.variable not in filled and not rule.pattern.search(text):
                continue
            if (rule.unless and rule.unless.search(text)) or re.search(rf"\b{rule.variable}=", text):
                continue
            if rule.unless_anywhere and rule.unless_anywhere.search(plan.tree.text):
                continue
            if rule.started and not any(rule.started.search(args) for args in starts):
                continue
            told.add(rule.variable)
            yield ToolCache(step, rule.variable, rule.directory, rule.comment, rule.writable, rule.existing)
