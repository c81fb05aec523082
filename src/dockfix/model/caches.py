"""Caches that a tool fills in root's home at build time and the application reads at run time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from dockfix.knowledge import read_table
from dockfix.model.lineage import Step

if TYPE_CHECKING:
    from dockfix.model.plan import Plan


@dataclass(frozen=True, slots=True)
class ToolCache:
    """A step that fills a cache, and the variable that puts the cache outside root's home."""

    step: Step
    variable: str
    directory: str
    comment: str
    writable: bool


@cache
def _table() -> tuple[tuple[re.Pattern[str], re.Pattern[str] | None, dict[str, object]], ...]:
    rows = read_table("caches")["cache"]
    return tuple(
        (re.compile(row["pattern"]), re.compile(row["unless"]) if "unless" in row else None, row)
        for row in rows
    )


def find_caches(plan: Plan) -> Iterator[ToolCache]:
    """For each tool, the first root's step that fills its cache while no variable says where."""
    told: set[str] = set()
    for step in plan.steps[: plan.switch]:
        if step.keyword != "RUN":
            continue
        text = plan.runs[step.index].text or step.instruction.args
        for pattern, unless, row in _table():
            variable = str(row["variable"])
            if variable in told or variable in step.before.variables or not pattern.search(text):
                continue
            if (unless and unless.search(text)) or re.search(rf"\b{variable}=", text):
                continue
            told.add(variable)
            yield ToolCache(
                step, variable, str(row["directory"]), str(row["comment"]), bool(row.get("writable"))
            )
