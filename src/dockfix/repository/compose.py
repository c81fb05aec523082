"""Compose files: the services that are built from a Dockerfile, and how they are run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from yaml.nodes import MappingNode, Node

from dockfix.context import (
    Deployment,
    Mount,
    Setting,
    is_host_path,
    memory_volume,
    read_options,
    split_mount,
    tmpfs_mount,
)
from dockfix.files.candidates import Build
from dockfix.repository.arguments import UNKNOWN, fill_defaults
from dockfix.repository.build_places import make_build, target_of
from dockfix.repository.compose_project import OVERRIDE, RESET, Service
from dockfix.repository.parts import mapping_of
from dockfix.repository.yaml_nodes import (
    get,
    is_true,
    items,
    line_of,
    pairs,
    read_documents,
    setting_of,
    text_of,
)
from dockfix.syntax.words import is_number

_VARIABLE: Final = re.compile(r"\$\{?\w+\}?")


def read_compose(path: str, text: str, services: Mapping[str, Service]) -> Iterator[Deployment]:
    """The services of a compose file, or of a part of it.

    `services` are the same services after extending and overriding: these determine what is built and run
    and how it starts, while users, ports and mounts are taken from this file.
    """
    writers = _find_writers(services.values())
    for root in read_documents(text):
        nodes = dict(pairs(get(root, "services")))
        for name, node in nodes.items():
            if isinstance(node, MappingNode):
                layers = [node, *_extended(nodes, name)]
                whole = services.get(name) or Service(path, name, {}, "")
                yield _with_shared(_service(path, layers, whole), _image_of(whole), writers)


def _find_writers(services: Iterable[Service]) -> dict[str, set[str]]:
    """By named volume: the images built here whose services may write to it."""
    found: dict[str, set[str]] = {}
    for one in services:
        volumes, image = one.facts.get("volumes"), _image_of(one)
        for row in volumes if image and isinstance(volumes, list) else ():
            if source := _written_volume(row):
                found.setdefault(source, set()).add(image)
    return found


def _image_of(service: Service) -> str:
    """What a service builds, as a key; "" if it builds nothing."""
    build = mapping_of(service.facts.get("build"))
    return repr([build.get(key) for key in ("context", "dockerfile", "target")]) if build else ""


def _written_volume(row: object) -> str:
    """The name of the volume that a row of `volumes` mounts to write to, "" for a folder or none."""
    if isinstance(row, str):
        source, place, mode = (*split_mount(row), "", "")[:3]
        return source if place and "ro" not in mode.split(",") and not is_host_path(source) else ""
    facts = mapping_of(row)
    is_volume = facts.get("type", "volume") == "volume" and not facts.get("read_only")
    return str(facts.get("source") or "") if is_volume else ""


def _with_shared(one: Deployment, image: str, writers: Mapping[str, set[str]]) -> Deployment:
    """The deployment whose mounts say which volumes the services of other images write to."""
    mounts = (replace(each, is_shared=bool(writers.get(each.source, set()) - {image})) for each in one.mounts)
    return replace(one, mounts=tuple(mounts))


def _extended(nodes: Mapping[str, Node], name: str) -> Iterator[Node]:
    """The services of the same file that a service extends, the nearest first."""
    seen = {name}
    while True:
        written = get(nodes[name], "extends")
        name = text_of(get(written, "service")) or text_of(written)
        if get(written, "file") is not None or name in seen or name not in nodes:
            return
        seen.add(name)
        yield nodes[name]


def _service(path: str, layers: Sequence[Node], whole: Service) -> Deployment:
    def each(key: str) -> Iterator[Node]:
        """The values of the layers that are in effect, the nearest first."""
        for one in layers:
            node = get(one, key)
            if node is not None and node.tag != RESET:
                yield node
            if node is not None and node.tag in (RESET, OVERRIDE):
                return

    def first(key: str) -> Node | None:
        return next(each(key), None)

    facts, build = whole.facts, mapping_of(whole.facts.get("build"))
    is_built = bool(build) and "dockerfile_inline" not in build
    built = [one for one in _builds(whole, build) if one.dockerfile != UNKNOWN] if is_built else []
    return Deployment(
        path,
        line_of(layers[0]),
        "compose",
        whole.name,
        str(facts.get("image") or ""),
        built[0].dockerfile if built else "",
        user=_setting(first("user")),
        read_only=_yes(first("read_only")),
        privileged=_yes(first("privileged")),
        capabilities=tuple(setting_of(one) for node in each("cap_add") for one in items(node)),
        ports=tuple(port for node in each("ports") for port in _ports(node)),
        mounts=(
            *_all_mounts(each("volumes"), whole, layers[0]),
            *(mount for node in each("tmpfs") for mount in _tmpfs_mounts(node)),
            *(one for node in each("devices") if "group_add" not in facts for one in _devices(node)),
        ),
        entrypoint=_command(facts.get("entrypoint")),
        command=_command(facts.get("command")),
        environment=tuple(_environment(facts.get("environment"))),
        target=target_of(build.get("target")).replace(UNKNOWN, ""),
        workdir=str(facts.get("working_dir") or ""),
        checks=(*_checks(facts.get("healthcheck")), *_hooks(facts)),
    )


def _checks(value: Any) -> Iterator[tuple[str, ...]]:
    """The command line of a health check: `CMD` and words, `CMD-SHELL` and a line, or a line."""
    test = value.get("test") if isinstance(value, dict) else None
    if isinstance(test, str):
        yield ("/bin/sh", "-c", test)
    elif isinstance(test, list) and len(test) > 1 and all(isinstance(word, str) for word in test):
        first, *words = test
        if first == "CMD-SHELL":
            yield ("/bin/sh", "-c", words[0])
        elif first == "CMD":
            yield tuple(words)


def _hooks(facts: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """The commands that run after the start and before the stop, as the container's user."""
    for key in ("post_start", "pre_stop"):
        hooks = facts.get(key)
        for hook in map(mapping_of, hooks if isinstance(hooks, list) else ()):
            words = _command(hook.get("command"))
            if words and not hook.get("user"):
                yield words


