"""The replay's predictions for the same steps: the answers for each leaf, and the final tree."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from dockfix.context import ClosedFile
from dockfix.model.filetree import FileTree
from dockfix.model.lineage import Lineage, find_lineages, read_stages
from dockfix.model.lineage import Step as ReplayedStep
from dockfix.model.operations import Act, Operation
from dockfix.model.outcomes import Outcome
from dockfix.model.paths import is_within
from dockfix.model.patterns import is_pattern
from dockfix.model.permissions import Verdict
from dockfix.model.replay import SWITCHED, Replay
from dockfix.model.runs import Invocation, Run, read_run
from dockfix.options import Options
from dockfix.syntax.parser import parse
from dockfix.syntax.script import Command

from .chroots import IMAGE
from .shells import Place, Step, render
from .stages import CONTEXT, StageText

# What runs a command of its own more than once.
_REPEATS: Final = re.compile(r"\bfor \w+ in |\bwhile |\w\(\) ")


@dataclass(frozen=True)
class Prediction:
    """The prediction for one run of a leaf: its outcomes, none if it does nothing."""

    outcomes: tuple[Outcome, ...] = ()

    @property
    def is_denied(self) -> bool:
        """Whether something that it does is certainly denied."""
        return any(one.denial and not one.may_succeed for one in self.outcomes)

    def finds_nothing(self, place: str) -> bool:
        """Whether what it does at a path, if anything, is predicted to find nothing there."""
        outcomes = [one for one in self.outcomes if _concerns(one.operation, place)]
        return all(answer.verdict is Verdict.ABSENT for one in outcomes for answer in one.answers)

    @property
    def is_unknown(self) -> bool:
        """Whether it does something that is in no table."""
        return any(one.operation.act is Act.UNKNOWN for one in self.outcomes)

    @property
    def is_allowed(self) -> bool:
        """Whether nothing that it does can be denied."""
        return not any(answer.verdict is Verdict.DENIED for one in self.outcomes for answer in one.answers)


def _concerns(operation: Operation, place: str) -> bool:
    """Whether an operation may look for, or create, what a denial names."""
    if operation.act is Act.ROOT:
        return False
    return any(
        is_within(one, place) or (bool(tree := _tree_of(operation, one)) and is_within(place, tree))
        for one in (operation.path, operation.destination)
    )


def _tree_of(operation: Operation, path: str) -> str:
    """The directory whose entries an operation on a path concerns as well, "" if it is that path alone."""
    if operation.recursive:
        return path
    return posixpath.dirname(path) if path.endswith("/") or is_pattern(path) else ""


def predict_stages(stages: Sequence[StageText]) -> list[Predicted]:
    """Replay each stage of a Dockerfile on its own."""
    text = "\n".join(one.render(IMAGE) for one in stages)
    read = read_stages(parse(text), Options())
    closed = tuple(ClosedFile(path, mode) for path, mode in CONTEXT.items() if not mode & 0o004)
    return [
        _predict(Lineage((one,)), written.steps, closed=closed)
        for one, written in zip(read, stages, strict=True)
    ]


def _predict(
    lineage: Lineage,
    steps: Sequence[Step],
    before: Predicted | None = None,
    closed: tuple[ClosedFile, ...] = (),
) -> Predicted:
    earlier = before.replay if before is not None else None
    replay = Replay(lineage, range(len(lineage.steps)), before=earlier, closed=closed)
    leaves = tuple(
        dict(_leaves(replay, run, render(step.lines)[1]))
        for run, step in zip(lineage.of("RUN"), steps, strict=True)
    )
    return Predicted(leaves, replay)


def dockerfile(steps: Sequence[Step], image: str = IMAGE) -> str:
    """The steps as a Dockerfile, with multi-line scripts in heredocs."""
    text = f"FROM {image}\n"
    for step in steps:
        script, _ = render(step.lines)
        text += f"USER {step.user}\n"
        text += f"RUN <<'STEP'\n{script}\nSTEP\n" if "\n" in script else f"RUN {script}\n"
    return text


@dataclass(frozen=True)
class Predicted:
    """The predictions for each step and leaf, in the order in which the leaf runs, and the final tree."""

    leaves: tuple[dict[int, list[Prediction]], ...]
    replay: Replay

    @property
    def tree(self) -> FileTree:
        """The final tree."""
        return self.replay.tree


def predict(steps: Sequence[Step], before: Predicted | None = None) -> Predicted:
    """Replay the steps; what `before` has replayed already is taken over."""
    stages = read_stages(parse(dockerfile(steps)), Options())
    return _predict(find_lineages(stages, ())[0], steps, before)


def _leaves(
    replay: Replay, step: ReplayedStep, places: Sequence[Place]
) -> Iterator[tuple[int, list[Prediction]]]:
    outcomes: dict[int, list[Outcome]] = {}
    for one in replay.outcomes:
        if one.key.step == step.index:
            outcomes.setdefault(one.key.command % SWITCHED, []).append(one)
    home = next((one.who.home for found in outcomes.values() for one in found), "/root")
    run = read_run(step, home)
    found: dict[int, list[Prediction]] = {number: [] for number in range(len(places))}
    last: dict[int, set[int]] = {}
    for number, invocation in enumerate(run.invocations):
        leaf = _leaf_of(run, invocation, places)
        if leaf is None:
            # The `true` behind `||`.
            continue
        own = tuple(outcomes.get(number, ()))
        seen = last.setdefault(leaf, set())
        place = places[leaf]
        is_again = id(invocation.command) in seen and not _REPEATS.search(run.text[place.start : place.end])
        if not found[leaf] or is_again:
            # The leaf's first command again: the next round of a loop around it.
            seen.clear()
            found[leaf].append(Prediction(own))
        else:
            found[leaf][-1] = Prediction(found[leaf][-1].outcomes + own)
        seen.add(id(invocation.command))
    yield from found.items()


def _leaf_of(run: Run, invocation: Invocation, places: Sequence[Place]) -> int | None:
    commands = run.script.commands
    held = (one.start for one in commands if _holds(one, invocation.command))
    # What switches the user, or calls a function with a redirection, is a part of a command in the text.
    start = next(held, invocation.command.start)
    return next((number for number, place in enumerate(places) if place.start <= start < place.end), None)


def _holds(outer: Command, inner: Command) -> bool:
    if outer is inner:
        return True
    return outer.script is not None and any(_holds(one, inner) for one in outer.script.commands)
