"""The results of a proof, as frozen values that `dataclasses.asdict` turns into JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final

from dockfix.results import Trial


class Kind(StrEnum):
    """The five outcomes of a proof."""

    PROVEN = "proven"
    REPAIRED = "repaired"
    INCOMPARABLE = "builds-but-cannot-be-compared"
    ORIGINAL_FAILS = "original-does-not-build"
    BREAKS = "rewrite-breaks"


class Ground(StrEnum):
    """What a proof is based on, strongest first."""

    ANSWERS = "answers"
    HEALTH = "health-check"
    ERRORS = "errors"
    ENDED = "ended"
    STAYED_UP = "stayed-up"


_WEAKER: Final = {
    Ground.HEALTH: "no port answered; its health check passed",
    Ground.ERRORS: "it answered with errors only",
    Ground.ENDED: "ended with 0; no port answered",
    Ground.STAYED_UP: "stayed up; no port answered",
}


@dataclass(frozen=True, slots=True)
class Process:
    """A process of a running image; `uid` is its effective user."""

    pid: int
    uid: int
    gid: int
    command: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A port's answer to a request for `path`; status 0 means that it is not HTTP."""

    port: int
    path: str
    status: int
    body: str
    steady: bool


@dataclass(frozen=True, slots=True)
class Check:
    """A shell command run as the image's user, and its exit code."""

    command: str
    code: int
    output: str


@dataclass(frozen=True, slots=True)
class Observation:
    """What an image did while running, and what its user can do inside.

    `exit_code` is None while it is running. `wrote` lists the files that it wrote outside of temporary
    directories; `unreadable` and `unwritable` list which of the requested paths its user cannot read or
    write; `scripts` tells for each script that pip installed whether it is on PATH. `obstacle` is why it
    could not be inspected from inside, if it was not for the lack of a Python; `denials` are the first
    lines of its log that name a denial, `read` the files that it read in its home, if that was watched.
    """

    user: str
    home: str
    workdir: str
    started: str
    up: bool
    exit_code: int | None
    seconds: float
    log_tail: tuple[str, ...]
    path: tuple[str, ...] = ()
    uids: tuple[int, ...] = ()
    processes: tuple[Process, ...] = ()
    answers: tuple[Answer, ...] = ()
    wrote: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    unwritable: tuple[str, ...] = ()
    scripts: tuple[tuple[str, bool], ...] = ()
    pip_check: int | None = None
    health: int | None = None
    checks: tuple[Check, ...] = ()
    asked_inside: bool = True
    obstacle: str = ""
    denials: tuple[str, ...] = ()
    read: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference between the rewrite's image and the original's; `breaks` decides the verdict."""

    code: str
    message: str
    breaks: bool = True


@dataclass(frozen=True, slots=True)
class Details:
    """The measurements behind a verdict; `ground` is None if nothing is proven.

    `help` is what to do so that the next proof shows more; `shown` answers reviews.
    """

    engine: str = ""
    reason: str = ""
    differences: tuple[Difference, ...] = ()
    warnings_before: tuple[str, ...] = ()
    warnings_after: tuple[str, ...] = ()
    before: Observation | None = None
    after: Observation | None = None
    seconds: float = 0.0
    ground: Ground | None = None
    help: str = ""
    shown: tuple[Trial, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of one file's proof.

    `step` is where it failed (build the original, build the rewrite, run, compare); `log_tail` has
    the last lines that show why.
    """

    kind: Kind
    path: str
    step: str = ""
    log_tail: tuple[str, ...] = ()
    details: Details = field(default_factory=Details)

    @property
    def proven(self) -> bool:
        """Whether the rewrite was built and run, and behaved like the original, or works where it failed."""
        return self.kind in (Kind.PROVEN, Kind.REPAIRED)

    @property
    def sentence(self) -> str:
        """The outcome, how weak its evidence is, and the reason, in one line."""
        outcome = {
            Kind.PROVEN: "proven",
            Kind.REPAIRED: "repaired",
            Kind.INCOMPARABLE: "builds but cannot be compared",
            Kind.ORIGINAL_FAILS: "the original does not build",
            Kind.BREAKS: "the rewrite breaks it",
        }[self.kind]
        ground = self.details.ground
        weak = f" ({_WEAKER[ground]})" if ground in _WEAKER else ""
        reason = f": {self.details.reason}" if self.details.reason else ""
        return f"{outcome}{weak}{reason}"

    def __str__(self) -> str:
        return f"{self.path}: {self.sentence}"

    def as_json(self) -> dict[str, Any]:
        """Plain values for a report."""
        return asdict(self)
