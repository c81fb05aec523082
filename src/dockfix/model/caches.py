"""Caches that a tool fills in root's home at build time and that the application reads at run time."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from dockfix.knowledge import read_table
from dockfix.model.lineage import Step

if TYPE_CHECKING:
    from dockfix.model.plan import Plan


@dataclass(frozen=True, slots=True)
class ToolCache:
    """A step that fills a cache, and the variable that moves the cache out of root's home.

    `existing`: the tool uses the directory only if it already exists.
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

    def is_filled_by(self, text: str, filled: Collection[str]) -> bool:
        """Whether a script fills the cache at its default location, according to `filled` or its text."""
        if self.variable not in filled and not self.pattern.search(text):
            return False
        is_placed = self.unless is not None and self.unless.search(text) is not None
        return not is_placed and re.search(rf"\b{self.variable}=", text) is None

    def counts_in(self, plan: Plan) -> bool:
        """Whether the image starts what reads the cache, and nothing else in the file overrides the rule."""
        if self.unless_anywhere and self.unless_anywhere.search(plan.tree.text):
            return False
        started = self.started
        starts = plan.lineage.of("CMD", "ENTRYPOINT")
        return started is None or any(started.search(step.instruction.args) for step in starts)


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
    """For each tool, the first step run as root that fills its cache while no variable sets its location."""
    found: set[str] = set()
    for step in plan.steps[: plan.user_index]:
        if step.keyword != "RUN":
            continue
        text = plan.runs[step.index].text or step.instruction.args
        filled = [variable for run, variable in plan.evidence.fills if run == text]
        for rule in _table() if filled or _may_fill(text) else ():
            if rule.variable in found or rule.variable in step.before.variables:
                continue
            if rule.is_filled_by(text, filled) and rule.counts_in(plan):
                found.add(rule.variable)
                yield ToolCache(
                    step, rule.variable, rule.directory, rule.comment, rule.writable, rule.existing
                )
