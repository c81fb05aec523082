"""Walk through one image of a file: who runs what, where root ends, what each edit is for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from dockfix.explain.edit_notes import ChangedImage
from dockfix.explain.standing import find_owners
from dockfix.explain.walk import EditNote, Effect, ImageWalk, StepWalk
from dockfix.lazy import cached_property
from dockfix.model.copies import Copy
from dockfix.model.filetree import START, Origin
from dockfix.model.images import Image
from dockfix.model.lineage import Step
from dockfix.model.operations import Act, Operation
from dockfix.model.outcomes import Outcome, describe
from dockfix.model.paths import resolve
from dockfix.model.plan import Plan
from dockfix.model.replay import Replay
from dockfix.pipeline import ImageFix
from dockfix.provenance import Change

_BY_REASON: Final = (Act.ROOT, Act.UNKNOWN)
_WITH_TARGET: Final = (Act.COPY, Act.MOVE, Act.LINK, Act.MODE, Act.OWN, Act.CAPABILITY)


def walk_image(fixed: ImageFix, line_on_disk: Callable[[int], int]) -> ImageWalk:
    """The walk of one image; `line_on_disk` maps a line of the plan's text to the file's."""
    return _ImageWalker(fixed, line_on_disk).walk()


@dataclass(frozen=True, eq=False)
class _ImageWalker:
    fixed: ImageFix
    line_on_disk: Callable[[int], int]

    @cached_property
    def plan(self) -> Plan:
        """The original, as read for the last attempt at a rewrite."""
        rewrite = self.fixed.rewrite
        original = self.fixed.original
        return original if rewrite is None else original.corrected(rewrite.plan.corrections)

    @cached_property
    def after(self) -> Plan | None:
        """The rewrite, if there is one that changes who runs the image."""
        rewrite = self.fixed.rewrite
        return rewrite.plan if rewrite is not None and rewrite.names else None

    @cached_property
    def new_steps(self) -> dict[Origin, Step]:
        """The steps of the rewrite by those of the original."""
        if self.after is None:
            return {}
        return dict(zip(self.after.origins, self.after.steps, strict=True))

    def walk(self) -> ImageWalk:
        """The whole walk."""
        boundary, line = self._boundary()
        stage = self.plan.lineage.final
        edits = self._edits()
        steps = tuple(self._step(step, edits.pop(step.index, ())) for step in self.plan.steps)
        return ImageWalk(
            stage.name or str(stage.index),
            self.plan.lineage.stages[0].reference,
            describe_base(self.plan.lineage.image),
            _name(self.plan.lineage.end.user),
            _name(self.after.lineage.end.user) if self.after is not None else "",
            boundary,
            line,
            steps,
            tuple(self._effects(START)),
            edits.pop(-1, ()),
        )

    def _boundary(self) -> tuple[str, int]:
        """(sentence on where root stops being needed, the last line that needs it)."""
        plan = self.plan
        if plan.runs_as_user:
            index = plan.user_index
            line = self._line(plan.steps[max(index - 1, 0)])
            return f"The image runs as {_name(plan.lineage.end.user)} already, from line {line} on.", line
        needed = [index for index in plan.root_runs if index < plan.user_index]
        user = plan.account.user
        below = f" What follows runs as {user}." if self.after is not None else ""
        if needed and needed[-1] == plan.user_index - 1:
            line = self._line(plan.steps[needed[-1]])
            reason = self._reason(needed[-1])
            return f"Root is needed up to line {line}: {reason}.{below}", line
        if plan.user_index and plan.steps[plan.user_index - 1].keyword in ("USER", "RUN"):
            line = self._line(plan.steps[plan.user_index - 1])
            what = plan.steps[plan.user_index - 1].keyword
            why = "sets the user" if what == "USER" else "changes what a step of root's made"
            return f"Root is needed up to line {line}, which {why}.{below}", line
        return "No step needs root" + (f": all run as {user}." if self.after is not None else "."), 0

    def _reason(self, index: int) -> str:
        """Why a step needs root, with the command that does."""
        reason = self.plan.root_runs[index]
        found = [one for one in self.plan.replay.outcomes if one.key.step == index and one.command]
        named = next((one.command for one in found if describe(one) == reason), "")
        return f"{named} {reason}" if named else reason

    def _line(self, step: Step) -> int:
        return self.line_on_disk(step.instruction.line)

    def _step(self, step: Step, edits: tuple[EditNote, ...]) -> StepWalk:
        new = self.new_steps.get(step.index)
        instruction = step.instruction
        return StepWalk(
            self._line(step),
            self._line(step) + instruction.last_line - instruction.line,
            step.keyword,
            str(instruction).rstrip("\r\n"),
            _name(step.before.user),
            _name(new.before.user) if new is not None else "",
            step.before.workdir,
            self._reason(step.index) if step.index in self.plan.root_runs else "",
            tuple(self._effects(step.index)),
            tuple(self._owners(step, new)),
            edits,
        )

    def _effects(self, origin: Origin) -> Iterator[Effect]:
        """The distinct effects of the commands of a step, or of the start."""
        after = self.after.replay.outcomes if self.after is not None else ()
        new = {one.key: one for one in after if one.key.step == origin}
        found = (one for one in self.plan.replay.outcomes if one.key.step == origin)
        yield from dict.fromkeys(_effect(one, new.get(one.key)) for one in found)

    def _owners(self, step: Step, new: Step | None) -> Iterator[tuple[str, str, str]]:
        """(path, owner before, owner after) of what a COPY, ADD or WORKDIR creates."""
        if step.keyword not in ("COPY", "ADD", "WORKDIR"):
            return
        before = _owners_of(self.plan.replay, step)
        after = _owners_of(self.after.replay, step) if self.after is not None and new is not None else ""
        if before or after:
            path = _destination(new or step)
            yield path, before, after

    def _edits(self) -> dict[int, tuple[EditNote, ...]]:
        """The edits by the index of the step that they precede or are in; -1 for those after the last."""
        rewrite = self.fixed.rewrite
        if rewrite is None or self.after is None:
            return {}
        image = ChangedImage(self.fixed, rewrite)
        found: dict[int, tuple[EditNote, ...]] = {}
        for change in image.provenance.changes:
            step = self._step_at(change)
            index = step.index if step is not None else -1
            found[index] = (*found.get(index, ()), image.note(change, self.line_on_disk))
        return found

    def _step_at(self, change: Change) -> Step | None:
        """The step in which a change begins, or the next one; None after the last."""
        return next((one for one in self.plan.steps if change.start < one.instruction.end), None)


def _effect(outcome: Outcome, new: Outcome | None) -> Effect:
    operation = outcome.operation
    denial = new.denial.obstacle or "needs root" if new is not None and new.denial else ""
    if operation.act in _BY_REASON:
        return Effect(outcome.command, operation.spec or operation.act, denial=denial)
    place, moved = _place(operation), _place(new.operation) if new is not None else ""
    return Effect(outcome.command, operation.act, place, moved if moved != place else "", denial)


def _place(operation: Operation) -> str:
    has_target = operation.act in _WITH_TARGET and operation.spec
    return f"{operation.path} to {operation.spec}" if has_target else operation.path


def _owners_of(replay: Replay, step: Step) -> str:
    return " or ".join(find_owners(replay, step.index))


def _destination(step: Step) -> str:
    if step.keyword == "WORKDIR":
        return resolve(step.expand(step.instruction.args), step.before.workdir)
    return Copy(step).destination


def _name(user: str) -> str:
    return user or "root"


def describe_base(image: Image) -> str:
    """What is known about a base, in a few words."""
    if not image.known:
        return "dockfix does not know this image"
    python = {
        "image": "with a Python of its own",
        "system": "with the system's Python",
        "conda": "with conda",
    }
    known = f"inspected: {image.facts.digest[:19]}" if image.facts is not None else ""
    parts = [
        f"{image.family} {image.release}".strip(),
        python.get(image.python, ""),
        f"starts as {image.user}",
        known,
    ]
    return ", ".join(filter(None, parts))
