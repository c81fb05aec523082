"""The walk through one file: plain values, which `dataclasses.asdict` turns into JSON.

Lines count from 1 in the file on disk; 0 stands for the whole file, or for what comes after its last
step.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from dockfix.results import Finding

VERSION: Final = 1
"""The version of the JSON format: it increases when a name is removed or changes its meaning."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a command does to a place: `deed` is a verb or a reason, `place` an absolute path or "".

    `new_place` is the path in the rewrite if it differs; `denial` is what denies it to the account there,
    "" if nothing does.
    """

    command: str
    deed: str
    place: str = ""
    new_place: str = ""
    denial: str = ""


@dataclass(frozen=True, slots=True)
class EditNote:
    """What one transform does at one place.

    `removed` and `added` are whole lines of the file before and after this change alone; `purpose` is the
    transform's summary, and `without` what would be denied or broken if only this change were left out.
    An edit that is `beside` keeps the lines of the file.
    """

    transform: str
    line: int
    removed: tuple[str, ...]
    added: tuple[str, ...]
    purpose: str
    without: tuple[str, ...] = ()
    beside: bool = False


@dataclass(frozen=True, slots=True)
class StepWalk:
    """One instruction: who ran it, who runs it now, and what it does.

    `needs_root` is the reason why it must stay root, "" if the account can run it too. `owners` are
    (path, owner before, owner after) of what it puts into the image.
    """

    line: int
    last_line: int
    keyword: str
    text: str
    user: str
    new_user: str
    workdir: str
    needs_root: str = ""
    effects: tuple[Effect, ...] = ()
    owners: tuple[tuple[str, str, str], ...] = ()
    edits: tuple[EditNote, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageWalk:
    """One image that the file ships: its base, its steps, where root ends, and what it starts.

    `boundary` is a sentence on where root stops being needed, and because of which line; `boundary_line`
    is that line, 0 if there is none. `trailing` are edits after the last step.
    """

    stage: str
    base: str
    base_facts: str
    user: str
    new_user: str
    boundary: str
    boundary_line: int
    steps: tuple[StepWalk, ...]
    starts: tuple[Effect, ...] = ()
    trailing: tuple[EditNote, ...] = ()


@dataclass(frozen=True, slots=True)
class Unshipped:
    """A stage that is part of no shipped image, and stays as it is."""

    stage: str
    line: int
    last_line: int


@dataclass(frozen=True, slots=True)
class Outside:
    """Something that was read outside of the file: its place, and what it showed."""

    place: str
    showed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Walk:
    """The walk through a file. `findings` are (kind, finding) as in reports.

    `outcome` is changed, needs-review, unchanged, skipped or failed. `looked_at` are further files that
    were read and showed nothing.
    """

    path: str
    outcome: str
    transforms: tuple[str, ...]
    findings: tuple[tuple[str, Finding], ...]
    images: tuple[ImageWalk, ...] = ()
    unshipped: tuple[Unshipped, ...] = ()
    outside: tuple[Outside, ...] = ()
    looked_at: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain values, with the version of the format."""
        plain = asdict(self)
        plain["findings"] = [{"kind": kind, **asdict(finding)} for kind, finding in self.findings]
        for image in plain["images"]:
            for step in image["steps"]:
                step["owners"] = [
                    dict(zip(("path", "before", "after"), row, strict=True)) for row in step["owners"]
                ]
        return {"version": VERSION, **plain}
