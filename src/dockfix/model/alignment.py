"""Match the steps of a rewrite with those of the original by comparing their text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dockfix.model.filetree import ADDED, Origin
from dockfix.model.lineage import Step

_SET_ANEW = ("USER", "WORKDIR")
_WORD = re.compile(r"[^\s;&|()]+")


def align(before: Sequence[Step], after: Sequence[Step]) -> tuple[Origin, ...]:
    """For each step of the rewrite, the index of the original step, or a unique name if the step is new.

    Order is preserved. A step that also occurs unchanged further down is not matched with an earlier
    look-alike.
    """
    found: list[Origin] = []
    at = 0
    for index, step in enumerate(after):
        wanted = before[at] if at < len(before) else None
        if wanted and _is_same(step, wanted) and not _comes_later(wanted, step, after[index + 1 :]):
            found.append(wanted.index)
            at += 1
        else:
            found.append(f"{ADDED}{index}")
    return tuple(found)


def _comes_later(wanted: Step, candidate: Step, rest: Sequence[Step]) -> bool:
    if candidate.instruction.args == wanted.instruction.args:
        return False
    return any(
        one.keyword == wanted.keyword and one.instruction.args == wanted.instruction.args for one in rest
    )


def _is_same(step: Step, wanted: Step) -> bool:
    if step.keyword != wanted.keyword:
        return False
    if step.keyword in _SET_ANEW or step.instruction.args == wanted.instruction.args:
        return True
    words = iter(_WORD.findall(step.instruction.args))
    return all(
        word in words
        for word in _WORD.findall(wanted.instruction.args)
        if "/" not in word and "--user" not in word
    )
