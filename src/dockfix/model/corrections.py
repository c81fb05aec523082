"""What a replay reveals about a plan: steps that must stay root, and directories that the account needs."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from dockfix.model.filetree import START
from dockfix.model.losses import ON_CONTENT, Loss
from dockfix.model.operations import WRITING, Act
from dockfix.model.paths import STANDING_DIRECTORIES, is_ownable, is_root_home, is_system_directory


@dataclass(frozen=True, slots=True)
class Corrections:
    """`root_steps` are indexes of the original's steps, `directories` absolute paths.

    `keeps_workdir`: an image that starts in `/` keeps that as its working directory. `shares_home`: the
    start finds in its home what root's steps leave in theirs, so they get the same.
    """

    root_steps: frozenset[int] = frozenset()
    directories: frozenset[str] = frozenset()
    keeps_workdir: bool = False
    shares_home: bool = False

    def learn(
        self, losses: Sequence[Loss], own: Collection[str], *, relocates: bool, any_uid: bool = False
    ) -> Corrections:
        """These corrections, extended by those that avoid the losses, as far as any can.

        `own` are the account's directories; `relocates`: the plan gives the image a new working
        directory; `any_uid`: any uid of group 0 has to be able to start it.
        """
        if relocates and any(map(_is_of_the_old_place, losses)):
            return replace(self, keeps_workdir=True)
        if any_uid and not self.shares_home and any(map(_is_of_a_home, losses)):
            return replace(self, shares_home=True)
        steps, directories = set(self.root_steps), set(self.directories)
        for loss in losses:
            step = loss.before.key.step
            if self._can_give(loss, own, is_start=step == START):
                directories.add(_place_in_the_way(loss))
            elif isinstance(step, int):
                steps.add(step)
        return replace(self, root_steps=frozenset(steps), directories=frozenset(directories))

    def _can_give(self, loss: Loss, own: Collection[str], *, is_start: bool) -> bool:
        """Whether an ownership change of the obstructing directory helps; for build steps, only in `own`."""
        act, place = loss.before.operation.act, _place_in_the_way(loss)
        if not place.startswith("/") or place in self.directories:
            return False
        if is_start and act in (Act.READ, Act.ENTER):
            # Created by root for root alone, but read by the application.
            return loss.is_made and is_ownable(place)
        if act not in WRITING:
            return False
        if is_start:
            return is_ownable(place) and not is_system_directory(place)
        return place in own and place not in STANDING_DIRECTORIES


def _place_in_the_way(loss: Loss) -> str:
    """The directory with the wrong owner; what the start creates can be created for it beforehand."""
    operation = loss.before.operation
    is_made = operation.act is Act.MAKE and loss.before.key.step == START
    if is_made and loss.obstacle != operation.path:
        return operation.path
    is_new = operation.act is Act.WRITE and bool(operation.spec) and not loss.is_made
    # A file that nobody made needs a directory to stand in.
    return posixpath.dirname(loss.obstacle) if is_new and loss.obstacle == operation.path else loss.obstacle


def _is_of_the_old_place(loss: Loss) -> bool:
    """Whether the loss is that something outside of homes is no longer found."""
    operation = loss.before.operation
    finds = operation.act in (*ON_CONTENT, Act.ENTER) and operation.act is not Act.HOME
    return finds and not is_root_home(operation.path)


def _is_of_a_home(loss: Loss) -> bool:
    """Whether the loss is that the start no longer finds what a step left in a home."""
    return loss.before.key.step == START and loss.before.operation.act is Act.HOME


NOTHING_LEARNED: Final = Corrections()
