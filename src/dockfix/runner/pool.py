"""Process files in confined processes: in order, in constant memory; a bad file affects only itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from dockfix.checks import codes
from dockfix.confined import Known, Loss, finding_of, renew, work_all
from dockfix.confined import work as work_alone
from dockfix.options import Options
from dockfix.results import Changed, Finding
from dockfix.runner import outcome
from dockfix.runner.jobs import Item, Job, Reply, lose, work

DEFAULT_SECONDS: Final = 10.0


def fix_all(
    items: Iterable[Item], count: int, seconds: float = DEFAULT_SECONDS
) -> Iterator[tuple[Item, Reply]]:
    """Each item with its reply, in order; items that are replies already are passed through.

    A file that takes longer than `seconds`, takes too much memory, or kills its process fails alone. If
    that happens while its sources are read, it is fixed without them.
    """
    taken: deque[Item] = deque()

    def things() -> Iterator[Job | Known[Reply]]:
        for item in items:
            taken.append(item)
            yield Known(item) if isinstance(item, Reply) else item

    if count > 1:
        outcome.load_core()  # once here instead of once in each process
        renew()
    for found in work_all(work, things(), seconds=seconds, count=count):
        item = taken.popleft()
        if isinstance(item, Job) and isinstance(found, Loss):
            yield item, _do_without_evidence(item, found, seconds)
        else:
            assert isinstance(found, Reply)
            yield item, found


def _do_without_evidence(job: Job, loss: Loss, seconds: float) -> Reply:
    """The reply for a lost file after another attempt without its sources."""
    found = finding_of(loss, seconds)
    if job.options.evidence and not job.embedded:
        alone = replace(job, options=replace(job.options, evidence=False))
        reply = work_alone(work, alone, seconds=seconds)
        if isinstance(reply, Reply):
            unread = Finding(codes.EVIDENCE_CUT, 0, f"its sources were not read: {found.message}", found.help)
            return _with_review(reply, unread, job.options)
    return lose(job, found)


def _with_review(reply: Reply, finding: Finding, options: Options) -> Reply:
    """The reply with another review, unless that is accepted; it is not cached."""
    result = reply.file.result
    if isinstance(result, Changed):
        if finding.code in options.accept:
            result = replace(result, accepted=(*result.accepted, finding))
        else:
            result = replace(result, reviews=(*result.reviews, finding))
    file = replace(reply.file, result=result, applies=outcome.applies(result, options))
    return Reply(file, reply.around, is_final=False)
