"""Results do not depend on the order of sets in a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = """
import sys
from pathlib import Path
from random import Random

from dockfix import Context, fix
from tests.bench.dockerfiles import generate
from tests.reality.pairs import write_original

texts = [path.read_text() for path in sorted(Path("fixtures/cases").glob("*/before.Dockerfile"))[::5]]
texts += [generate(seed) for seed in range(10)]
texts += [write_original(Random(seed)) for seed in range(30)]
print(len(texts))
for text in texts:
    print(ascii(fix(text, context=Context())))
"""


def results(seed: str) -> list[str]:
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return run.stdout.splitlines()


@pytest.mark.integration
def test_result_is_the_same_under_every_hash_seed() -> None:
    expected = results("0")
    assert len(expected) > 60
    assert results("1") == expected
