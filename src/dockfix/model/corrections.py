"""What a replay teaches about a plan: steps that have to stay root's, directories that the account needs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from dockfix.model.losses import ON_CONTENT, Loss
from dockfix.model.operations import WRITING, Act
from dockfix.model.paths import is_ownable, is_root_home, is_system_directory
from dockfix.model.replay import START


@dataclass(frozen=True, slots=True)
class Corrections:
    """`root_steps` are numbers of the original's steps; `directories` absolute paths.

    `keeps_workdir`: what works in `/` stays there.
    """

    root_steps: frozenset[int] = frozenset()
    directories: frozenset[str] = frozenset()
    keeps_workdir: bool = False

    def learn(self, losses: Sequence[Loss], own: Collection[str], *, relocates: bool) -> Corrections:
        """The corrections that would avoid the losses, where any would.

        `own` are the account's places; `relocates`: the image got a working directory of its own.
        """
        if relocates and any(map(_is_of_the_old_place, losses)):
            return replace(self, keeps_workdir=True)
        steps, directories = set(self.root_steps), set(self.directories)
        for loss in losses:
            step = loss.before.key.step
            if self._can_give(loss, own, is_start=step == START):
                directories.add(loss.obstacle)
            elif isinstance(step, int):
                steps.add(step)
        return replace(self, root_steps=frozenset(steps), directories=frozenset(directories))

    def _can_give(self, loss: Loss, own: Collection[str], *, is_start: bool) -> bool:
        """Whether an ownership change of the directory in the way helps: not for steps elsewhere."""
        act, place = loss.before.operation.act, loss.obstacle
        if act not in WRITING or not place.startswith("/") or place in self.directories:
            return False
        return is_ownable(place) and not is_system_directory(place) and (is_start or place in own)


def _is_of_the_old_place(loss: Loss) -> bool:
    """Whether something is not found any more that is no matter of a home."""
    operation = loss.before.operation
    finds = operation.act in (*ON_CONTENT, Act.ENTER) and operation.act is not Act.HOME
    return finds and not is_root_home(operation.path)


NOTHING_LEARNED: Final = Corrections()
