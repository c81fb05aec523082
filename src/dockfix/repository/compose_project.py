"""The services of compose files, including what they extend, include and override.

Follows "Merge", "Extends" and "Include" of the compose specification (compose-spec/compose-spec,
13-merge.md, 05-services.md, 14-include.md).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from dockfix.repository.arguments import UNKNOWN
from dockfix.repository.interpolation import fill, read_environment
from dockfix.repository.neighbours import Read, read_nothing
from dockfix.repository.parts import mapping_of
from dockfix.repository.yaml_nodes import Tagged, read_values

_DEFAULTS: Final = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_MAX_DEPTH: Final = 16
_MOST: Final = 64
"""The maximum number of files of a project."""
_REPLACED: Final = frozenset({"command", "entrypoint"})
_MAPPINGS: Final = frozenset({"environment", "args", "labels", "additional_contexts"})
RESET: Final = "!reset"
OVERRIDE: Final = "!override"
"""The tags of values that remove and replace those of the files below, instead of being merged with them."""
_TAGS: Final = frozenset({RESET, OVERRIDE})
_REMOTE: Final = re.compile(r"^(?:\w+://|git@|/|~)")

Facts = dict[str, Any]
"""A service as compose sees it: variables are filled in, the context is relative to the repository."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service, and the file that describes it; its paths are relative to `folder`.

    `devices` are the folders of the host that named volumes stand for, by name, `memory` the options of those
    that are a tmpfs.
    """

    source: str
    name: str
    facts: Facts
    folder: str
    devices: Mapping[str, str] = field(default_factory=dict)
    memory: Mapping[str, str] = field(default_factory=dict)


def read_services(name: str, text: str, read: Read = read_nothing) -> list[Service]:
    """The services of the compose file at `name`, and of those that it includes.

    If a service has neither an image nor a build, the file overrides the default file in its folder.
    """
    project = _Project(read)
    own = project.load(name, text)
    if any(map(_is_partial, own.values())):
        base = project.beside(name)
        own = {key: _on_top(base.get(key), one) for key, one in own.items()}
    return [replace(one, facts=_resolve(one.facts, {})) for one in (*own.values(), *project.included)]


def with_settings(service: Service, read: Read) -> Service:
    """The service with the variables of its `env_file`s, which those of its `environment` override."""
    files = service.facts.get("env_file")
    texts = (read(path) for path in files if UNKNOWN not in path) if isinstance(files, list) else ()
    found = {name: value for text in texts if text for name, value in read_environment(text).items()}
    own = mapping_of(service.facts.get("environment"))
    return replace(service, facts=service.facts | {"environment": {**found, **own}}) if found else service


def _resolve(facts: Mapping[str, Any], done: dict[int, Facts]) -> Facts:
    """The facts after the last merge: without what is reset, and with the values of what is replaced.

    Mappings with several aliases are resolved once.
    """
    if id(facts) in done:
        return done[id(facts)]
    made = done[id(facts)] = {}
    for key, value in facts.items():
        plain = value.value if isinstance(value, Tagged) else value
        if not (isinstance(value, Tagged) and value.tag == RESET):
            made[key] = _resolve(plain, done) if isinstance(plain, Mapping) else plain
    return made


def _is_partial(service: Service) -> bool:
    """Whether a service has neither an image nor the source of a build."""
    facts = _resolve(service.facts, {})
    build = facts.get("build")
    is_built = isinstance(build, Mapping) and bool(build.keys() & {"context", "dockerfile_inline"})
    return not is_built and not facts.get("image")


def _on_top(base: Service | None, own: Service) -> Service:
    if base is None:
        return own
    devices, memory = {**base.devices, **own.devices}, {**base.memory, **own.memory}
    return Service(own.source, own.name, _merge(base.facts, own.facts), base.folder, devices, memory)


@dataclass
class _Project:
    """Compose files that are read together."""

    read: Read
    included: list[Service] = field(default_factory=list)
    _loaded: dict[tuple[str, str], dict[str, Service]] = field(default_factory=dict)

    def beside(self, name: str) -> dict[str, Service]:
        """The services of the default file in the folder of `name`, unless that is the default file."""
        folder = posixpath.dirname(name)
        for other in _DEFAULTS:
            path = posixpath.join(folder, other)
            if path != name and (text := self.read(path)) is not None:
                return self.load(path, text)
        return {}

    def load(self, name: str, text: str, folder: str | None = None) -> dict[str, Service]:
        """The services of a file by name, extended; the services that it includes are collected."""
        start = posixpath.dirname(name) if folder is None else folder
        if (name, start) not in self._loaded:
            self._loaded[name, start] = {}  # stops a file from including itself
            self._loaded[name, start] = self._load(name, text, start) if len(self._loaded) < _MOST else {}
        return self._loaded[name, start]

    def _load(self, name: str, text: str, start: str) -> dict[str, Service]:
        values = read_environment(self.read(posixpath.join(start, ".env")) or "")
        found: dict[str, Facts] = {}
        devices: dict[str, str] = {}
        memory: dict[str, str] = {}
        for document in read_values(text, _TAGS):
            content = fill(document, values) if isinstance(document, Mapping) else {}
            self._include(start, content.get("include"))
            devices.update(_devices(content.get("volumes")))
            memory.update(_memory(content.get("volumes")))
            services = content.get("services")
            for key, facts in services.items() if isinstance(services, Mapping) else ():
                if isinstance(facts, Mapping):
                    found[str(key)] = _merge(found.get(str(key), {}), _place(facts, start))
        rows = {key: self._extend(name, found, key, ()) for key in found}
        return {key: Service(name, key, facts, start, devices, memory) for key, facts in rows.items()}

    def _include(self, start: str, written: Any) -> None:
        for one in written if isinstance(written, list) else ():
            asked = one if isinstance(one, Mapping) else {"path": one}
            paths = asked["path"] if isinstance(asked.get("path"), list) else [asked.get("path")]
            names = [_from(start, path) for path in paths if isinstance(path, str)]
            folder = asked.get("project_directory")
            place = _from(start, folder) if isinstance(folder, str) else None
            merged: dict[str, Service] = {}
            for name in names:
                text = self.read(name) if UNKNOWN not in name else None
                for key, service in self.load(name, text, place).items() if text is not None else ():
                    merged[key] = _on_top(merged.get(key), service)
            self.included += merged.values()

    def _extend(self, name: str, services: Mapping[str, Facts], key: str, seen: tuple[str, ...]) -> Facts:
        """A service of a file, merged over the one that it extends."""
        own = services[key]
        asked = own.get("extends")
        if asked is None or key in seen or len(seen) > _MAX_DEPTH:
            return own
        wanted = asked if isinstance(asked, Mapping) else {"service": asked}
        other, file = str(wanted.get("service")), wanted.get("file")
        path = _from(posixpath.dirname(name), file) if isinstance(file, str) else name
        if path == name:
            base = self._extend(name, services, other, (*seen, key)) if other in services else {}
            return _merge(base, own)
        text = self.read(path) if UNKNOWN not in path else None
        found = self.load(path, text).get(other) if text is not None else None
        return _merge(_with_folder(found), own) if found else own


def _devices(volumes: object) -> Iterator[tuple[str, str]]:
    """(name of a volume, folder of the host or of a file server that it stands for)."""
    for name, options in _driver_options(volumes):
        device = options.get("device")
        if isinstance(device, str) and options.get("type") != "tmpfs":
            yield name, device.removeprefix(":")


def _memory(volumes: object) -> Iterator[tuple[str, str]]:
    """(name of a volume that is a tmpfs, its options)."""
    for name, options in _driver_options(volumes):
        if options.get("type") == "tmpfs":
            yield name, str(options.get("o") or "")


def _driver_options(volumes: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, volume in mapping_of(volumes).items():
        options = mapping_of(volume).get("driver_opts")
        if isinstance(options, Mapping):
            yield str(name), options


def _with_folder(found: Service) -> Facts:
    """The facts of a service of another file, with its folder as the build context unless it sets one."""
    build = found.facts.get("build")
    if isinstance(build, Mapping) and "context" not in build:
        return found.facts | {"build": {"context": found.folder or ".", **build}}
    return found.facts


def _place(facts: Mapping[str, Any], folder: str) -> Facts:
    """The facts with paths relative to the repository, and lists of `NAME=VALUE` as mappings."""
    placed = _as_mappings(facts)
    if "env_file" in placed:
        placed["env_file"] = _inside(placed["env_file"], lambda files: _place_files(files, folder))
    if "build" in placed:
        placed["build"] = _inside(placed["build"], lambda build: _place_build(build, folder))
    return placed


def _inside(value: Any, change: Callable[[Any], Any]) -> Any:
    """A value, or what its tag stands on, changed."""
    return Tagged(value.tag, change(value.value)) if isinstance(value, Tagged) else change(value)


def _place_files(files: Any, folder: str) -> list[str]:
    rows = files if isinstance(files, list) else [files]
    paths = (row.get("path") if isinstance(row, Mapping) else row for row in rows)
    return [_from(folder, path) for path in paths if isinstance(path, str)]


def _place_build(build: Any, folder: str) -> Any:
    made = {"context": build} if isinstance(build, str) else build
    context = made.get("context") if isinstance(made, Mapping) else None
    return {**made, "context": _from(folder, context)} if isinstance(context, str) else made


def _from(folder: str, path: str) -> str:
    """A path relative to the repository; remote, absolute and unknown paths stay as they are."""
    if _REMOTE.match(path) or path.startswith(UNKNOWN):
        return path
    return posixpath.normpath(posixpath.join(folder, path))


def _as_mappings(facts: Mapping[str, Any]) -> Facts:
    made: Facts = {}
    for key, value in facts.items():
        if key in _MAPPINGS:
            made[key] = _inside(value, lambda one: dict(_pairs(one)) if isinstance(one, list) else one)
        elif key == "build":
            made[key] = _inside(value, lambda one: _as_mappings(one) if isinstance(one, Mapping) else one)
        else:
            made[key] = value
    return made


def _pairs(rows: list[Any]) -> Iterator[tuple[str, str | None]]:
    for row in rows:
        name, equals, value = str(row).partition("=")
        yield name, value if equals else None


def _merge(base: Mapping[str, Any], over: Mapping[str, Any], depth: int = 0) -> Facts:
    """Merge two services: mappings are merged, lists appended, commands replaced, nulls ignored.

    Tagged values replace what was there, and keep their tags for files that this is merged over.
    """
    merged = dict(base)
    for key, value in over.items():
        before = merged.get(key)
        if isinstance(before, Tagged) and not isinstance(value, Tagged):
            kept = {key: before.value} if before.tag == OVERRIDE else {}
            merged[key] = Tagged(OVERRIDE, _merge(kept, {key: value}, depth).get(key))
        elif isinstance(before, Mapping) and isinstance(value, Mapping) and depth < _MAX_DEPTH:
            merged[key] = _merge(before, value, depth + 1)
        elif isinstance(before, list) and isinstance(value, list) and key not in _REPLACED:
            merged[key] = [*before, *value]
        elif value is not None or key not in merged:
            merged[key] = value
    return merged
