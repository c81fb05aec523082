"""What build steps printed, kept for the times at which an engine takes them from its cache in silence."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field
from typing import Final

from dockfix.verify.build_log import find_warning_lines

_STEP: Final = re.compile(
    r"#(?P<number>\d+) \[(?:(?P<stage>\S+) )?(?P<place>\d+)/\d+\] (?P<text>.*)"
    r"|(?:\[(?P<round>\d+)/\d+\] )?STEP (?P<at>\d+)/\d+: (?P<words>.*)"
)
_LINE: Final = re.compile(r"#(\d+) (.*)")
_CACHED: Final = re.compile(r"CACHED|--> Using cache \S+")
MARK: Final = " (its log is kept)"


@dataclass
class _Step:
    """A step with its stage, its place there, and the index of the log's line that says it was cached."""

    stage: str
    place: int
    text: str
    lines: list[str] = field(default_factory=list)
    cached_at: int | None = None


def complete(log: str, build: str, kept: MutableMapping[str, str]) -> str:
    """The log with what its cached steps printed when they ran; what other steps print is kept.

    Only lines with warnings are. `build` is all that the steps depend on beside the context: USER and
    variables are no steps of their own in a log.
    """
    lines = log.splitlines()
    for one in reversed(list(_read_steps(lines))):
        what = f"{build}\0{one.stage}\0{one.place}\0{one.text}"
        key = hashlib.sha256(what.encode("utf-8", "surrogateescape")).hexdigest()
        if one.cached_at is None:
            kept[key] = "\n".join(find_warning_lines(one.lines))
        elif key in kept:
            number = lines[one.cached_at].partition(" ")[0] if lines[one.cached_at].startswith("#") else ""
            found = [f"{number} {line}".lstrip() for line in kept[key].splitlines()]
            lines[one.cached_at : one.cached_at + 1] = [lines[one.cached_at] + MARK, *found]
    return "\n".join(lines)


def _read_steps(lines: list[str]) -> Iterator[_Step]:
    """The steps of a log, in the order of their first lines; BuildKit numbers each line by its step."""
    by_number: dict[str, _Step] = {}
    current: _Step | None = None
    for at, line in enumerate(lines):
        if match := _STEP.match(line):
            place, text = match["place"] or match["at"], match["text"] or match["words"] or ""
            if match["number"] in by_number:
                continue
            current = _Step(match["stage"] or match["round"] or "", int(place), text)
            if match["number"]:
                by_number[match["number"]] = current
            yield current
            continue
        numbered = _LINE.match(line)
        step, said = (by_number.get(numbered[1]), numbered[2]) if numbered else (current, line)
        if step is not None and _CACHED.fullmatch(said):
            step.cached_at = at
        elif step is not None:
            step.lines.append(said)
