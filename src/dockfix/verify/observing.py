"""Run an image and observe it: its user, its answers, the files it writes, how it ends."""

from __future__ import annotations

import json
import posixpath
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from dockfix.knowledge.homes import find_variables
from dockfix.options.request import VerifyOptions
from dockfix.runner.verdict import Answer, Check, Observation, Process
from dockfix.verify.build_log import denials, tail
from dockfix.verify.confinement import confine
from dockfix.verify.containers import create, read_config, read_state, remove
from dockfix.verify.inspecting import PYTHONS, Inspector, StuckError, read_report, script
from dockfix.verify.pod import Around, PodError, surround
from dockfix.verify.services import ALONE, Company
from dockfix.verify.session import Session
from dockfix.verify.surroundings import platform_flags

_PASSING: Final = ("/tmp/", "/var/tmp/", "/dev/", "/proc/", "/sys/", "/run/secrets/", "/root/.cache/pip/")
_ENGINES_OWN: Final = frozenset(
    {"/.dockerenv", "/dev", "/proc", "/run", "/run/.containerenv", "/sys", "/tmp", "/var/tmp"}
    | {"/etc", "/etc/hostname", "/etc/hosts", "/etc/mtab", "/etc/resolv.conf", "/root/.cache/pip"}
)
_RUNTIME: Final = re.compile(r"(?:\S*/)?(?:runc|crun|youki|runsc)\s|/proc/self/exe init$")
_ROOT_HOME: Final = "/root"
_LINES: Final = "2000"
_STUCK: Final = "it leaves no processor time in which to inspect it (--limit sets what it may use)"
_PAUSE: Final = 0.25
_SETTLE: Final = 0.75
_TO_OPEN: Final = 4
"""How many times as long an image runs that declares a port, until it answers on one."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the original did, so that the rewrite gets as much time and the same requests.

    Files that it wrote below its `home` or `workdir` may be below the rewrite's instead.
    """

    ports: frozenset[int] = frozenset()
    ended: bool = False
    seconds: float = 0.0
    wrote: tuple[str, ...] = ()
    home: str = ""
    workdir: str = ""
    copied: tuple[str, ...] = ()


@dataclass
class Watch:
    """The state of a container as observed so far."""

    up: bool = False
    exit_code: int | None = None
    processes: dict[tuple[int, str], Process] = field(default_factory=dict)
    report: Mapping[str, Any] | None = None


