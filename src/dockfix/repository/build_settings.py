"""Dockerfiles named by the settings of hosting platforms, and how those start the images.

A table has a row for each kind of file, with the places of the Dockerfile, the context, the target, the
commands, the variables and the volumes. A place is a path of keys; `*` matches each item of a list or
mapping.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from dockfix.context import Deployment, Mount, Setting
from dockfix.repository.commented_json import read_commented

Place = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A Dockerfile that a setting or a call names, its context and its target; "" is the default.

    `arguments` are its build arguments, `image` is the name of what it builds.
    """

    dockerfile: str
    context: str = ""
    target: str = ""
    arguments: tuple[tuple[str, str], ...] = ()
    image: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """A kind of file: its name, its parser, and the places of its settings below each of `services`.

    Dockerfile and context are relative to `folder`, a key of the service, below the file's folder or, if
    paths start `from_root`, the repository. The context is that folder, or the named one, or the
    Dockerfile's own if it is `beside` it. If none is named, it is `Dockerfile` if one of the places
    `builder` has one of the values `docker` ("" for none). A command by name belongs to the Dockerfile of
    that name, or of its `image`.
    Commands are lines for a shell if `in_shell`, and replace ENTRYPOINT too if they are `whole`.
    """

    kind: str
    name: re.Pattern[str]
    read: Callable[[str], Any]
    dockerfile: Place
    services: Place = ()
    folder: str = ""
    context: str = ""
    target: Place = ()
    builder: tuple[Place, ...] = ()
    docker: frozenset[str] = frozenset()
    beside: bool = False
    from_root: bool = False
    commands: tuple[Place, ...] = ()
    in_shell: bool = False
    whole: bool = False
    environment: Place = ()
    volumes: Place = ()
    volume: tuple[str, str] = ("", "")


def _yaml(text: str) -> Any:
    from dockfix.repository.yaml_nodes import read_values

    return next(iter(read_values(text)), None)


def _toml(text: str) -> Any:
    import tomllib

    return tomllib.loads(text)


_RAILWAY: Final[Mapping[str, Any]] = {
    "dockerfile": ("build", "dockerfilePath"), "builder": (("build", "builder"),),
    "docker": frozenset({"", "DOCKERFILE"}), "commands": (("deploy", "startCommand"),), "whole": True,
}  # fmt: skip
_APP_PLATFORM: Final[Mapping[str, Any]] = {
    "dockerfile": ("dockerfile_path",), "context": "source_dir", "from_root": True,
    "commands": (("run_command",),), "environment": ("envs",),
}  # fmt: skip
_DIGITAL_OCEAN: Final = re.compile(r"^(?:app|deploy\.template)\.ya?ml$")
_DEVCONTAINER: Final = re.compile(r"^\.?devcontainer\.json$")
_ROWS: Final = (
    Settings(
        "Fly", re.compile(r"^fly(?:\..+)?\.toml$"), _toml, ("build", "dockerfile"),
        target=("build", "build-target"), builder=(("build", "image"),), docker=frozenset({""}),
        commands=(("processes", "*"), ("deploy", "release_command")),
        environment=("env",), volumes=("mounts",), volume=("source", "destination"),
    ),
    Settings("Railway", re.compile(r"^railway\.json$"), json.loads, **_RAILWAY),
    Settings("Railway", re.compile(r"^railway\.toml$"), _toml, **_RAILWAY),
    Settings(
        "Render", re.compile(r"^render\.ya?ml$"), _yaml, ("dockerfilePath",), ("services", "*"),
        folder="rootDir", context="dockerContext", builder=(("runtime",), ("env",)),
        docker=frozenset({"docker"}), commands=(("dockerCommand",),), environment=("envVars",),
        volumes=("disk",), volume=("name", "mountPath"),
    ),
    Settings(
        "Heroku", re.compile(r"^heroku\.ya?ml$"), _yaml, ("build", "docker", "*"),
        beside=True, commands=(("run", "*"), ("release",)), in_shell=True,
    ),
    Settings(
        "Heroku", re.compile(r"^heroku\.ya?ml$"), _yaml, ("dockerfile",), ("build", "docker", "*"),
        beside=True, target=("target",),
    ),
    Settings(
        "App Engine", re.compile(r"^(?:app(?:[._-][\w-]+)?|\w+[._-]app)\.ya?ml$"), _yaml, ("dockerfile",),
        builder=(("runtime",),), docker=frozenset({"custom"}),
        commands=(("entrypoint",),), in_shell=True, whole=True, environment=("env_variables",),
    ),
    Settings(
        "devcontainer", _DEVCONTAINER, read_commented, ("dockerfile",), ("build",),
        context="context", target=("target",),
    ),
    Settings("devcontainer", _DEVCONTAINER, read_commented, ("dockerFile",), context="context"),
    Settings("App Platform", _DIGITAL_OCEAN, _yaml, services=("services", "*"), **_APP_PLATFORM),
    Settings("App Platform", _DIGITAL_OCEAN, _yaml, services=("spec", "services", "*"), **_APP_PLATFORM),
)  # fmt: skip
"""Keys as documented by fly.io ("App configuration"), Railway ("Config as code", "Set a start command"),
Render ("Blueprint specification"), Heroku ("heroku.yml"), Google ("app.yaml reference"), DigitalOcean
("Reference for App Specification") and containers.dev ("Dev Container metadata reference"). Fly gives a mount
point to the image's user
(fly-apps/dockerfile-rails#35)."""

