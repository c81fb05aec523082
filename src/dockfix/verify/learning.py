"""What a broken proof teaches: paths that the application writes, and build steps that need root."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from dockfix.model.paths import is_ownable, is_root_home, is_system_directory, is_within
from dockfix.runner.verdict import Kind, Observation, Verdict
from dockfix.verify.build_log import denials, failed_line

_PATH: Final = re.compile(
    r"""['"`‘](?P<quoted>[^'"`‘’\s]+)['"`’]|(?:^|[\s:])(?P<plain>/[^\s:'",]+)(?=[:\s]|$)"""
)
_JUNK_ENDS: Final = (".pid", ".pyc", ".pyo", ".lock", ".sock", ".swp", "~", "/__pycache__")
_TEMPORARY: Final = re.compile(r"tmp[\w.-]*")


@dataclass(frozen=True, slots=True)
class Learned:
    """`writes` are absolute paths, folders with a slash at the end; `root_lines` lines of the original."""

    writes: tuple[str, ...] = ()
    root_lines: tuple[int, ...] = ()

    def __str__(self) -> str:
        lines = ", ".join(map(str, self.root_lines))
        parts = [f"it writes {', '.join(self.writes)}" if self.writes else ""]
        parts.append(f"line {lines} needs root" if lines else "")
        return " and ".join(filter(None, parts))

    def joined(self, other: Learned) -> Learned:
        """Both together."""
        return Learned(
            tuple(sorted({*self.writes, *other.writes})),
            tuple(sorted({*self.root_lines, *other.root_lines})),
        )


NOTHING: Final = Learned()


def learn(
    verdict: Verdict, line_of: Callable[[int], int], observe_again: Callable[[], Observation | None]
) -> Learned:
    """What to change after a rewrite was seen to break; NOTHING if it does not show.

    `line_of` returns the original's line for a line of the rewrite; `observe_again` runs the original
    once more, since a file that differs between two runs has a name that says nothing.
    """
    if verdict.kind is not Kind.BREAKS:
        return NOTHING
    before, after = verdict.details.before, verdict.details.after
    if before is None:
        return NOTHING
    if after is None:
        log = "\n".join(verdict.log_tail)
        line = failed_line(log)
        return Learned(root_lines=(line_of(line),)) if line and denials(log) else NOTHING
    denied = frozenset(_denied(after))
    if not (denied or after.unwritable):
        return NOTHING
    again = observe_again()
    steady = frozenset(before.wrote if again is None else again.wrote)
    useful = _useful(frozenset(after.unwritable), denied, before.wrote, steady)
    return Learned(tuple(sorted(set(useful))))


def _denied(after: Observation) -> Iterator[str]:
    """The absolute paths in the lines of a log that name a denial."""
    for line in after.denials:
        for match in _PATH.finditer(line):
            path = match["quoted"] or match["plain"]
            yield posixpath.normpath(posixpath.join(after.workdir or "/", path))


def _is_junk(path: str) -> bool:
    """Whether a file is a process's own: nothing that the next start needs."""
    is_temporary = _TEMPORARY.fullmatch(posixpath.basename(path)) is not None
    return is_temporary or path.endswith(_JUNK_ENDS) or "/.wh." in path


def _useful(
    unwritable: frozenset[str], denied: frozenset[str], wrote: Iterable[str], steady: frozenset[str]
) -> Iterator[str]:
    """What the original wrote and the account may not write, if that may be given to it.

    A file that the rewrite merely could not write counts if it is more than a trace of the run; one that
    a denial names counts in any case. A file whose name differs from run to run stands for its folder.
    """
    kept = {posixpath.dirname(path) for path in steady if not _is_junk(path)}
    for path in wrote:
        folder = posixpath.dirname(path)
        if not is_ownable(folder) or is_system_directory(folder) or is_root_home(path):
            continue
        is_denied = any(is_within(path, place) for place in denied)
        is_junk = _is_junk(path)
        if is_denied and (is_junk or path not in steady):
            yield f"{folder}/"
        elif is_denied or (path in unwritable and path in steady and not is_junk):
            yield path
        elif path in unwritable and not is_junk and folder in kept:
            yield f"{folder}/"
