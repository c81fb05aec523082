"""Scripts, stages and pairs by seed, run for real: their disagreements with the replay, and counts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from .builds import MAX_STAGES, build, laboratory, lay_out, uses
from .chroots import IMAGE, chroot, exported
from .comparing import Counts, Disagreement, examine, examine_stage
from .pairs import Tally, prove, rewrite, write_original
from .predictions import predict_stages
from .scripts import first_step, next_step, survey
from .shells import render
from .stages import write_stages

_STEPS = (5, 12)


@dataclass
class Trials:
    """What was tried, and each disagreement: a text with the seed, what ran and what is wrong."""

    counts: Counts = field(default_factory=Counts)
    wrong: list[str] = field(default_factory=list)


def try_scripts(seeds: Iterable[int]) -> Trials:
    """Run each seed's steps, in a chroot of their own."""
    trials = Trials()
    with exported() as lower:
        for seed in seeds:
            random = Random(seed)
            todo = iter((first_step(random),))
            with chroot(lower) as root:
                found = examine(
                    root,
                    random.randint(*_STEPS),
                    lambda todo=todo, random=random, root=root: (
                        next(todo, None)  # type: ignore[misc]
                        or next_step(random, survey(root))
                    ),
                    trials.counts,
                )
            shown = "\n".join(f"[{step.user}]\n{render(step.lines)[0]}" for step in found.steps)
            trials.wrong += _told(f"script {seed}", shown, found.found)
    return trials


def try_stages(seed: int, count: int, batch: int = MAX_STAGES // 2) -> Trials:
    """Build that many stages in batches: the first has the seed, the next ones the numbers after it."""
    trials = Trials()
    with laboratory() as context:
        for at in range(0, count, batch):
            stages = write_stages(Random(seed + at), min(batch, count - at))
            reports = build(stages, context)
            open_ended: set[str] = set()
            for stage, predicted in zip(stages, predict_stages(stages), strict=True):
                if stage.name not in reports or uses(stage, open_ended):
                    open_ended.add(stage.name)
                    continue
                found = examine_stage(stage, predicted, reports[stage.name], trials.counts)
                open_ended |= {stage.name} if found is None else set()
                trials.wrong += _told(f"batch {seed + at}", stage.render(IMAGE), found or ())
    return trials


def try_pairs(seed: int, count: int) -> Tally:
    """Build and start that many safe rewrites and their originals."""
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="dockfix-reality-") as folder:
        context = Path(folder) / Path(folder).name
        lay_out(context)
        originals = (write_original(Random(seed + number)) for number in range(count * 20))
        found = (pair for original in originals if (pair := rewrite(original, context, tally)) is not None)
        prove([pair for pair, _ in zip(found, range(count), strict=False)], context, tally)
    return tally


def _told(name: str, shown: str, found: Iterable[Disagreement]) -> Iterator[str]:
    for one in found:
        yield f"{name}: {one.kind}: {one.detail}\n{shown}"


def describe(counts: Counts) -> str:
    """The figures in a few lines."""
    compared = f"{counts.kept} steps compared to their end, {counts.undone} as far as they went"
    lines = [f"{counts.scripts} tried, {compared}"]
    for title, found in (("commands", counts.commands), ("paths", counts.paths)):
        total = sum(found.values()) or 1
        shares = ", ".join(f"{name} {number} ({number / total:.1%})" for name, number in found.most_common())
        lines.append(f"{total} {title}: {shares}")
    return "\n".join(lines)
