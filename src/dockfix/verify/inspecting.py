"""Look into a running container: from a container of our own beside it, else with the image's own Python."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from dockfix.options.request import VerifyOptions
from dockfix.verify.confinement import confine
from dockfix.verify.containers import create
from dockfix.verify.session import TIMED_OUT, Session

PYTHONS: Final = ("python3", "python", "/usr/local/bin/python3", "/usr/bin/python3")
_SHORT: Final = 20.0
"""The seconds in which a container has to show what its processes and ports are."""
_LONG: Final = 300.0
SLEEP: Final = "import time; time.sleep(1e6)"
"""A program that keeps a container of our own running."""
# To see the files of the image's first process, and then to become its user.
_RIGHTS: Final = ("SYS_PTRACE", "SYS_CHROOT", "DAC_READ_SEARCH", "SETUID", "SETGID")
_HELPERS: Final = VerifyOptions(limits={"memory": "256m", "cpus": "", "pids": "64", "log": "1m"})

Report = Mapping[str, Any]


class StuckError(Exception):
    """A container is too busy to be inspected."""


class Inspector:
    """Inspects one running container; without an `observer`, it leaves that to the image's own Python."""

    def __init__(self, session: Session, observer: str, container: str, network: str = "") -> None:
        self._session = session
        self._engine = session.engine
        self._container = container
        self._network = network or f"container:{container}"
        self.helper = self._create(observer) if observer else ""
        self._sees = bool(self.helper) and session.call(session.engine.call("start", self.helper)).ok

    def _create(self, observer: str) -> str:
        """A container of our own that shares the processes and the network of the other one."""
        limits = confine(self._engine.name, _HELPERS, self._network)
        rights = [word for right in _RIGHTS for word in ("--cap-add", right)]
        shared = ("--pid", f"container:{self._container}")
        flags = [*limits, *shared, *rights, "--user", "0", "--read-only", "--entrypoint", "python3"]
        return create(self._session, observer, flags, ("-c", SLEEP))[0]

    def ask(self, asked: Report) -> Report | None:
        """What its processes and ports are; None if nothing can look inside. Raises StuckError."""
        return self._ask_outside(asked) or self._ask_own(asked, _SHORT)

    def ask_all(self, asked: Report) -> Report | None:
        """The same, and what its files and packages are. Raises StuckError."""
        answers = self._ask_own({}, _SHORT) is not None  # a container that leaves no time is given up soon
        own = self._ask_own({**asked, "packages": True, "commands": True}, _LONG) if answers else None
        seen = self._ask_outside({**asked, "sites": own["sites"] if own else None})
        if seen is None:
            return own
        packages = own or {"scripts": {}, "pip_check": [None, ""], **self._run_commands(asked)}
        return {**packages, **seen}

    def _run_commands(self, asked: Report) -> Report:
        """The results of health check and checks, run by the engine."""
        health = self._run(asked["health"], 30)[0] if asked["health"] else None
        checks = [[line, *self._run(["sh", "-c", line], 60)] for line in asked["checks"]]
        return {"health": health, "checks": checks}

    def _run(self, argv: Sequence[str], limit: float) -> list[Any]:
        done = self._session.call(self._engine.within(self._container, *argv), limit)
        return [done.code, done.output[-1000:]]

    def _ask_outside(self, asked: Report) -> Report | None:
        if not self._sees:
            return None
        question = json.dumps({**asked, "outside": True})
        argv = self._engine.within(self.helper, "python3", "-I", "-B", "-", question)
        return self._read(argv, _LONG if "files" in asked else _SHORT)

    def _ask_own(self, asked: Report, limit: float) -> Report | None:
        for python in PYTHONS:
            argv = self._engine.within(self._container, python, "-B", "-", json.dumps(asked))
            if report := self._read(argv, limit):
                return report
        return None

    def _read(self, argv: list[str], limit: float) -> Report | None:
        done = self._session.call(argv, limit, script())
        if done.code == TIMED_OUT:
            raise StuckError
        return read_report(done.output)


def has_observer(session: Session, observer: str) -> bool:
    """Whether the engine has the image, or can pull it."""
    if not observer or not session.engine.runs:
        return False
    if session.call(session.engine.call("image", "inspect", observer)).ok:
        return True
    return session.call(session.engine.call("pull", "--quiet", observer), _LONG).ok


@cache
def script() -> str:
    """The script that looks inside."""
    return Path(__file__).with_name("inside.py").read_text(encoding="utf-8")


def read_report(output: str) -> Report | None:
    """The report among the lines that the script printed, None if there is none."""
    for line in reversed(output.splitlines()):
        if line.startswith('{"uid"'):
            report: Report = json.loads(line)
            return report
    return None
