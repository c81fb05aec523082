"""Compare two replays: what may succeed in the original but not in the rewrite."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from dockfix.model.changes import SET_ID
from dockfix.model.filetree import BASE, START, VOLUME, Kind, Node, Origin
from dockfix.model.operations import WRITING, Act, Operation
from dockfix.model.outcomes import Key, Outcome
from dockfix.model.paths import is_within
from dockfix.model.permissions import Answer, Verdict, find_denials
from dockfix.model.replay import Replay, is_left

ON_CONTENT: Final = frozenset({Act.READ, Act.PACK, Act.RUN, Act.REPLACE, Act.COPY, Act.MOVE, Act.HOME})
"""Operations on something that exists already: the rewrite has to find the node of the same step."""


_USES: Final = {Act.READ: Act.ENTER, Act.ENTER: Act.READ}


@dataclass(frozen=True, slots=True)
class Loss:
    """An operation that may succeed in the original but is not certain to succeed in the rewrite.

    `is_made`: the obstacle was created by a step of the file, not by its base.
    """

    before: Outcome
    after: Outcome | None
    obstacle: str
    is_made: bool = False


def find_losses(original: Replay, rewrite: Replay) -> Iterator[Loss]:
    """The losses, in the order of the original."""
    after = {one.key: one for one in rewrite.outcomes}
    moved = _MovedHomes(original, rewrite)
    for before in original.outcomes:
        now = after.get(before.key) or after.get(_other_use(before.key))
        if before.may_succeed and (loss := _loss(before, now, moved)):
            yield replace(loss, is_made=loss.obstacle.startswith("/") and is_left(rewrite.end, loss.obstacle))
    yield from _lost_capabilities(original, rewrite)


def _other_use(key: Key) -> Key:
    """The key of the same use of a path, if that is a directory in the rewrite, or a file."""
    if key.step != START or key.command >= 0:
        return key
    return key._replace(act=_USES.get(key.act, key.act))


class _MovedHomes:
    """What commands of a rewrite find at paths that their tools did not search in the original."""

    def __init__(self, original: Replay, rewrite: Replay) -> None:
        self._found: dict[tuple[Origin, int], set[Origin]] = {}
        looked_at = {(_command(one), _place(one)) for one in original.outcomes}
        for one in rewrite.outcomes:
            if one.operation.act is Act.HOME and (_command(one), _place(one)) not in looked_at:
                self._found.setdefault(_command(one), set()).update(_origins(one))

    def find(self, before: Outcome) -> set[Origin]:
        """The steps whose settings or data the command finds there."""
        return self._found.get(_command(before), set())


def _command(outcome: Outcome) -> tuple[Origin, int]:
    return outcome.key.step, outcome.key.command


def _place(outcome: Outcome) -> str:
    """The path where a home's content is searched, relative to the home of the identity that searches."""
    path, home = outcome.operation.path, outcome.who.home
    return f"~{path[len(home) :]}" if is_within(path, home) else path


def _origins(outcome: Outcome) -> set[Origin]:
    return {one.origin for one in outcome.answers if one.verdict is Verdict.ALLOWED}


def _lost_capabilities(original: Replay, rewrite: Replay) -> Iterator[Loss]:
    """Files whose capabilities or set-id bits were cleared by a change of owner."""
    for path, nodes in original.end.listed().items():
        origins = {node.origin for node in nodes if is_special(node)}
        for node in rewrite.end.look(path) if origins else ():
            if node.origin in origins and not is_special(node):
                operation = Operation(Act.CAPABILITY, path)
                answers = frozenset({Answer(Verdict.ALLOWED, node.origin)})
                yield Loss(
                    Outcome(Key(START, -1, Act.CAPABILITY, 0), operation, original.who, answers, 0),
                    None,
                    path,
                )


def is_special(node: Node) -> bool:
    """Whether a change of owner would clear something: file capabilities or set-id bits."""
    bits = {Kind.FILE: SET_ID, Kind.ANY: 0o4000}.get(node.kind, 0)
    return node.capable or bool(node.mode & bits)


def _loss(before: Outcome, after: Outcome | None, moved: _MovedHomes) -> Loss | None:
    act, succeeded = before.operation.act, _origins(before)
    if act is Act.HOME:
        # A tool that now searches elsewhere may find it there.
        found = moved.find(before) | (_origins(after) if after else set())
        lost = succeeded - {BASE, START} - found
        return Loss(before, after, after.operation.path if after else "") if lost else None
    if after is None:
        # A write that moved elsewhere, or is gone, is not denied.
        return None if act in WRITING else Loss(before, None, "")
    if after.answers == before.answers:
        return None
    known = {one.origin for one in before.answers}
    still = _origins(after)
    for one in find_denials(after.answers):
        if one in before.answers and (one.origin in still or one.origin not in succeeded):
            continue
        # A node of the same step that was denied before is not a new loss.
        if one.origin in succeeded or one.origin not in known:
            return Loss(before, after, one.obstacle)
    if after.operation.act is Act.ENTER and _may_be_absent(before):
        # A directory that the rewrite makes keeps what a copy brings into it: only its content matters.
        return None
    # What the start makes by itself it makes again.
    if act in ON_CONTENT and succeeded - {BASE, VOLUME, START} - _origins(after):
        return Loss(before, after, after.operation.path)
    return None


def _may_be_absent(one: Outcome) -> bool:
    return any(answer.verdict is Verdict.ABSENT for answer in one.answers)
