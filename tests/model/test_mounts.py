"""What mounts put over the file tree during one step."""

from __future__ import annotations

import pytest
from trees import replay, show

START = "RUN mkdir -p /cache && echo > /cache/mine && chown -R 7 /cache\nUSER 7\n"

# (flags, command, whether user 7 may do it)
TRIED: list[tuple[str, str, bool]] = [
    ("", "touch /cache/x", True),
    ("--mount=type=cache,target=/cache", "touch /cache/x", False),
    ("--mount=type=cache,target=/cache,uid=7", "touch /cache/x", True),
    ("--mount=type=cache,target=/cache,mode=0777", "touch /cache/x", True),
    ("--mount=type=cache,dst=/cache", "touch /cache/x", False),
    ("--mount=type=tmpfs,target=/cache", "touch /cache/x", True),
    ("--mount=target=/cache", "touch /cache/x", False),
    ("--mount=type=cache,target=/new/cache,uid=7", "touch /new/x", False),
    ("--mount=type=secret,id=key", "cat /run/secrets/key", False),
    ("--mount=type=secret,id=key,uid=7", "cat /run/secrets/key", True),
    ("--mount=type=secret,id=key,target=/key,mode=0444", "cat /key", True),
]


@pytest.mark.parametrize(("flags", "command", "is_allowed"), TRIED)
def test_a_mount_stands_over_the_tree(flags: str, command: str, is_allowed: bool) -> None:
    denied = [one for one in replay(f"{START}RUN {flags} {command}").outcomes if one.denial]
    assert (not denied) is is_allowed


@pytest.mark.parametrize("path", ["/cache", "/cache/mine"])
def test_what_is_under_a_mount_is_there_again_afterwards(path: str) -> None:
    before = show(replay(START).tree, path)
    script = "rm -rf /cache/* && touch /cache/x"
    after = replay(f"{START}USER root\nRUN --mount=type=cache,target=/cache {script}")
    assert show(after.tree, path) == before
    assert show(after.tree, "/cache/x") == show(replay(START).tree, "/cache/x")


def test_directories_above_a_mount_stay_only_with_something_in_them() -> None:
    after = replay("RUN --mount=type=cache,target=/new/cache touch /new/cache/x")
    assert (show(after.tree, "/new"), show(after.tree, "/new/cache")) == ("absent", "absent")
    kept = replay("RUN --mount=type=cache,target=/new/cache touch /new/x")
    assert (show(kept.tree, "/new"), show(kept.tree, "/new/cache")) == ("dir 0 755", "absent")
