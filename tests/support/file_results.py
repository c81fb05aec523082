from __future__ import annotations

from dockfix.checks import codes
from dockfix.diff import compare_lines
from dockfix.results import Changed, Failed, Finding, Skipped, Unchanged
from dockfix.runner.outcome import FileResult

NOTE = Finding(codes.EXISTING_VOLUMES, 0, "volumes may hold root's files", "chown them")
REVIEW = Finding(codes.UNKNOWN_BASE, 1, "base <unknown>, 100%", "--base FAMILY")
REASON = Finding(codes.DROPS_PRIVILEGES, 2, "gosu drops root itself", "leave it")
ERROR = Finding(codes.NOT_UTF_8, 3, "not UTF-8: byte 0xff", "save it as UTF-8")


def changed(
    name: str,
    before: str = "FROM a\nCMD b\n",
    after: str = "FROM a\nUSER u\nCMD b\n",
    *,
    review: bool = False,
    applies: bool = True,
) -> FileResult:
    result = Changed(after, ("create-user", "set-user"), (REVIEW,) if review else (), (NOTE,))
    edits = tuple(compare_lines(before, after))
    return FileResult(name, result, before.encode(), applies, edits, name)


def one_of_each() -> list[FileResult]:
    """A change, a change that needs review, an unchanged file, a skip and a failure."""
    return [
        changed("a/Dockerfile"),
        changed("b, c/Dockerfile", review=True, applies=False),
        FileResult("d/Dockerfile", Unchanged(), b"", name="d/Dockerfile"),
        FileResult("e\n/Dockerfile", Skipped((REASON,)), b"", name="e\n/Dockerfile"),
        FileResult("f/Dockerfile", Failed(ERROR), b"", name="f/Dockerfile"),
    ]
