"""What a proof found, as frozen values that `dataclasses.asdict` turns into JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final


class Kind(StrEnum):
    """The four ends of a proof."""

    PROVEN = "proven"
    INCOMPARABLE = "builds-but-cannot-be-compared"
    ORIGINAL_FAILS = "original-does-not-build"
    BREAKS = "rewrite-breaks"


class Ground(StrEnum):
    """What a proof rests on, the strongest first."""

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
    """What a port answered to a request for `path`; status 0 means that it speaks no HTTP."""

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
    """What one image did when it ran, and what its user can do inside.

    `exit_code` is None while it is up. `wrote` lists the files that it wrote outside of temporary
    directories, `unreadable` and `unwritable` what its user may not read or write of what it was
    asked about, `scripts` whether each script that pip installed is on PATH.
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


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which the rewrite's image is not the original's; `breaks` decides the verdict."""

    code: str
    message: str
    breaks: bool = True


@dataclass(frozen=True, slots=True)
class Details:
    """What was measured on the way to a verdict; `ground` is None where nothing is proven."""

    engine: str = ""
    reason: str = ""
    differences: tuple[Difference, ...] = ()
    warnings_before: tuple[str, ...] = ()
    warnings_after: tuple[str, ...] = ()
    before: Observation | None = None
    after: Observation | None = None
    seconds: float = 0.0
    ground: Ground | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of one file's proof.

    `step` names where it failed (build the original, build the rewrite, run, compare), `log_tail`
    holds the last lines that tell why.
    """

    kind: Kind
    path: str
    step: str = ""
    log_tail: tuple[str, ...] = ()
    details: Details = field(default_factory=Details)

    @property
    def proven(self) -> bool:
        """Whether the rewrite was built, run and found to behave as the original."""
        return self.kind is Kind.PROVEN

    def __str__(self) -> str:
        told = {
            Kind.PROVEN: "proven",
            Kind.INCOMPARABLE: "builds but cannot be compared",
            Kind.ORIGINAL_FAILS: "the original does not build",
            Kind.BREAKS: "the rewrite breaks it",
        }[self.kind]
        ground = self.details.ground
        weak = f" ({_WEAKER[ground]})" if ground in _WEAKER else ""
        reason = f": {self.details.reason}" if self.details.reason else ""
        return f"{self.path}: {told}{weak}{reason}"

    def as_json(self) -> dict[str, Any]:
        """Plain values for a report."""
        return asdict(self)
