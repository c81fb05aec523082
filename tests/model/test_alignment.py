"""The steps of a rewrite that match those of the original."""

from __future__ import annotations

import pytest
from plans import read_plan

from dockfix.model.alignment import align

CASES = {
    "the same": ("RUN a\nCMD b\n", "RUN a\nCMD b\n", (0, 1, 2)),
    "a new step": (
        "RUN a\nCMD b\n",
        "RUN useradd app\nRUN a\nUSER app\nCMD b\n",
        (0, "new 1", 1, "new 3", 2),
    ),
    "words added": ("RUN pip install x\n", "RUN pip install --user x\n", (0, 1)),
    "a flag added": ("COPY . .\n", "COPY --chown=app . .\n", (0, 1)),
    "another user": ("USER root\nCMD b\n", "USER app\nCMD b\n", (0, 1, 2)),
    # The first of two steps alike is new where the original's stands unchanged below it.
    "alike": ("RUN make\n", "RUN make prepare\nRUN make\n", (0, "new 1", 1)),
}


@pytest.mark.parametrize("name", CASES)
def test_aligned(name: str) -> None:
    before, after, expected = CASES[name]
    assert align(read_plan(before).steps, read_plan(after).steps) == expected
