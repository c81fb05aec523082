from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from dockfix.checks import codes
from dockfix.files.candidates import Candidate
from dockfix.learned import NOTHING, Learned
from dockfix.options.request import VerifyOptions
from dockfix.results import Changed, Finding
from dockfix.runner.outcome import FileResult
from dockfix.runner.verdict import Details, Kind, Observation, Verdict
from dockfix.verify import Case, Prover
from dockfix.verify.rounds import Tried, read_for_proof, try_again

CANDIDATE = Candidate("Dockerfile", "/r/Dockerfile")
SEEN = Observation("", "/root", "/app", "", up=True, exit_code=None, seconds=1.0, log_tail=())


def file(text: str, *reviews: Finding) -> FileResult:
    return FileResult("Dockerfile", Changed(text, ("set-user",), reviews), b"FROM a\n", not reviews)


def verdict(needs: tuple[str, ...], text: str) -> Verdict:
    """What proves a text that names all of the folders needed, else lacks the next one."""
    lacking = [path for path in needs if path not in text]
    if not lacking:
        return Verdict(Kind.PROVEN, "Dockerfile")
    before = replace(SEEN, wrote=needs)
    after = replace(SEEN, unwritable=(lacking[0],))
    return Verdict(
        Kind.BREAKS, "Dockerfile", details=Details(reason=f"lacks {lacking[0]}", before=before, after=after)
    )


class Engine:
    """Proves by the text alone."""

    def __init__(self, *needs: str) -> None:
        self.needs = needs
        self.options = VerifyOptions()

    def prove(self, case: Case) -> Verdict:
        return verdict(self.needs, case.rewritten)

    def observe_again(self, case: Case, after: Observation | None) -> Observation:
        return replace(SEEN, wrote=self.needs)


def refix(candidate: Candidate, learned: Learned) -> FileResult:
    return file(f"FROM a\nRUN chown {' '.join(learned.writes)}\nUSER u\n")


def run(
    needs: tuple[str, ...], refix: Callable[[Candidate, Learned], FileResult] = refix
) -> tuple[Tried, list[str]]:
    shown: list[str] = []
    text = "FROM a\nUSER u\n"
    first = Tried(file(text), [Case("FROM a\n", text, Path("Dockerfile"))], verdict(needs, text))
    prover = cast(Prover, Engine(*needs))
    return try_again(CANDIDATE, first, prover, refix, shown.append), shown


@pytest.mark.parametrize(
    ("count", "rounds", "proven"), [(0, 0, True), (1, 1, True), (3, 3, True), (4, 3, False)]
)
def test_a_file_is_tried_again_with_what_its_proof_taught(count: int, rounds: int, proven: bool) -> None:
    needs = tuple(f"/data{number}/db" for number in range(count))
    tried, shown = run(needs)
    assert tried.verdict.proven is proven
    assert len(shown) == rounds
    if count == 1:
        assert shown == ["Dockerfile: round 1: lacks /data0/db; tried again, as it writes /data0/db"]
    result = tried.file.result
    assert isinstance(result, Changed)
    assert [path for path in needs[:rounds] if path not in result.text] == []


def test_a_rewrite_that_stays_the_same_is_not_tried_again() -> None:
    tried, shown = run(("/data/db",), lambda _, __: file("FROM a\nUSER u\n"))
    assert (tried.verdict.kind, shown) == (Kind.BREAKS, [])


def test_what_the_last_proof_taught_is_known_without_another_rewrite() -> None:
    class Reading(Engine):
        def observe_again(self, case: Case, after: Observation | None) -> Observation:
            return replace(SEEN, read=("/root/.shop/settings",))

    text = "FROM a\nUSER u\n"
    after = replace(SEEN, home="/home/u")
    broken = Verdict(Kind.BREAKS, "Dockerfile", details=Details(before=SEEN, after=after))
    first = Tried(file(text), [Case("FROM a\n", text, Path("Dockerfile"))], broken)
    prover = cast(Prover, Reading())
    tried = try_again(CANDIDATE, first, prover, lambda _, __: file(text), lambda _: None)
    assert tried.learned == Learned(reads=("~/.shop",))


def test_a_change_that_waits_for_a_review_is_made_with_all_evidence_first() -> None:
    waits = file("FROM a\nUSER u\n", Finding(codes.UNKNOWN_BASE, 1, "unknown"))
    asked: list[Learned] = []

    def read(candidate: Candidate, learned: Learned) -> FileResult:
        asked.append(learned)
        return replace(waits, result=replace(cast(Changed, waits.result), text="more"))

    assert cast(Changed, read_for_proof(CANDIDATE, waits, read).result).text == "more"
    assert asked == [NOTHING]
    safe = file("FROM a\nUSER u\n")
    assert read_for_proof(CANDIDATE, safe, read) is safe
    refused = file("x", Finding(codes.UNKNOWN_BASE, 1, "unknown"), Finding(codes.ONBUILD, 1, "onbuild"))
    assert read_for_proof(CANDIDATE, waits, lambda _, __: refused) is waits
    assert len(asked) == 1
