"""Compare two observations and build logs: how the rewrite's image differs, and what that means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from dockfix.runner.verdict import Answer, Difference, Ground, Kind, Observation, Verdict
from dockfix.verify.build_log import DENIAL

_VARYING: Final = re.compile(
    r"0x[0-9a-f]+|\b[0-9a-f]{7,}\b|\d+(?:[.:,-]\d+)*"
    r"|(?:/usr/local|/(?:home/[\w-]+|root)/\.local)(?=/(?:lib/python|bin/))|/(?:home/[\w-]+|root)\b",
    re.IGNORECASE,
)
_EFFECTS: Final = frozenset({"answer", "exit", "health"})
_EPHEMERAL: Final = range(32768, 61000)
"""Ports that Linux gives to a program which asks for any: the default of `net.ipv4.ip_local_port_range`
(the kernel's Documentation/networking/ip-sysctl.rst)."""


def compare(before: Observation, after: Observation, leaves_root: bool = True) -> tuple[Difference, ...]:
    """Every difference, breaking ones first; with `leaves_root`, no process may run as root any longer."""
    if after.started and not before.started:
        return (Difference("start", f"the image does not start: {after.started}"),)
    found = [
        *(_users(after) if leaves_root or 0 not in before.uids else ()),
        *_ends(before, after),
        *_answers(before, after),
        *_log(before, after),
        *_files(after),
        *_packages(before, after),
        *_checks(before, after),
    ]
    return tuple(sorted(found, key=lambda difference: not difference.breaks))


def judge(before: Observation, after: Observation, differences: tuple[Difference, ...]) -> tuple[Kind, str]:
    """The verdict and, if it is not proven, the first reason for it."""
    if obstacle := before.obstacle or after.obstacle:
        return Kind.INCOMPARABLE, obstacle
    for difference in differences:
        if difference.breaks:
            return Kind.BREAKS, _with_cause(difference.message, find_denial(before, after))
    if before.started:
        return Kind.INCOMPARABLE, f"the original does not start: {before.started}"
    if before.exit_code:
        return Kind.INCOMPARABLE, f"the original itself ends with {_end(before)}"
    if not (before.asked_inside and after.asked_inside):
        return Kind.INCOMPARABLE, "the image has no Python to inspect it with"
    return Kind.PROVEN, ""


def judge_repair(failure: str, after: Observation) -> tuple[Kind, str]:
    """The verdict on the repair of an original that fails as `failure` describes.

    The rewrite has to start, keep running or end with 0, and not run as root.
    """
    if after.started:
        return Kind.BREAKS, f"the image does not start: {after.started}"
    if not after.up and after.exit_code:
        return Kind.BREAKS, f"the rewrite ends with {_end(after)}"
    for difference in (*_users(after), *_complaints(after.log_tail)):
        return Kind.BREAKS, difference.message
    return Kind.REPAIRED, failure


def find_failure(before: Observation) -> str:
    """How an image fails that is built, "" if it works as far as can be seen."""
    if before.started:
        return f"the original does not start: {before.started}"
    if not before.up and before.exit_code:
        return f"the original ends with {_end(before)}"
    complaint = next(_complaints(before.log_tail), None)
    return complaint.message.replace("its log", "the original's log", 1) if complaint is not None else ""


def _end(seen: Observation) -> str:
    """How an image ended: its exit code, and the last line of its log."""
    return f"exit code {seen.exit_code}{_last_line(seen)}"


def _last_line(seen: Observation) -> str:
    return f": {seen.log_tail[-1]}" if seen.log_tail else ""


def find_denial(before: Observation, after: Observation) -> str:
    """The first line of the rewrite's log that names a denial, if the original's names no such."""
    known = {_plain(line) for line in before.denials}
    return next((line for line in after.denials if _plain(line) not in known), "")


def names_cause(before: Observation, after: Observation, verdict: Verdict) -> bool:
    """Whether what was observed says why the rewrite broke, beyond that it did."""
    breaking = {difference.code for difference in verdict.details.differences if difference.breaks}
    return bool(find_denial(before, after)) or not breaking <= _EFFECTS


def _with_cause(effect: str, denial: str) -> str:
    return effect if not denial or denial in effect else f"{denial} ({effect})"


def find_ground(before: Observation, after: Observation) -> Ground:
    """The ground for a proof by these two observations."""
    statuses = [answer.status for answer in before.answers]
    if any(status < 500 for status in statuses):
        return Ground.ANSWERS
    if before.health == 0 and after.health == 0:
        return Ground.HEALTH
    if statuses:
        return Ground.ERRORS
    return Ground.STAYED_UP if before.up else Ground.ENDED


def _users(after: Observation) -> Iterator[Difference]:
    for process in after.processes:
        if process.uid == 0:
            yield Difference("root-process", f"a process still runs as root: {process.command}")
    if not after.processes and 0 in after.uids:
        yield Difference("root-process", "the image still runs as root")


def _ends(before: Observation, after: Observation) -> Iterator[Difference]:
    if before.up and not after.up:
        yield Difference("exit", f"it kept running before, and now ends with {_end(after)}")
    elif after.up and not before.up:
        yield Difference("exit", f"it ended with exit code {before.exit_code} before, and now keeps running")
    elif before.exit_code != after.exit_code:
        message = f"exit code {before.exit_code} before, {after.exit_code} now{_last_line(after)}"
        yield Difference("exit", message)
    if before.health == 0 and after.health != 0:
        yield Difference("health", f"the health check passed before, and now returns {after.health}")


def _answers(before: Observation, after: Observation) -> Iterator[Difference]:
    now = {(answer.port, answer.path): answer for answer in after.answers}
    for answer in before.answers:
        other = now.get((answer.port, answer.path)) or _elsewhere(answer, before, after)
        where = f"port {answer.port}{answer.path}"
        if other is None:
            yield Difference("answer", f"{where} answered before, and does not now")
        elif answer.status != other.status:
            yield Difference("answer", f"{where} answered {answer.status} before, and {other.status} now")
        elif answer.steady and other.steady and not _alike(answer, other):
            yield Difference("answer", f"{where} answers with a different text than before")


def _elsewhere(answer: Answer, before: Observation, after: Observation) -> Answer | None:
    """The same answer on another port, if it came from a port that differs from run to run."""
    if answer.port not in _EPHEMERAL:
        return None
    known = {one.port for one in before.answers}
    others = [
        one
        for one in after.answers
        if one.path == answer.path and one.port in _EPHEMERAL and one.port not in known
    ]
    return min(others, key=lambda one: not _alike(answer, one), default=None)


def _alike(one: Answer, other: Answer) -> bool:
    return one.body == other.body or _plain(one.body) == _plain(other.body)


def _plain(text: str) -> str:
    return _VARYING.sub("#", text)


def _log(before: Observation, after: Observation) -> Iterator[Difference]:
    known = {_plain(line) for line in before.log_tail}
    new = [line for line in after.log_tail if _plain(line) not in known]
    yield from _complaints(new)
    if new:
        yield Difference(
            "log-lines", f"{len(new)} new lines in the log, such as: {new[-1].strip()}", breaks=False
        )


def _complaints(log: Iterable[str]) -> Iterator[Difference]:
    for line in log:
        if DENIAL.search(line):
            yield Difference("log", f"its log complains: {line.strip()}")


def _files(after: Observation) -> Iterator[Difference]:
    for path in after.unwritable:
        yield Difference("write", f"{path} was written before, and the user cannot write it")
    for path in after.unreadable:
        yield Difference("read", f"{path} cannot be read by the user")


def _packages(before: Observation, after: Observation) -> Iterator[Difference]:
    now = dict(after.scripts)
    for name, reached in before.scripts:
        if reached and not now.get(name):
            yield Difference("path", f"the script {name} was on PATH, and no longer is")
    if after.asked_inside and before.pip_check == 0 and after.pip_check != 0:
        yield Difference("pip-check", "pip check passed before, and now fails")


def _checks(before: Observation, after: Observation) -> Iterator[Difference]:
    now = {check.command: check for check in after.checks}
    for check in before.checks:
        other = now.get(check.command)
        if check.code == 0 and (other is None or other.code != 0):
            output = f": {other.output.strip()}" if other is not None and other.output.strip() else ""
            yield Difference("check", f"`{check.command}` passed before, and now fails{output}")