class Observer:
    """Observes images, one at a time; `given` are the names of the variables that the options set.

    With `watches_home`, root's home is a volume, into which engines copy what the image has there, and in
    which the file system notes what is read.
    """

    def __init__(
        self,
        session: Session,
        options: VerifyOptions,
        given: Iterable[str] = (),
        *,
        watches_home: bool = False,
    ) -> None:
        self._session = session
        self._engine = session.engine
        self._options = options
        self._given = given
        self._home = _ROOT_HOME if watches_home and options.observer else ""
        self._flags = (*confine(session.engine.name, options), *options.run_flags)

    def observe(self, image: str, expected: Expected = Expected(), company: Company = ALONE) -> Observation:
        """Run `image` until it settles or its time is up, inspect it from inside, and remove it.

        It is started with what its company says; all of that is removed as well.
        """
        config = read_config(self._session, image)
        blank = Observation(
            user=config.get("User") or "",
            home="",
            workdir=config.get("WorkingDir") or "/",
            started="",
            up=False,
            exit_code=None,
            seconds=0.0,
            log_tail=(),
            path=_path(config),
        )
        try:
            with surround(self._session, self._options, company) as around:
                return self._observe(image, config, blank, expected, around)
        except PodError as error:
            return replace(blank, asked_inside=False, obstacle=str(error))

    def _observe(
        self, image: str, config: Mapping[str, Any], blank: Observation, expected: Expected, around: Around
    ) -> Observation:
        """The same in the surroundings in which it is started."""
        own = confine(self._engine.name, self._options, around.network)
        given = frozenset(one.partition("=")[0] for one in around.start.environment)
        platform = platform_flags(config, given.union(self._given))
        watched = ("--volume", self._home) if self._home else ()
        flags = (*own, *around.flags, *watched, *self._options.run_flags, *platform)
        container, printed = create(self._session, image, flags, around.start.words)
        if not container:
            return replace(blank, started=_reason(printed), asked_inside=False)
        inspector = None
        try:
            began = self._session.call(self._engine.call("start", container))
            if not began.ok:
                last = tail(began.output)
                return replace(blank, started=_reason(began.output), exit_code=127, log_tail=last)
            inspector = Inspector(self._session, self._options.observer, container, around.shared)
            asking = {"ask": list(self._options.paths), "others": sorted(around.ports)}
            return self._watch(container, inspector, image, config, blank, expected, asking)
        except StuckError:
            return replace(blank, up=True, asked_inside=False, obstacle=_STUCK)
        finally:
            helper = inspector.helper if inspector else ""
            remove(self._session, *filter(None, (container, helper)))

    def _watch(
        self,
        container: str,
        inspector: Inspector,
        image: str,
        config: Mapping[str, Any],
        blank: Observation,
        expected: Expected,
        asking: Mapping[str, Any],
    ) -> Observation:
        start = time.monotonic()
        watch = Watch()
        limit = patience(self._options.seconds, expected, declares=bool(config.get("ExposedPorts")))
        answered = self._wait(container, inspector, watch, expected, asking, limit)
        wrote, read = self._wrote(container), self._read(container)
        files = self._questions(config, blank.workdir, expected, time.monotonic() - start)
        report = inspector.ask_all({**asking, **files}) if watch.up else None
        self._look(container, watch)
        lasted = answered or time.monotonic() - start
        logs = self._session.call(self._engine.call("logs", "--tail", _LINES, container)).output
        asked = report or self._ask_once(image, files)
        note(watch, report)
        observed = _fill(blank, asked)
        processes = tuple(watch.processes[key] for key in sorted(watch.processes))
        return replace(
            observed,
            up=watch.up,
            exit_code=watch.exit_code,
            seconds=round(lasted, 2),
            log_tail=tail(logs, 30),
            denials=denials(logs),
            processes=processes,
            uids=tuple(sorted({process.uid for process in processes})) or observed.uids,
            wrote=tuple(sorted({*wrote, *(asked or {}).get("written", ())})),
            asked_inside=asked is not None,
            read=read,
        )

    def _wait(
        self,
        container: str,
        inspector: Inspector,
        watch: Watch,
        expected: Expected,
        asking: Mapping[str, Any],
        limit: float,
    ) -> float | None:
        """Wait until it ends, answers as expected, or its time is up: `limit`, in seconds.

        Return the seconds to the answer, or None.
        """
        start = time.monotonic()
        while True:
            self._look(container, watch)
            if not watch.up:
                return None
            report = inspector.ask(asking)
            note(watch, report)
            ports = {answer[0] for answer in report["answers"]} if report else set()
            elapsed = time.monotonic() - start
            if ports and ports >= expected.ports:
                time.sleep(_SETTLE)
                self._look(container, watch)
                return elapsed
            if elapsed > limit:
                return None
            time.sleep(_PAUSE)

    def _look(self, container: str, watch: Watch) -> None:
        state = read_state(self._session, container)
        watch.up = bool(state.get("Running"))
        watch.exit_code = None if watch.up else state.get("ExitCode")

    def _questions(
        self, config: Mapping[str, Any], workdir: str, expected: Expected, since: float
    ) -> Mapping[str, Any]:
        return {
            "files": True,
            "read": [*([workdir] if workdir != "/" else []), *expected.copied],
            "write": [path for path in expected.wrote if not _is_moved(path, expected.home, config)],
            "moved": [expected.home, expected.workdir],
            "volumes": sorted(config.get("Volumes") or {}),
            "since": since,
            "health": _health(config),
            "checks": list(self._options.checks),
        }

    def _ask_once(self, image: str, asked: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The report of the image's Python in a new container, for an image that has ended."""
        for python in PYTHONS:
            program = (python, "-B", "-", json.dumps({**asked, "packages": True, "commands": True}))
            argv = self._engine.once(image, self._session.label, self._flags, program)
            if report := read_report(self._session.call(argv, stdin=script()).output):
                return report
        return None

    def _read(self, container: str) -> tuple[str, ...]:
        """What it has read in root's home, which another container sees, also after its end."""
        if not self._home:
            return ()
        shared = ("--volumes-from", container, "--network", "none", "--user", "0")
        program = ("python3", "-I", "-B", "-", json.dumps({"ask": [], "opened": [self._home]}))
        argv = self._engine.once(self._options.observer, self._session.label, shared, program)
        report = read_report(self._session.call(argv, stdin=script()).output)
        return tuple(report["opened"]) if report else ()

    def _wrote(self, container: str) -> tuple[str, ...]:
        """The files that the engine lists as added or changed, without temporary files and bytecode."""
        shown = self._session.call(self._engine.call("diff", container))
        if not shown.ok:
            return ()
        paths = sorted(line[2:] for line in shown.output.splitlines() if line[:2] in {"A ", "C "})
        leaves = [
            path
            for path, after in zip(paths, [*paths[1:], ""], strict=False)
            if not after.startswith(path + "/")
        ]
        return tuple(path for path in leaves if not _passes(path))


def patience(least: float, expected: Expected, *, declares: bool = False) -> float:
    """The time limit of an image in seconds: more than the original took to answer or to end.

    An image that `declares` a port, by EXPOSE, is expected to answer on one.
    """
    settles = expected.ports or expected.ended
    return max(least * (_TO_OPEN if declares else 1), expected.seconds * 3 + 5 if settles else 0)


def note(watch: Watch, report: Mapping[str, Any] | None) -> None:
    """Record every process seen, except a container runtime before it executes the program."""
    for pid, uid, gid, command in (report or {}).get("processes", ()):
        if _RUNTIME.match(command):
            continue
        watch.processes[pid, command] = Process(pid, uid, gid, command)


def find_missing(session: Session, image: str, seen: Observation, after: Observation) -> Iterator[str]:
    """What was read in a home and is not in that of another image, nor where its variables move it.

    Of the files that one program keeps together, the first is looked for.
    """
    config = read_config(session, image)
    container = create(session, image, ("--network", "none", "--entrypoint", "/never"))[0]
    try:
        firsts = {_group(path.removeprefix(seen.home)): path for path in reversed(seen.read)}
        for path in firsts.values():
            inside = path.removeprefix(seen.home.rstrip("/"))
            if not _is_moved(path, seen.home, config) and not _has(session, container, after.home + inside):
                yield path
    finally:
        remove(session, *filter(None, (container,)))


def _group(inside: str) -> str:
    """The folder of a file that one program keeps in a home (`/.cache/torch`), or the file itself."""
    folder = posixpath.dirname(inside)
    return inside if folder == "/" else "/".join(folder.split("/")[:4])


def _has(session: Session, container: str, path: str) -> bool:
    """Whether a container has a file at a path, which need not be started for that."""
    with session.stream(session.engine.call("cp", f"{container}:{path}", "-")) as stream:
        return bool(stream.read(1))


def _fill(blank: Observation, report: Mapping[str, Any] | None) -> Observation:
    if report is None:
        return blank
    return replace(
        blank,
        home=report["home"],
        uids=(report["uid"],),
        answers=tuple(Answer(*answer) for answer in report["answers"]),
        unreadable=tuple(report["unreadable"]),
        unwritable=tuple(report["unwritable"]),
        scripts=tuple(sorted(report["scripts"].items())),
        pip_check=report["pip_check"][0],
        health=report["health"],
        checks=tuple(Check(*check) for check in report["checks"]),
    )


def _health(config: Mapping[str, Any]) -> Sequence[str] | None:
    """The health check as a program to run, None if there is none."""
    test = (config.get("Healthcheck") or {}).get("Test") or ["NONE"]
    if test[0] == "CMD":
        return list(test[1:])
    if test[0] == "CMD-SHELL":
        return [*(config.get("Shell") or ["/bin/sh", "-c"]), *test[1:]]
    return None


def _path(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The directories on PATH."""
    values = [entry.removeprefix("PATH=") for entry in config.get("Env") or () if entry.startswith("PATH=")]
    return tuple(values[-1].split(":")) if values else ()


def _passes(path: str) -> bool:
    return path in _ENGINES_OWN or path.startswith(_PASSING) or path.endswith((".pyc", "/__pycache__"))


def _reason(output: str) -> str:
    """The longest of the last lines: engines name the cause in one, and repeat its prefix in others."""
    return max(tail(output, 3) or ("it gives no reason",), key=len)


def _is_moved(path: str, home: str, config: Mapping[str, Any]) -> bool:
    """Whether a variable of the image moves what tools keep at a path of the original's home."""
    if not home.strip("/") or not path.startswith(f"{home}/"):
        return False
    names = {one.partition("=")[0] for one in config.get("Env") or ()}
    return not names.isdisjoint(find_variables(f"~{path[len(home) :]}"))
