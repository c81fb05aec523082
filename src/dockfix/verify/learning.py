"""What a broken proof teaches: paths that the application writes, and build steps that need root."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from dockfix.knowledge.homes import is_cache, is_for_builds
from dockfix.learned import NOTHING, Learned, name_step
from dockfix.model.paths import is_ownable, is_root_home, is_system_directory, is_within
from dockfix.runner.verdict import Kind, Observation, Verdict
from dockfix.syntax.parser import parse
from dockfix.verify.build_log import denials, failed_line

_PATH: Final = re.compile(
    r"""['"`‘](?P<quoted>[^'"`‘’\s]+)['"`’]|(?:^|[\s:])(?P<plain>/[^\s:'",]+)(?=[:\s]|$)"""
)
_JUNK_ENDS: Final = (".pid", ".pyc", ".pyo", ".lock", ".sock", ".swp", "~", "/__pycache__")
_MOST: Final = 20
"""The maximum number of places in root's home that are learned from one file."""
_LONGEST: Final = 4096
_SHARED_PARENTS: Final = ("~/.cache", "~/.config", "~/.local", "~/.local/share", "~/.local/state")
_TEMPORARY: Final = re.compile(r"tmp[\w.-]*")


def learn(
    verdict: Verdict, step_at: Callable[[int], str], observe_again: Callable[[], Observation | None]
) -> Learned:
    """What to change after a rewrite was seen to break; NOTHING if it does not show.

    `step_at` returns the original's step for a line of the rewrite; `observe_again` runs the original
    once more, since a file that differs between two runs has a name that says nothing, and sees what it
    reads in root's home.
    """
    if verdict.kind is not Kind.BREAKS:
        return NOTHING
    before, after = verdict.details.before, verdict.details.after
    if before is None:
        return NOTHING
    if after is None:
        log = "\n".join(verdict.log_tail)
        line = failed_line(log)
        return Learned(root_steps=(step,)) if denials(log) and (step := step_at(line)) else NOTHING
    denied = frozenset(_denied(after))
    leaves_home = is_root_home(before.home) and not is_root_home(after.home)
    if not (denied or after.unwritable or leaves_home):
        return NOTHING
    again = observe_again()
    steady = frozenset(before.wrote if again is None else again.wrote)
    useful = _useful(frozenset(after.unwritable), denied, before.wrote, steady)
    reads = _find_needed(again) if again is not None and leaves_home else ()
    return Learned(_sorted(useful), reads=_sorted(reads)[:_MOST])


def _sorted(paths: Iterable[str]) -> tuple[str, ...]:
    """The different paths, without those that no file of facts may hold."""
    return tuple(sorted({path for path in paths if path.isprintable() and len(path) < _LONGEST}))


def _find_needed(seen: Observation) -> Iterator[str]:
    """The places in root's home (`~/...`) that were read, and that are neither caches nor Python's own."""
    for path in seen.read:
        place = f"~{path.removeprefix(seen.home.rstrip('/'))}"
        folder = _folder_of(place)
        if not (is_cache(place) or is_for_builds(place) or folder in ("~/.local/lib", "~/.local/bin")):
            yield folder


def _folder_of(place: str) -> str:
    """The part of a place that belongs to one program: `~/.cache/torch`, `~/.netrc`."""
    parts = place.split("/")
    depth = 2
    while depth < len(parts) and "/".join(parts[:depth]) in _SHARED_PARENTS:
        depth += 1
    return "/".join(parts[:depth])


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


def find_step(text: str, line: int) -> str:
    """The step of a Dockerfile that stands on a line, as `Learned` names it."""
    steps = (one for one in parse(text).instructions if one.line <= line <= max(one.line, one.last_line))
    return next((name_step(str(one)) for one in steps), "")
