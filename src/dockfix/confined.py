"""Process untrusted input in processes with limits of time and memory, which may be lost.

The kernel enforces the limits: an alarm that nothing in the process handles, and a limit on its address
space. Whatever an input does to a parser, the calling process continues, and knows which input caused it.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import os
import pickle
import select
import signal
import socket
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from typing import Any, Final, Generic, NoReturn, TypeVar

from dockfix.checks import codes
from dockfix.results import Finding

T = TypeVar("T")
R = TypeVar("R")

MEMORY: Final = 1 << 30
"""Bytes of memory that a process may use beyond what it starts with; also the maximum size of an answer."""
CHUNK: Final = 8
AHEAD: Final = 64
"""Things in progress per process: results keep their order, so a slow one can delay as many."""
SECONDS: Final = 10.0

_TOO_MUCH: Final = 77  # the exit code of a process that ran out of memory
_HEAD: Final = 8  # bytes that give the length of a message


class Loss(Enum):
    """Why there is no result."""

    TIMEOUT = "not finished in time"
    CRASH = "the process died"
    MEMORY = "out of memory"
    DEPTH = "nested too deeply"


def finding_of(loss: Loss, seconds: float | None = None) -> Finding:
    """The finding for a lost file."""
    match loss:
        case Loss.TIMEOUT:
            message = f"not finished within {seconds or _session.seconds:g} seconds"
            return Finding(codes.TIMEOUT, 0, message, "raise --timeout, or --exclude it")
        case Loss.MEMORY:
            return Finding(codes.CRASH, 0, f"needs more than {MEMORY >> 20} MiB of memory", "--exclude it")
        case Loss.DEPTH:
            return Finding(codes.TOO_LARGE, 0, "nested too deeply to be read", "--exclude it")
        case Loss.CRASH:
            return Finding(codes.CRASH, 0, "its worker process died", "please report it, with the file")


@dataclass(frozen=True, slots=True)
class Known(Generic[R]):
    """A result that needs no work, but keeps its place among the others."""

    result: R


@dataclass(slots=True)
class _Slot:
    """A thing to process, its result, and whether there is one yet."""

    thing: Any
    result: Any = None
    is_done: bool = False

    def finish(self, result: Any) -> None:
        self.result = result
        self.is_done = True


class _Process:
    """A forked process, the things that it works on, and its deadline."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair()
        _channels.add(self._channel)
        self.slots: deque[_Slot] = deque()
        self._deadline = self._seconds = 0.0
        self._has_finished = False
        self._pid = os.fork()
        if self._pid == 0:
            _serve(theirs)
        theirs.close()

    def fileno(self) -> int:
        """The descriptor to select on: readable when there is an answer, or the process has ended."""
        return self._channel.fileno()

    @property
    def patience(self) -> float:
        """Seconds until it counts as lost, in case its alarm does not end it."""
        return max(0.0, self._deadline - time.monotonic())

    def begin(self, function: Callable[[Any], Any], slots: Iterable[_Slot], seconds: float) -> None:
        """Start to work on some things, each with a time limit in seconds."""
        self.slots.extend(slots)
        self._seconds = seconds
        self._wait_longer()
        with contextlib.suppress(OSError):  # a dead process is noticed on receive
            _send(self._channel, pickle.dumps((function, [slot.thing for slot in self.slots], seconds)))

    def receive(self) -> Loss | None:
        """Receive one answer; if the process is lost, return how, and give up the thing that it worked on.

        A process that died or ran out of memory after other things gives up none: it may be theirs.
        """
        loss = None if self.patience else Loss.TIMEOUT
        if loss is None and (data := _receive(self._channel)) is not None:
            self._wait_longer()
            is_error, result = pickle.loads(data)
            if is_error:
                raise result
            self.slots.popleft().finish(result)
            self._has_finished = True
            return None
        loss = self.end() or loss or Loss.CRASH
        if loss in (Loss.MEMORY, Loss.CRASH) and self._has_finished:
            return loss  # what it kept of earlier things may be the reason: that thing has another try
        self.slots.popleft().finish(loss)
        return loss

    def _wait_longer(self) -> None:
        self._deadline = time.monotonic() + 2 * self._seconds + 1

    def end(self) -> Loss | None:
        """End the process if it still runs; return how it was lost, None if it was not."""
        _channels.discard(self._channel)
        self._channel.close()
        if not self.slots or not self.patience:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        _, status = os.waitpid(self._pid, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
            return Loss.TIMEOUT
        return Loss.MEMORY if os.WIFEXITED(status) and os.WEXITSTATUS(status) == _TOO_MUCH else None


_channels: Final[set[socket.socket]] = set()
"""This process's ends of the channels to the others."""


@dataclass(slots=True)
class _Session:
    """Idle processes, a callback before another one is forked, and the time limit for each thing."""

    before_fork: Callable[[], None] = lambda: None
    seconds: float = SECONDS
    idle: list[_Process] = field(default_factory=list)
    is_open: bool = False

    def start(self) -> _Process:
        self.before_fork()
        return _Process()

    def end(self) -> None:
        while self.idle:
            self.idle.pop().end()


@dataclass(slots=True)
class _Crew:
    """The busy processes, and the session that keeps the idle ones."""

    count: int
    session: _Session
    busy: list[_Process] = field(default_factory=list)

    def hand_out(self, function: Callable[[Any], Any], waiting: deque[_Slot], seconds: float) -> None:
        """Give waiting things to idle and new processes."""
        while waiting and len(self.busy) < self.count:
            process = self.session.idle.pop() if self.session.idle else self.session.start()
            chunk = [waiting.popleft() for _ in range(min(CHUNK, len(waiting)))]
            self.busy.append(process)
            process.begin(function, chunk, seconds)

    def collect(self, waiting: deque[_Slot], *, wait: bool) -> None:
        """Receive an answer from each process that has one.

        The remaining things of a lost process wait again.
        """
        patience = min((process.patience for process in self.busy), default=0.0) if wait else 0.0
        ready, _, _ = select.select(self.busy, [], [], patience)
        late = [process for process in self.busy if not process.patience and process not in ready]
        for process in (*ready, *late):
            lost = process.receive() is not None
            if lost:
                waiting.extendleft(reversed(process.slots))
            elif not process.slots:
                self.session.idle.append(process)
            if lost or not process.slots:
                self.busy.remove(process)

    def end(self) -> None:
        """End the busy processes and, outside of a session, the idle ones."""
        for process in self.busy:
            process.slots.clear()
            process.end()
        self.busy.clear()
        if self.session is not _session:
            self.session.end()


_session: Final = _Session()


@contextlib.contextmanager
def session(before_fork: Callable[[], None], seconds: float = SECONDS) -> Iterator[None]:
    """Keep idle processes for later work; `before_fork` must leave this process with one thread."""
    _session.before_fork, _session.seconds, _session.is_open = before_fork, seconds, True
    try:
        yield
    finally:
        _session.before_fork, _session.seconds, _session.is_open = lambda: None, SECONDS, False
        _session.end()


def renew() -> None:
    """End idle processes, so that new ones start with what this process has loaded since."""
    _session.end()


def work_all(
    function: Callable[[T], R],
    things: Iterable[T | Known[R]],
    *,
    seconds: float | None = None,
    count: int = 1,
) -> Iterator[R | Loss]:
    """The results of `function` (a module-level function) for each thing, in order, or why there is none.

    Things and results are pickled. Each thing has a time limit of `seconds` (None: that of the session);
    up to `count` processes work in parallel.
    """
    source = iter(things)
    window: deque[_Slot] = deque()
    waiting: deque[_Slot] = deque()
    crew = _Crew(count, _session if _session.is_open else _Session())
    try:
        while True:
            for thing in islice(source, AHEAD * count - len(window)):
                window.append(slot := _Slot(thing))
                if isinstance(thing, Known):
                    slot.finish(thing.result)
                else:
                    waiting.append(slot)
            if not window:
                return
            crew.hand_out(function, waiting, seconds or _session.seconds)
            if crew.busy:
                crew.collect(waiting, wait=not window[0].is_done)
            if window[0].is_done:
                yield window.popleft().result
    finally:
        crew.end()


def work(function: Callable[[T], R], thing: T, *, seconds: float | None = None) -> R | Loss:
    """The result of `function` for one thing, or why there is none."""
    return next(work_all(function, [thing], seconds=seconds))


def _serve(channel: socket.socket) -> NoReturn:
    """Work for the process at the other end, and exit with it."""
    try:
        _confine(channel)
        while (message := _receive(channel)) is not None:
            function, things, seconds = pickle.loads(message)
            for thing in things:
                signal.setitimer(signal.ITIMER_REAL, seconds)
                answer = _answer(function, thing)
                signal.setitimer(signal.ITIMER_REAL, 0)
                _send(channel, answer)
    except MemoryError:
        os._exit(_TOO_MUCH)
    finally:
        os._exit(1)


def _answer(function: Callable[[Any], Any], thing: Any) -> bytes:
    try:
        data = pickle.dumps((False, function(thing)), pickle.HIGHEST_PROTOCOL)
    except MemoryError:
        raise
    except RecursionError:
        data = pickle.dumps((False, Loss.DEPTH))
    except Exception as error:  # noqa: BLE001  # raised again by who asked
        data = pickle.dumps((True, error))
    if len(data) > MEMORY:
        raise MemoryError
    return data


def _confine(channel: socket.socket) -> None:
    for other in _channels:
        other.close()
    for number in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.disable()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)
    warnings.simplefilter("ignore")  # warnings of the Python compiler quote their input
    gc.freeze()  # existing objects are not garbage: collect only what single files leave
    gc.set_threshold(50_000, 10, 10)
    _limit_memory()
    threading.Thread(target=_end_with, args=(channel,), daemon=True).start()


def _limit_memory() -> None:
    """Limit the address space, if the system supports it (macOS does not)."""
    import resource

    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with open("/proc/self/statm", encoding="ascii") as file:
            now = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, now + MEMORY))


def _end_with(channel: socket.socket) -> None:
    """Exit when the process at the other end has gone, even if it was killed."""
    watch = select.poll()
    watch.register(channel, 0)  # only its end
    watch.poll()
    os._exit(1)


def _send(channel: socket.socket, data: bytes) -> None:
    channel.sendall(len(data).to_bytes(_HEAD, "big") + data)


def _receive(channel: socket.socket) -> bytes | None:
    """The next message, None if the channel is closed."""
    try:
        head = _read(channel, _HEAD)
        return None if head is None else _read(channel, int.from_bytes(head, "big"))
    except ConnectionError:
        return None


def _read(channel: socket.socket, size: int) -> bytes | None:
    parts = []
    while size:
        part = channel.recv(min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