NAMED_SUFFIXES: Final = (".toml", "railway.json")
"""The suffixes of the names of files that are read here, beside those of YAML."""

SETTINGS_NAME: Final = re.compile("|".join(row.name.pattern for row in _ROWS))
"""The base name of a file of one of these kinds."""


def find_named(path: str, text: str) -> Iterator[Named]:
    """The Dockerfiles that a file names; paths are relative to the repository. Raises ValueError."""
    for row, service in _services(path, text):
        yield from (named for _, named in _named(path, row, service))


def read_platform(path: str, text: str) -> Iterator[Deployment]:
    """How a platform starts the images of the Dockerfiles that a file names."""
    try:
        services = list(_services(path, text))
    except (ValueError, RecursionError):
        return
    for row, service in services:
        dockerfiles = dict(_named(path, row, service))
        for name, command, image in _commands(row, service):
            named = dockerfiles.get(image) or (dockerfiles.get("") if "*" not in row.dockerfile else None)
            if named is not None:
                yield _deployment(path, text, row, service, name, named, command)


def _services(path: str, text: str) -> Iterator[tuple[Settings, Mapping[str, Any]]]:
    base = posixpath.basename(path)
    for row in _ROWS:
        if row.name.search(base):
            for _, service in _at(row.read(text), row.services):
                if isinstance(service, Mapping):
                    yield row, service


def _at(content: Any, place: Place, name: str = "") -> Iterator[tuple[str, Any]]:
    """(name where `*` stands for one, value) of each value at a place."""
    if not place:
        yield name, content
    elif place[0] == "*":
        rows = content.items() if isinstance(content, Mapping) else enumerate(content or ())
        for key, one in rows if isinstance(content, Mapping | list) else ():
            yield from _at(one, place[1:], str(key))
    elif isinstance(content, Mapping) and content.get(place[0]) is not None:
        yield from _at(content[place[0]], place[1:], name)


def _value(content: Any, place: Place) -> Any:
    """The value at a place without `*`, None if there is none."""
    return next((one for _, one in _at(content, place)), None) if place else None


def _named(path: str, row: Settings, service: Mapping[str, Any]) -> Iterator[tuple[str, Named]]:
    """(name, Dockerfile) for each that a service names."""
    start = "" if row.from_root else posixpath.dirname(path)
    folder = posixpath.join(start, _text(service.get(row.folder)))
    found = [(name, one) for name, one in _at(service, row.dockerfile) if isinstance(one, str)]
    if not found and any(_text(_value(service, one)) in row.docker for one in row.builder):
        found = [("", "Dockerfile")]
    target = _text(_value(service, row.target))
    for name, dockerfile in found:
        inner = posixpath.dirname(dockerfile) if row.beside else _text(service.get(row.context))
        yield name, Named(posixpath.join(folder, dockerfile), posixpath.join(folder, inner), target)


def _commands(row: Settings, service: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(name of a process, its command line, name of its image)."""
    for place in row.commands:
        for name, written in _at(service, place):
            facts = written if isinstance(written, Mapping) else {"command": written}
            lines = facts.get("command")
            for line in lines if isinstance(lines, list) else [lines]:
                if isinstance(line, str) and line.strip():
                    yield name, line, _text(facts.get("image")) or name


def _deployment(
    path: str, text: str, row: Settings, service: Mapping[str, Any], name: str, named: Named, command: str
) -> Deployment:
    words = ("/bin/sh", "-c", command) if row.in_shell else _split(command)
    line = _line(text, command)
    return Deployment(
        path,
        line,
        row.kind,
        name or _text(service.get("name")),
        dockerfile=posixpath.normpath(named.dockerfile),
        target=named.target,
        entrypoint=words if row.whole else None,
        command=() if row.whole else words,
        environment=tuple(_environment(row, service)),
        mounts=tuple(_mounts(row, service, line)),
    )


def _split(command: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(command))
    except ValueError:
        return ("/bin/sh", "-c", command)


def _environment(row: Settings, service: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The variables, which are a mapping or a list of `key` and `value`."""
    for _, written in _at(service, row.environment) if row.environment else ():
        pairs = written.items() if isinstance(written, Mapping) else ()
        rows = [one for one in written if isinstance(one, Mapping)] if isinstance(written, list) else []
        for name, value in (*pairs, *((one.get("key"), one.get("value")) for one in rows)):
            if isinstance(name, str) and isinstance(value, str):
                yield name, value


def _mounts(row: Settings, service: Mapping[str, Any], line: int) -> Iterator[Mount]:
    for _, written in _at(service, row.volumes) if row.volumes else ():
        for one in written if isinstance(written, list) else [written]:
            source, target = (
                (_text(one.get(key)) for key in row.volume) if isinstance(one, Mapping) else ("", "")
            )
            if target:
                yield Mount(Setting(target, line), source)


def _line(text: str, command: str) -> int:
    first = command.strip().partition("\n")[0]
    at = max(text.find(first), text.find(json.dumps(first)[1:-1]), 0)
    return text.count("\n", 0, at) + 1


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
