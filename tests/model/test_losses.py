"""What a rewrite can no longer do, by replaying each text."""

from __future__ import annotations

import pytest
from plans import read_plan

from dockfix.model.alignment import align
from dockfix.model.losses import find_losses
from dockfix.model.replay import Replay

USER = "RUN useradd --create-home app\nUSER app\n"


def losses(before: str, after: str) -> list[tuple[str, str]]:
    """(operation and path, obstacle) of each loss."""
    original, rewrite = read_plan(before), read_plan(after)
    replay = Replay(rewrite.lineage, align(original.steps, rewrite.steps), rewrite.starting.invocations)
    found = find_losses(original.replay, replay)
    return [(f"{one.before.operation.act} {one.before.operation.path}", one.obstacle) for one in found]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("RUN mkdir /data\n", "RUN mkdir /data\n" + USER, []),
        ("RUN mkdir /data\n", USER + "RUN mkdir /data\n", [("makes /data", "/")]),
        ("RUN mkdir /tmp/x\n", USER + "RUN mkdir /tmp/x\n", []),
        # What is certain to be there already cannot be made.
        ("RUN mkdir /srv/x\n", "RUN mkdir -p /srv/x\nRUN mkdir /srv/x\n", [("makes /srv/x", "/srv/x")]),
        # What was denied before is not lost.
        ("USER nobody\nRUN mkdir /data\n", "USER nobody\nRUN mkdir /data\n", []),
        # A change of owner clears capabilities, whoever makes it.
        (
            "COPY f /f\nRUN setcap cap_net_raw+ep /f\n",
            "COPY f /f\nRUN setcap cap_net_raw+ep /f\nRUN chown 7:7 /f\n",
            [("gives capabilities to /f", "/f")],
        ),
    ],
)
def test_lost(before: str, after: str, expected: list[tuple[str, str]]) -> None:
    assert losses(before, after) == expected
