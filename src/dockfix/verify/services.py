"""The services that a compose file says an image depends on, and how it starts the image itself."""

from __future__ import annotations

import os
import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from dockfix.files.candidates import Build
from dockfix.repository.arguments import UNKNOWN
from dockfix.repository.builds import find_builds
from dockfix.repository.compose_project import read_services
from dockfix.repository.interpolation import read_environment
from dockfix.repository.neighbours import Neighbours, Read
from dockfix.repository.parts import list_of, mapping_of
from dockfix.verify.images import Source

Words = tuple[str, ...]
_MOST: Final = 16
"""The maximum number of services that are started for one image."""
_NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,252}")
"""A name of a host (RFC 1123, and the underscores that compose allows)."""
_EXAMPLES: Final = (
    "{}.example",
    "{}.sample",
    "{}.template",
    "{}.dist",
    "{}-example",
    "example{}",
    "sample{}",
)
"""Names of files that show what a file of settings holds, which is itself often kept out of a repository."""


@dataclass(frozen=True, slots=True)
class Start:
    """How a container is started: variables (`NAME=VALUE`), entry point and command, None for the image's."""

    environment: Words = ()
    command: Words | None = None
    entrypoint: Words | None = None

    @property
    def flags(self) -> Words:
        """Flags for an engine's `create`."""
        variables = tuple(word for one in self.environment for word in ("--env", one))
        return (*variables, "--entrypoint", self.entrypoint[0]) if self.entrypoint else variables

    @property
    def words(self) -> Words:
        """The words after the image."""
        return (*(self.entrypoint or ())[1:], *(self.command or ()))


PLAIN: Final = Start()


@dataclass(frozen=True, slots=True)
class Service:
    """A service: its name, its image or what that is built from, its start, its health check as a program.

    `aliases` are other names by which it is reached.
    """

    name: str
    image: str
    start: Start = PLAIN
    health: Words = ()
    source: Source | None = None
    aliases: Words = ()

    @property
    def names(self) -> Words:
        """All the names by which others reach it."""
        return (self.name, *self.aliases)


@dataclass(frozen=True, slots=True)
class Company:
    """What an image is started with: services, first those that others depend on, and its own settings.

    `hidden` are values of settings that no report may show, `missing` files of settings that are not there.
    """

    services: tuple[Service, ...] = ()
    start: Start = PLAIN
    hidden: Words = ()
    missing: Words = ()


ALONE: Final = Company()


@dataclass
class _Files:
    """Reads a repository's files; where one with settings is missing, the example beside it is read.

    `private` are the values in files of settings that are not examples, `missing` the paths of those that
    are there in neither form.
    """

    read: Read
    private: set[str] = field(default_factory=set)
    missing: dict[str, None] = field(default_factory=dict)

    def __call__(self, path: str) -> str | None:
        """The text of a file, as a `Read`."""
        return self._settings(path) if posixpath.basename(path) == ".env" else self.read(path)

    def settings(self, path: str) -> Mapping[str, str]:
        """The variables in a file that a service names."""
        text = self._settings(path)
        if text is None:
            self.missing[path] = None
        return read_environment(text or "")

    def _settings(self, path: str) -> str | None:
        text = self.read(path)
        if text is not None:
            self.private.update(read_environment(text).values())
            return text
        folder, name = posixpath.split(path)
        places = (posixpath.join(folder, one.format(name)) for one in _EXAMPLES)
        return next(filter(None, map(self.read, places)), None)


def find_company(root: Path, build: Build) -> Company:
    """What the compose file of a build says of the service that it builds; ALONE if it says nothing."""
    read = _Files(Neighbours(os.path.realpath(root)))
    text = read(build.source)
    if text is None or not build.name:
        return ALONE
    found = {one.name: one.facts for one in read_services(build.source, text, read)}
    if build.name not in found:
        return ALONE
    sources = {one.name: _source(root, one, read) for one in find_builds(build.source, text, read)}
    services = [_service(name, found[name], sources.get(name), read) for name in _order(found, build.name)]
    able = tuple(one for one in services if one.image or one.source is not None)[:_MOST]
    start = _start(found[build.name], read)
    return Company(able, start, tuple(sorted(read.private)), tuple(read.missing))


