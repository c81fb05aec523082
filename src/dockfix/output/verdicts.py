"""The verdicts of proofs as a summary prints them; only runs that prove load this module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dockfix.runner.verdict import Kind, Verdict

_STYLES: Final = {Kind.PROVEN: "green", Kind.REPAIRED: "green", Kind.BREAKS: "bold red"}
_NAMES: Final = {
    Kind.PROVEN: "proven",
    Kind.REPAIRED: "repaired",
    Kind.BREAKS: "broken",
    Kind.INCOMPARABLE: "cannot be compared",
    Kind.ORIGINAL_FAILS: "not built",
}


def style_of(verdict: Verdict) -> str:
    """The style in which a verdict is printed."""
    return _STYLES.get(verdict.kind, "yellow")


def log_of(verdict: Verdict) -> tuple[str, ...]:
    """The lines of the log that show why something failed."""
    return verdict.log_tail if verdict.kind in (Kind.BREAKS, Kind.ORIGINAL_FAILS) else ()


def format_counts(counts: Mapping[Kind, int]) -> str:
    """How many proofs came out in which way; repairs are left out if there were none."""
    shown = [kind for kind in _NAMES if counts.get(kind) or kind is not Kind.REPAIRED]
    return ", ".join(f"{counts.get(kind, 0)} {_NAMES[kind]}" for kind in shown)
