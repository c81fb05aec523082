"""The services that a compose file says an image depends on, and how it starts the image itself."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dockfix.files.candidates import Build
from dockfix.repository.arguments import UNKNOWN
from dockfix.repository.compose_project import read_services
from dockfix.repository.neighbours import Neighbours

Words = tuple[str, ...]
_MOST: Final = 16
"""The maximum number of services that are started for one image."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service: its name, image, variables (`NAME=VALUE`), command, and health check as a program to run.

    A `command` of None is the image's own.
    """

    name: str
    image: str
    environment: Words = ()
    command: Words | None = None
    health: Words = ()


@dataclass(frozen=True, slots=True)
class Company:
    """What an image is started with: services, first those that others depend on, and its own settings."""

    services: tuple[Service, ...] = ()
    environment: Words = ()
    command: Words | None = None


ALONE: Final = Company()


def find_company(root: Path, build: Build) -> Company:
    """What the compose file of a build says of the service that it builds; ALONE if it says nothing."""
    read = Neighbours(os.path.realpath(root))
    text = read(build.source)
    if text is None or not build.name:
        return ALONE
    found = {one.name: one.facts for one in read_services(build.source, text, read)}
    own = found.get(build.name)
    if own is None:
        return ALONE
    services = tuple(_service(name, found[name]) for name in _order(found, build.name))[:_MOST]
    return Company(services, _environment(own), _words(own.get("command")))


def _order(services: Mapping[str, Mapping[str, Any]], name: str) -> list[str]:
    """The names of services with an image that one depends on, each after those that it depends on itself."""
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
        if current != name and _is_pulled(services[current]):
            order.append(current)
    return order


def _dependencies(facts: Mapping[str, Any]) -> Iterator[str]:
    found = facts.get("depends_on")
    names = found if isinstance(found, list | Mapping) else ()
    return (one for one in names if isinstance(one, str))


def _is_pulled(facts: Mapping[str, Any]) -> bool:
    image = facts.get("image")
    return isinstance(image, str) and UNKNOWN not in image and "build" not in facts


def _service(name: str, facts: Mapping[str, Any]) -> Service:
    return Service(
        name,
        facts["image"],
        _environment(facts),
        _words(facts.get("command")),
        _health(facts.get("healthcheck")),
    )


def _environment(facts: Mapping[str, Any]) -> Words:
    """The variables with a value in the file; what has none is not taken from this environment."""
    found = facts.get("environment")
    return tuple(_assignments(found)) if isinstance(found, Mapping) else ()


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
