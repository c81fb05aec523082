"""Each move of `fixtures/unfinished` fails as it is, and runs as its user with the rewrite."""

from __future__ import annotations

from pathlib import Path

import pytest
from applications import build_network, engine, find_images, need_images
from unfinished_moves import UnfinishedMove, find_unfinished

from dockfix.verify import Case, Prover, VerifyOptions


@pytest.mark.engine
@pytest.mark.parametrize("move", find_unfinished(), ids=lambda move: move.name)
def test_original_fails_and_its_rewrite_runs(move: UnfinishedMove, tmp_path: Path) -> None:
    engine()
    dockerfile = move.lay_out(tmp_path)
    text = dockerfile.read_text(encoding="utf-8")
    need_images([name for name in find_images(text, {}) if name != "scratch"], {})
    with Prover(VerifyOptions(seconds=5.0, build_network=build_network())) as prover:
        case = Case(text, move.expected, dockerfile, leaves_root=False, repairs=True)
        verdict = prover.prove(case)
    assert verdict.kind == move.verdict, (str(verdict), verdict.log_tail)
    assert verdict.details.after is not None
    assert verdict.details.after.exit_code == 0
    assert 0 not in verdict.details.after.uids
