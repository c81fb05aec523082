"""The result for a file: one of four frozen, picklable classes."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from enum import StrEnum

from dockfix.writable import Writable


class Kind(StrEnum):
    """What a code stands for."""

    CHANGE = "change"
    REFUSAL = "refusal"
    REVIEW = "review"
    NOTE = "note"
    FAILURE = "failure"
    GUARANTEE = "guarantee"
    TRANSFORM = "transform"


class Trial(StrEnum):
    """What a trial on a container engine can show, so that no person has to check it."""

    BUILDS = "the rewrite builds"
    ANSWERS_ALIKE = "the application starts and answers as it did before"
    ANSWERS_WITH_CLOSED_PORTS = "it answers as before with net.ipv4.ip_unprivileged_port_start=1024"
    REPAIRS = "the original fails, and the rewrite runs as its user"
    MAY_WRITE = "the user may write every file that the original wrote while it ran"


@dataclass(frozen=True, slots=True)
class Code:
    """A row of the registry (`checks.codes`): a stable kebab-case name, its kinds, and a one-line summary.

    `cases` are the fixtures that show it, relative to `fixtures/`, the best first; `answered_by` are the
    trials that together would answer it. A code that `folds` says that a file is not for dockfix to
    change; of many such files, a summary lists the first.
    """

    name: str
    kinds: tuple[Kind, ...]
    summary: str
    cases: tuple[str, ...] = ()
    answered_by: tuple[Trial, ...] = ()
    folds: bool = False


@dataclass(frozen=True, slots=True, init=False)
class Finding:
    """One thing to report to the user about a file.

    It is made from a row of the registry and stores the row's name as `code`; `line` counts from 1 in the
    original text (0: the whole file), `message` is what was found, and `help` what to do about it.
    """

    code: str
    line: int
    message: str
    help: str

    def __init__(self, code: Code, line: int, message: str, help: str = "") -> None:
        for name, value in (("code", code.name), ("line", line), ("message", message), ("help", help)):
            object.__setattr__(self, name, value)

    def at(self, line: int) -> Finding:
        """The same finding on another line."""
        moved = copy(self)
        object.__setattr__(moved, "line", line)
        return moved

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        help = f" ({self.help})" if self.help else ""
        return f"{where}{self.message} [{self.code}]{help}"


@dataclass(frozen=True, slots=True)
class Changed:
    """A complete fix. `reviews` is empty if it is safe; `notes` are about what the file does not show.

    `accepted` are the reviews that the options or a comment of the file answer; `line` is that of the
    instruction by which the image runs as root: its last USER, else its FROM. `writable` are the
    directories that must be writable on a read-only root file system, if they are asked for.
    """

    text: str
    transforms: tuple[str, ...]
    reviews: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()
    accepted: tuple[Finding, ...] = ()
    line: int = 1
    writable: tuple[Writable, ...] = ()

    @property
    def safe(self) -> bool:
        """Whether it may be applied without a review."""
        return not self.reviews


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Nothing to do: the image does not run as root, or nothing selected applies."""

    notes: tuple[Finding, ...] = ()
    writable: tuple[Writable, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """Left alone on purpose; `reasons` is never empty."""

    reasons: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """The input is unusable, or dockfix failed."""

    error: Finding


Result = Changed | Unchanged | Skipped | Failed


def at_lines(result: Result, move: Callable[[int], int]) -> Result:
    """The result with each of its lines moved; findings about the whole file stay."""

    def moved(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        return tuple(one.at(move(one.line)) if one.line else one for one in findings)

    match result:
        case Changed(reviews=reviews, notes=notes, accepted=accepted, line=line):
            reviews, notes, accepted = map(moved, (reviews, notes, accepted))
            return replace(result, reviews=reviews, notes=notes, accepted=accepted, line=move(line))
        case Unchanged(notes=notes):
            return replace(result, notes=moved(notes))
        case Skipped(reasons=reasons):
            return Skipped(moved(reasons))
        case Failed(error=error):
            return Failed(*moved((error,)))