def _source(root: Path, build: Build, read: Read) -> Source | None:
    """What a service is built from, None if that is not known or not there."""
    text = None if UNKNOWN in build.dockerfile + build.context else read(build.dockerfile)
    context = root / build.context
    if text is None or not context.is_dir():
        return None
    arguments = {name: value for name, value in build.arguments if value not in (UNKNOWN, None)}
    target = None if build.target == UNKNOWN else build.target or None
    return Source(text, root / build.dockerfile, context, target, arguments)


def _order(services: Mapping[str, Mapping[str, Any]], name: str) -> list[str]:
    """The names of the services that one depends on, each after those that it depends on itself."""
    order: list[str] = []
    seen = {name}
    way = [(name, _dependencies(services[name]))]
    while way:
        current, others = way[-1]
        other = next((one for one in others if one in services and one not in seen), None)
        if other is not None:
            seen.add(other)
            way.append((other, _dependencies(services[other])))
            continue
        way.pop()
        if current != name:
            order.append(current)
    return order


def _dependencies(facts: Mapping[str, Any]) -> Iterator[str]:
    found = facts.get("depends_on")
    links = (str(one).partition(":")[0] for one in list_of(facts.get("links")))
    names = (*(found if isinstance(found, list | Mapping) else ()), *links)
    return (one for one in names if isinstance(one, str))


def _service(name: str, facts: Mapping[str, Any], source: Source | None, read: _Files) -> Service:
    image = facts.get("image")
    is_pulled = isinstance(image, str) and UNKNOWN not in image and "build" not in facts
    start, health = _start(facts, read), _health(facts.get("healthcheck"))
    aliases = tuple(dict.fromkeys(one for one in _aliases(facts) if _NAME.fullmatch(one) and one != name))
    return Service(name, str(image) if is_pulled else "", start, health, source, aliases)


def _aliases(facts: Mapping[str, Any]) -> Iterator[str]:
    yield from (str(facts[key]) for key in ("container_name", "hostname") if facts.get(key))
    for network in mapping_of(facts.get("networks")).values():
        yield from map(str, list_of(mapping_of(network).get("aliases")))


def _start(facts: Mapping[str, Any], read: _Files) -> Start:
    command, entrypoint = _words(facts.get("command")), _words(facts.get("entrypoint"))
    return Start(_environment(facts, read), command, entrypoint)


def _environment(facts: Mapping[str, Any], read: _Files) -> Words:
    """The variables with a value in the file or its `env_file`s; what has none is not taken from here."""
    found: dict[str, Any] = {}
    for path in facts.get("env_file", ()):
        found |= read.settings(path) if UNKNOWN not in path else {}
    named = facts.get("environment")
    return tuple(_assignments(found | dict(named) if isinstance(named, Mapping) else found))


def _assignments(found: Mapping[str, Any]) -> Iterator[str]:
    for name, value in found.items():
        if isinstance(value, bool):
            yield f"{name}={str(value).lower()}"
        elif value is not None and UNKNOWN not in str(value):
            yield f"{name}={value}"


def _words(command: object) -> Words | None:
    """The words of a command, which compose splits like a shell; None for the image's own."""
    try:
        words = shlex.split(command) if isinstance(command, str) else command
    except ValueError:
        return None
    if not isinstance(words, list) or not words or any(UNKNOWN in str(word) for word in words):
        return None
    return tuple(map(str, words))


def _health(check: object) -> Words:
    test = check.get("test") if isinstance(check, Mapping) else None
    if isinstance(test, str):
        test = ["CMD-SHELL", test]
    if not isinstance(test, list) or len(test) < 2 or any(UNKNOWN in str(word) for word in test):
        return ()
    words = tuple(map(str, test))
    return {"CMD": words[1:], "CMD-SHELL": ("sh", "-c", *words[1:])}.get(words[0], ())
