"""Start the services that an image waits for, beside it, in a network of their own without a way out."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Final

from dockfix.options.request import VerifyOptions
from dockfix.verify.build_log import failed_step
from dockfix.verify.confinement import confine, limit
from dockfix.verify.containers import create, read_state, remove
from dockfix.verify.images import Source, build_image
from dockfix.verify.inspecting import SLEEP, read_report, script
from dockfix.verify.services import Company, Service, Start
from dockfix.verify.session import Session

_PATIENCE: Final = 60.0
"""The seconds in which a service has to be ready."""
_PULL_SECONDS: Final = 600.0
"""The time limit for creating its container, for which its image may have to be pulled."""
_PAUSE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Around:
    """What an image is started in: its network, and what the company says of it.

    `names` are flags by which it knows the names of others; `ports` are those of other containers;
    `shared` is a network to inspect it in, "" for its own.
    """

    start: Start
    network: str = "none"
    names: tuple[str, ...] = ()
    ports: frozenset[int] = frozenset()
    shared: str = ""

    @property
    def flags(self) -> tuple[str, ...]:
        """Flags for creating the image's container."""
        return (*self.names, *self.start.flags)


@contextmanager
def surround(session: Session, options: VerifyOptions, company: Company) -> Iterator[Around]:
    """Start the services of a company for as long as an image is tried. Raises PodError."""
    if not company.services:
        yield Around(company.start)
        return
    with Pod(session, options, company) as pod:
        yield Around(company.start, pod.network, pod.names, pod.ports, pod.network)


class PodError(RuntimeError):
    """A service does not start, or is not ready in time."""


class Pod:
    """A context manager: the services of a company, in one network in which each has its name.

    All of it shares one loopback interface, which works on every engine and lets nothing out; two services
    on the same port cannot be started. Raises PodError on entry.
    """

    def __init__(self, session: Session, options: VerifyOptions, company: Company) -> None:
        self._session = session
        self._engine = session.engine
        self._options = options
        self._company = company
        self._containers: list[str] = []
        self._images: list[str] = []
        self.ports: frozenset[int] = frozenset()

    @property
    def network(self) -> str:
        """The network of the pod, as the value of a flag."""
        return f"container:{self._containers[0]}"

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Flags that give a container in this network the names of the services.

        Docker's share /etc/hosts with the network; podman's get a file of their own.
        """
        if self._engine.name != "podman":
            return ()
        place = Path(self._session.folder, f"hosts-{self._containers[0]}")
        place.write_text(" ".join(["127.0.0.1 localhost", *self._hosts]) + "\n")
        return ("--volume", f"{place}:/etc/hosts:ro,z")

    @property
    def _hosts(self) -> Iterator[str]:
        """All names of the services."""
        return (name for one in self._company.services for name in one.names)

    def __enter__(self) -> Pod:
        try:
            self._start_network()
            for service in self._company.services:
                self._start(service)
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def _remove(self) -> None:
        remove(self._session, *reversed(self._containers))
        if self._images and not self._session.closed:
            self._session.call(self._engine.call("rmi", "--force", *self._images))

    def _start_network(self) -> None:
        if not self._options.observer:
            raise PodError("services need the image of --observer, which this engine does not have")
        hosts = [word for one in self._hosts for word in ("--add-host", f"{one}:127.0.0.1")]
        flags = (*confine(self._engine.name, self._options), *hosts, "--entrypoint", "python3")
        self._run("their network", self._options.observer, flags, ("-c", SLEEP))

    def _start(self, service: Service) -> None:
        before = self._listening()
        image = service.image if service.source is None else self._build(service.name, service.source)
        # Databases start as root and take a user of their own, for which they need an engine's usual rights.
        flags = ("--network", self.network, "--security-opt", "no-new-privileges", *self.names)
        limits = limit(self._engine.name, self._options)
        start = service.start
        container = self._run(service.name, image, (*flags, *limits, *start.flags), start.words)
        self._await_ready(service, container, before)

    def _build(self, name: str, source: Source) -> str:
        image = f"dockfix-verify-{self._session.name}:{self._containers[0][:12]}-{len(self._images)}"
        built = build_image(self._session, self._options, source, image)
        if not built.ok:
            raise PodError(f"the service {name} does not build: {failed_step(built.log)}")
        self._images.append(image)
        return image

    def _run(self, name: str, image: str, flags: Sequence[str], words: Sequence[str]) -> str:
        container, printed = create(self._session, image, flags, words, _PULL_SECONDS)
        if container:
            self._containers.append(container)
            began = self._session.call(self._engine.call("start", container))
            if began.ok:
                return container
            printed = began.output
        raise PodError(f"the service {name} does not start: {printed.strip()[-300:]}")

    def _await_ready(self, service: Service, container: str, before: frozenset[int]) -> None:
        """Wait until its health check passes, it listens on a port, or it has ended with 0."""
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            state = read_state(self._session, container)
            if not state.get("Running"):
                self._check_end(service, container, state.get("ExitCode"))
                return
            if self._is_ready(service, container, before):
                self.ports = self._listening()
                return
            time.sleep(_PAUSE)
        raise PodError(f"the service {service.name} was not ready after {_PATIENCE:g} s")

    def _check_end(self, service: Service, container: str, code: object) -> None:
        if code != 0:
            log = self._session.call(self._engine.call("logs", "--tail", "5", container)).output.strip()
            raise PodError(f"the service {service.name} ends with exit code {code}: {log[-300:]}")

    def _is_ready(self, service: Service, container: str, before: frozenset[int]) -> bool:
        if service.health:
            return self._session.call(self._engine.within(container, *service.health), 30).ok
        return bool(self._listening() - before)

    def _listening(self) -> frozenset[int]:
        """The ports that something in the pod listens on."""
        argv = self._engine.within(self._containers[0], "python3", "-I", "-B", "-", json.dumps({"ask": []}))
        report = read_report(self._session.call(argv, 30, script()).output)
        return frozenset(report["ports"]) if report else frozenset()
