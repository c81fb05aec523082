"""Two replays held against each other: what the original may have done and the rewrite may not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from dockfix.model.filetree import BASE, Kind, Node
from dockfix.model.operations import Act, Operation
from dockfix.model.outcomes import Key, Outcome
from dockfix.model.permissions import Answer, Verdict
from dockfix.model.replay import START, Replay

ON_CONTENT: Final = frozenset({Act.READ, Act.RUN, Act.REPLACE, Act.COPY, Act.MOVE, Act.HOME})
"""What works on something that is there already: it has to find what the same step made."""


@dataclass(frozen=True, slots=True)
class Loss:
    """An operation that may have succeeded in the original and does not surely succeed in the rewrite."""

    before: Outcome
    after: Outcome | None
    obstacle: str


def find_losses(original: Replay, rewrite: Replay) -> Iterator[Loss]:
    """What is lost, in the order of the original."""
    after = {one.key: one for one in rewrite.outcomes}
    for before in original.outcomes:
        if before.may_succeed and (loss := _loss(before, after.get(before.key))):
            yield loss
    yield from _lost_capabilities(original, rewrite)


def _lost_capabilities(original: Replay, rewrite: Replay) -> Iterator[Loss]:
    """Programs whose file capabilities or set-id bits a change of owner has cleared."""
    for path, nodes in original.end.listed().items():
        origins = {node.origin for node in nodes if _is_special(node)}
        for node in rewrite.end.look(path):
            if node.origin in origins and not _is_special(node):
                operation = Operation(Act.CAPABILITY, path)
                answers = frozenset({Answer(Verdict.ALLOWED, node.origin)})
                yield Loss(
                    Outcome(Key(START, -1, Act.CAPABILITY, 0), operation, original.who, answers, 0),
                    None,
                    path,
                )


def _is_special(node: Node) -> bool:
    return node.capable or (node.kind is Kind.FILE and bool(node.mode & 0o6000))


def _loss(before: Outcome, after: Outcome | None) -> Loss | None:
    if after is None:
        return Loss(before, None, "")
    if after.answers == before.answers:
        return None
    known = {one.origin for one in before.answers}
    succeeded = {one.origin for one in before.answers if one.verdict is Verdict.ALLOWED}
    # The deepest obstacle first: that is the one to be given away, and a set has no order of its own.
    for one in sorted(after.answers, key=lambda answer: (-len(answer.obstacle), answer.obstacle)):
        # What was denied before as well is nothing new, on the same step's thing.
        if one.verdict is Verdict.DENIED and (one.origin in succeeded or one.origin not in known):
            return Loss(before, after, one.obstacle)
    found = {one.origin for one in after.answers if one.verdict is Verdict.ALLOWED}
    if before.operation.act in ON_CONTENT and (succeeded - {BASE}) - found:
        return Loss(before, after, after.operation.path)
    return None
