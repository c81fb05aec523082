"""Caches that a tool fills in root's home at build time and that the application reads at run time."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from dockfix.knowledge import read_table
from dockfix.model.facts import Facts
from dockfix.model.installers import find_installer, may_install
from dockfix.model.lineage import Step

_PLACE: Final = "/usr/local/bin"
"""Where the installers of the table put their programs once their variable is set."""


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
    pattern: re.Pattern[str] | None
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
        if self.variable not in filled and not (self.pattern and self.pattern.search(text)):
            return False
        is_placed = self.unless is not None and self.unless.search(text) is not None
        return not is_placed and re.search(rf"\b{self.variable}=", text) is None

    def counts_in(self, facts: Facts) -> bool:
        """Whether the image starts what reads the cache, and nothing else in the file overrides the rule."""
        if self.unless_anywhere and self.unless_anywhere.search(facts.tree.text):
            return False
        started = self.started
        starts = facts.lineage.of("CMD", "ENTRYPOINT")
        return started is None or any(started.search(step.instruction.args) for step in starts)


@cache
def _table() -> tuple[_Rule, ...]:
    rows = read_table("homes")["move"]
    return tuple(
        _Rule(
            re.compile(row["pattern"]) if "pattern" in row else None,
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
def moving_variables() -> frozenset[str]:
    """The variables by which a cache can be moved out of root's home."""
    return frozenset(rule.variable for rule in _table())


@cache
def _any_pattern() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{rule.pattern.pattern})" for rule in _table() if rule.pattern))


@lru_cache(maxsize=4096)
def _may_fill(text: str) -> bool:
    return _any_pattern().search(text) is not None


def find_caches(facts: Facts, steps: Iterable[Step]) -> Iterator[ToolCache]:
    """For each tool, the first of root's steps that fills its cache while no variable sets its location."""
    found: set[str] = set()
    for step in steps:
        if step.keyword != "RUN":
            continue
        text = _text(facts, step)
        filled = [variable for run, variable in facts.evidence.fills if run == text]
        filled += _installed(facts, step, text)
        for rule in _table() if filled or _may_fill(text) else ():
            if rule.variable in found or rule.variable in step.before.variables:
                continue
            if rule.is_filled_by(text, filled) and rule.counts_in(facts):
                found.add(rule.variable)
                yield ToolCache(
                    step, rule.variable, rule.directory, rule.comment, rule.writable, rule.existing
                )


def find_moved_installers(facts: Facts) -> frozenset[int]:
    """The indexes of root's steps whose installer gets a place outside root's home."""
    steps = [step for step in facts.steps if step.before.is_root] if may_install(facts.tree.text) else ()
    found = find_caches(facts, steps)
    return frozenset(
        one.step.index for one in found if one.variable in _installed(facts, one.step, _text(facts, one.step))
    )


def _installed(facts: Facts, step: Step, text: str) -> list[str]:
    """The variable of the installer that a step runs, unless PATH leads elsewhere than to its new place."""
    installer = find_installer(facts.lineage, step, text)
    path = step.before.env.get("PATH")
    if installer is None or (path and _PLACE not in path.split(":")):
        return []
    return [installer.variable] if any(map(installer.is_run_by, facts.runs[step.index].invocations)) else []


def _text(facts: Facts, step: Step) -> str:
    return facts.runs[step.index].text or step.instruction.args
