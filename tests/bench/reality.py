"""How often the replay agrees with reality: random scripts, stages and rewrites, run for real."""

from __future__ import annotations

import time

from tests.reality.chroots import why_not
from tests.reality.trials import describe, try_pairs, try_scripts, try_stages

SHOWN = 10


def measure(scripts: int = 10_000, stages: int = 300, pairs: int = 200, seed: int = 0) -> str:
    """The figures, and the first disagreements of each kind."""
    parts = []
    if scripts and (reason := why_not()):
        parts.append(f"scripts: {reason}")
    elif scripts:
        start = time.monotonic()
        tried = try_scripts(range(seed, seed + scripts))
        parts.append(_part("scripts", describe(tried.counts), tried.wrong, start))
    if stages:
        start = time.monotonic()
        tried = try_stages(seed, stages)
        parts.append(_part("stages", describe(tried.counts), tried.wrong, start))
    if pairs:
        start = time.monotonic()
        tally = try_pairs(seed, pairs)
        figures = ", ".join(f"{name} {count}" for name, count in tally.outcomes.most_common())
        broken = [f"{fault}\n{pair.original}\n--- rewrite\n{pair.rewrite}" for pair, fault in tally.broken]
        parts.append(_part("rewrites", figures, broken, start))
    return "\n\n".join(parts)


def _part(title: str, figures: str, wrong: list[str], start: float) -> str:
    head = f"{title}: {len(wrong)} wrong, {time.monotonic() - start:.0f} s\n{figures}"
    return "\n\n".join((head, *wrong[:SHOWN]))
