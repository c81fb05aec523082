"""A fix for tests of what surrounds it: it knows one transform, and takes its orders from the text."""

from __future__ import annotations

from dockfix.checks import codes
from dockfix.context import Context
from dockfix.options import Options
from dockfix.results import Changed, Failed, Finding, Result, Skipped, Unchanged


def stand_in(text: str, options: Options, context: Context) -> Result:
    """A fix that knows one transform and follows instructions in the text."""
    if "gosu" in text:
        return Skipped((Finding(codes.DROPS_PRIVILEGES, 2, "gosu drops root itself", "leave it"),))
    if "heredoc" in text:
        return Failed(Finding(codes.REJECTED_BY_BUILDKIT, 3, "unterminated heredoc", "end it"))
    if "crash" in text:
        raise ValueError("our\nown mistake")
    if "USER" in text:
        return Unchanged((Finding(codes.NAMED_USER, 2, "a name", "--numeric"),))
    first, rest = text.split("\n", 1)
    after = f"{first}\nUSER {options.user}\n{rest}"
    line = next((number for number, row in enumerate(text.split("\n"), 1) if "unknown" in row), 0)
    reviews = (Finding(codes.UNKNOWN_BASE, line, "base unknown", "--base FAMILY"),) if line else ()
    notes = (Finding(codes.EXISTING_VOLUMES, 0, "volumes may be root's", "chown them"),)
    return Changed(after, ("set-user",), reviews, notes)