def _builds(service: Service, build: Mapping[str, Any]) -> list[Build]:
    context = build.get("context") or service.folder or "."
    return list(make_build("", context, build.get("dockerfile"), root=""))


def _setting(node: Node | None) -> Setting | None:
    if node is None or not text_of(node):
        return None
    setting = setting_of(node)
    return replace(setting, value=fill_defaults(setting.value))


def _yes(node: Node | None) -> Setting | None:
    return setting_of(node) if node is not None and is_true(node) else None


def _ports(node: Node | None) -> Iterator[Setting]:
    """The container ports in `host:container/protocol` or in the long form."""
    for item in items(node):
        target = get(item, "target") or item
        text = fill_defaults(text_of(target)).partition("/")[0]
        port = text.rpartition(":")[2]
        if is_number(port):
            yield Setting(port, line_of(target))


def _devices(node: Node) -> Iterator[Mount]:
    """The devices in `host:container:permissions` or in the long form, as mounts."""
    for item in items(node):
        target = get(item, "target") or get(item, "source") or item
        source = text_of(get(item, "source")) or text_of(item).partition(":")[0]
        setting = setting_of(target)
        place = setting.value.split(":")[1] if ":" in setting.value else setting.value
        if source.startswith("/dev/"):
            yield Mount(replace(setting, value=place), source)


def _all_mounts(nodes: Iterator[Node], whole: Service, own_node: Node) -> Iterator[Mount]:
    """The mounts of a service, then those of the service that it overrides with another image."""
    own = [mount for node in nodes for mount in _mounts(node, whole)]
    yield from own
    if get(own_node, "image") is None and get(get(own_node, "build"), "context") is None:
        return  # the file below names the same image, and these mounts
    places = {mount.target.value for mount in own}
    volumes = whole.facts.get("volumes")
    for one in volumes if isinstance(volumes, list) else ():
        if isinstance(one, str):
            source, place, mode = (*split_mount(one), "", "")[:3]
            if place.startswith("/") and place not in places:
                yield _volume(whole, source, Mount(Setting(place, line_of(own_node)), "", "ro" in mode))


def _volume(whole: Service, source: str, mount: Mount) -> Mount:
    """The mount of a source of a service: a volume may stand for a folder, or be a tmpfs."""
    if source in whole.memory:
        found = memory_volume(mount.target, read_options(whole.memory[source]))
        return replace(found, read_only=mount.read_only)
    return replace(mount, source=whole.devices.get(source, source))


def _mounts(node: Node, whole: Service) -> Iterator[Mount]:
    """The mounts that a node lists."""
    for item in items(node):
        target = get(item, "target")
        if target is not None:
            yield _long_mount(item, setting_of(target), whole)
            continue
        text = text_of(item)
        parts = split_mount(_VARIABLE.sub(lambda match: "$" * len(match[0]), text))
        place = 1 if len(parts) > 1 else 0
        offset = len(parts[0]) + 1 if place else 0
        value = fill_defaults(text[offset : offset + len(parts[place])])
        if value.startswith(("/", UNKNOWN)):
            modes = parts[2].split(",") if len(parts) > 2 else []
            source = text[: len(parts[0])] if place else ""
            mount = Mount(setting_of(item, value, offset), "", "ro" in modes, is_bare="nocopy" in modes)
            yield _volume(whole, source, mount)


def _long_mount(item: Node, target: Setting, whole: Service) -> Mount:
    """A mount in the long form; one without copying, or of a volume's folder, takes nothing over."""
    kind, source = text_of(get(item, "type")), text_of(get(item, "source"))
    if kind == "tmpfs":
        return tmpfs_mount(target, {"mode": text_of(get(item, "tmpfs", "mode"))})
    if kind == "bind" and source and not is_host_path(source):
        source = f"./{source}"
    is_bare = is_true(get(item, "volume", "nocopy")) or get(item, "volume", "subpath") is not None
    return _volume(whole, source, Mount(target, "", is_true(get(item, "read_only")), is_bare=is_bare))


def _tmpfs_mounts(node: Node) -> Iterator[Mount]:
    """The mounts of `tmpfs`, a path or a list of them, each perhaps with options."""
    for item in items(node) or [node]:
        place, _, options = text_of(item).partition(":")
        if place:
            yield tmpfs_mount(setting_of(item, place), read_options(options))


def _environment(written: object) -> Iterator[tuple[str, str]]:
    """The variables with a value; those passed through from the environment are left out."""
    for name, value in mapping_of(written).items():
        if isinstance(value, str) and value:
            yield str(name), value


def _command(written: object) -> tuple[str, ...] | None:
    """The words of a command, which compose splits like a shell; None to keep the image's own."""
    if isinstance(written, list):
        return tuple(str(word) for word in written)
    if not isinstance(written, str):
        return None
    try:
        return tuple(shlex.split(written))
    except ValueError:
        return None
