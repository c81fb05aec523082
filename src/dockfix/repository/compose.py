"""Compose files: the services that are built from a Dockerfile, and how they run."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator
from typing import Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from dockfix.context import Deployment, Mount, Setting
from dockfix.repository.arguments import fill_defaults
from dockfix.repository.yaml_nodes import (
    get,
    is_nothing,
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


def read_compose(path: str, text: str) -> Iterator[Deployment]:
    """The services of a compose file; `$NAME` is replaced by its default if it has one."""
    for root in read_documents(text):
        for name, service in pairs(get(root, "services")):
            if isinstance(service, MappingNode):
                yield _service(path, name, service)


def _service(path: str, name: str, service: MappingNode) -> Deployment:
    return Deployment(
        path,
        line_of(service),
        "compose",
        name,
        fill_defaults(text_of(get(service, "image"))),
        _dockerfile(path, get(service, "build")),
        user=_setting(get(service, "user")),
        read_only=_yes(get(service, "read_only")),
        privileged=_yes(get(service, "privileged")),
        ports=tuple(_ports(get(service, "ports"))),
        mounts=tuple(_mounts(get(service, "volumes"))),
        entrypoint=_command(get(service, "entrypoint")),
        command=_command(get(service, "command")),
        environment=tuple(_environment(get(service, "environment"))),
        target=fill_defaults(text_of(get(service, "build", "target"))),
        workdir=fill_defaults(text_of(get(service, "working_dir"))),
    )


def _dockerfile(path: str, build: Node | None) -> str:
    if build is None:
        return ""
    context = text_of(build) or text_of(get(build, "context")) or "."
    if get(build, "dockerfile_inline") is not None or "://" in context or context.startswith("$"):
        return ""
    written = fill_defaults(text_of(get(build, "dockerfile"))) or "Dockerfile"
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), fill_defaults(context), written))


def _setting(node: Node | None) -> Setting | None:
    if node is None or not text_of(node):
        return None
    setting = setting_of(node)
    filled = fill_defaults(setting.value)
    return Setting(filled, setting.line, setting.start, setting.end)


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


def _mounts(node: Node | None) -> Iterator[Mount]:
    for item in items(node):
        target = get(item, "target")
        if target is not None:
            is_open = text_of(get(item, "type")) == "tmpfs"
            read_only = is_true(get(item, "read_only"))
            yield Mount(setting_of(target), text_of(get(item, "source")), read_only, is_open)
            continue
        text = text_of(item)
        parts = re.split(r":(?![-+?])", _VARIABLE.sub(lambda match: "$" * len(match[0]), text))
        place = 1 if len(parts) > 1 else 0
        offset = len(parts[0]) + 1 if place else 0
        value = fill_defaults(text[offset : offset + len(parts[place])])
        if value.startswith("/"):
            mode = parts[2] if len(parts) > 2 else ""
            yield Mount(setting_of(item, value, offset), text[: len(parts[0])] if place else "", "ro" in mode)


def _environment(node: Node | None) -> Iterator[tuple[str, str]]:
    """The variables of a mapping or of a list of `NAME=VALUE`; those of the environment are left out."""
    for item in items(node):
        name, equals, value = text_of(item).partition("=")
        if equals:
            yield name, fill_defaults(value)
    for name, one in pairs(node):
        if text_of(one):
            yield name, fill_defaults(text_of(one))


def _command(node: Node | None) -> tuple[str, ...] | None:
    """The words of a command, which compose splits like a shell; None where the image's own stays."""
    if node is None or (isinstance(node, ScalarNode) and is_nothing(node)):
        return None
    if isinstance(node, SequenceNode):
        return tuple(fill_defaults(text_of(word)).replace("$$", "$") for word in items(node))
    try:
        return tuple(shlex.split(fill_defaults(text_of(node)).replace("$$", "$")))
    except ValueError:
        return None
