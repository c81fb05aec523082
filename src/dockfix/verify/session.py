"""A session with an engine: its calls, its label, its folder, and the clean-up at the end."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Final

from dockfix.verify import sweeper
from dockfix.verify.engine import Engine
from dockfix.verify.output import Output, collect

LABEL: Final = "dockfix.verify"
TIMED_OUT: Final = 124


@dataclass(frozen=True, slots=True)
class Done:
    """The exit code of a call (124: timed out), and its output: both streams combined."""

    code: int
    output: str

    @property
    def ok(self) -> bool:
        """Whether it succeeded."""
        return self.code == 0


class ClosedError(RuntimeError):
    """The session has ended and makes no further calls."""


class Session:
    """A context manager that removes every container, image and file that it created.

    A separate process cleans up, even if this one is killed.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.name = secrets.token_hex(6)
        self.label = f"{LABEL}={self.name}"
        self._calls: set[int] = set()
        self._lock = threading.Lock()
        self._closed = False

    def __enter__(self) -> Session:
        self.folder = tempfile.mkdtemp(prefix="dockfix-verify-")
        argv = [sys.executable, "-I", sweeper.__file__, self.engine.executable, self.label, self.folder]
        self._sweeper = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        self._pipe.close()
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            self._sweeper.wait(60)  # it continues on its own if that is not enough

    @property
    def closed(self) -> bool:
        """Whether the session has ended, which leaves the rest to the sweeper."""
        return self._closed

    def close(self) -> None:
        """Stop the calls in progress and reject further ones."""
        with self._lock:
            self._closed = True
            for pid in self._calls:
                _kill(pid)

    @property
    def _pipe(self) -> IO[bytes]:
        assert self._sweeper.stdin is not None
        return self._sweeper.stdin

    def call(self, argv: list[str], timeout: float = 120.0, stdin: str | None = None) -> Done:
        """Run one engine call to completion. Raises ClosedError if the session ends in the meantime."""
        output = Output()
        with _handed(stdin) as given:
            process = self._start(argv, given)
        try:
            code = collect(process, timeout, output)
        except subprocess.TimeoutExpired:
            _kill(process.pid)
            process.wait()
            code = TIMED_OUT
        except BaseException:
            self.close()  # the sweeper removes what is left
            process.wait()
            raise
        finally:
            self._pipe_of(process).close()
            self._forget(process.pid)
        if self._closed:
            raise ClosedError
        return Done(code, output.text)

    @contextmanager
    def stream(self, argv: list[str], timeout: float = 120.0) -> Iterator[IO[bytes]]:
        """The output of one engine call while it runs, without its messages; it ends with the block.

        A call that takes longer than `timeout` seconds is ended, and its output with it.
        """
        process = self._start(argv, None, messages=subprocess.DEVNULL)
        output = self._pipe_of(process)
        clock = threading.Timer(timeout, _kill, [process.pid])
        clock.start()
        try:
            yield output
        finally:
            clock.cancel()
            _kill(process.pid)
            output.close()
            process.wait()
            self._forget(process.pid)

    def leave(self, image: str) -> None:
        """Remove the name of an image once the session ends, however it does."""
        with self._lock:
            if self._closed:
                raise ClosedError
            self._tell(f"={image}\n")

    @staticmethod
    def _pipe_of(process: subprocess.Popen[bytes]) -> IO[bytes]:
        assert process.stdout is not None
        return process.stdout

    def _start(
        self, argv: list[str], given: IO[bytes] | None, messages: int = subprocess.STDOUT
    ) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._closed:
                raise ClosedError
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL if given is None else given,
                stdout=subprocess.PIPE,
                stderr=messages,
                start_new_session=True,
            )
            self._calls.add(process.pid)
            self._tell(f"+{process.pid}\n")
        return process

    def _forget(self, pid: int) -> None:
        with self._lock:
            self._calls.discard(pid)
            if not self._closed:
                self._tell(f"-{pid}\n")

    def _tell(self, line: str) -> None:
        self._pipe.write(line.encode())
        self._pipe.flush()


@contextmanager
def _handed(text: str | None) -> Iterator[IO[bytes] | None]:
    """A file with the text, for a program's standard input."""
    if text is None:
        yield None
        return
    with tempfile.TemporaryFile() as file:
        file.write(text.encode())
        file.seek(0)
        yield file


def _kill(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        return
