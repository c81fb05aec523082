"""Kubernetes manifests and Helm values: containers, their users, mounts and ports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from dockfix.context import Deployment, Mount, Setting
from dockfix.repository.arguments import UNKNOWN
from dockfix.repository.cloud_run import make_mount, mount_options
from dockfix.repository.yaml_nodes import (
    get,
    is_true,
    items,
    line_of,
    pairs,
    read_documents,
    setting_of,
    text_of,
    walk,
)

_FIXED: Final = ("configMap", "secret", "projected", "downwardAPI")
"""The volumes that are mounted read-only."""
_LONGEST_MODE: Final = 4
_CLOUD_RUN: Final = "run.googleapis.com/"
"""In the annotations, labels and drivers of a Knative service that Google Cloud Run serves."""


def read_kubernetes(path: str, text: str) -> Iterator[Deployment]:
    """The containers of every pod in a manifest, or the container settings of Helm values."""
    for root in read_documents(text):
        pods = [node for node in walk(root) if isinstance(get(node, "containers"), SequenceNode)]
        for pod in pods:
            for container in [*items(get(pod, "initContainers")), *items(get(pod, "containers"))]:
                if isinstance(container, MappingNode):
                    yield _container(path, pod, container, is_cloud_run=_CLOUD_RUN in text)
        yield from _steps(path, root)
        if not pods and get(root, "kind") is None:
            yield from _values(path, root)


def _steps(path: str, root: Node) -> Iterator[Deployment]:
    """The containers of Argo's templates and of Tekton's steps, with the scripts that they run.

    Source: argo-workflows.readthedocs.io, Workflow Concepts (container, script); tekton.dev, Tasks (script).
    """
    for node in walk(root):
        found = [get(node, "container"), get(node, "script"), *items(get(node, "steps"))]
        for one in found:
            if isinstance(one, MappingNode) and text_of(get(one, "image")):
                step = _container(path, node, one)
                script = text_of(get(one, "source")) or text_of(get(one, "script"))
                shell = (step.entrypoint or ("sh",))[0]
                start = (shell, "-c", script) if script else step.entrypoint
                yield replace(step, entrypoint=start, command=() if script else step.command)


def _container(path: str, pod: Node, container: MappingNode, *, is_cloud_run: bool = False) -> Deployment:
    contexts = [get(container, "securityContext"), get(pod, "securityContext")]
    ports = [get(port, "containerPort") for port in items(get(container, "ports"))]
    found = _deployment(
        path, container, contexts, text_of(get(container, "name")), text_of(get(container, "image")),
        tuple(setting_of(port) for port in ports if port is not None),
        tuple(_mounts(pod, container, is_cloud_run=is_cloud_run)),
    )  # fmt: skip
    return replace(found, environment=tuple(_environment(container)))


def _mounts(pod: Node, container: Node, *, is_cloud_run: bool) -> Iterator[Mount]:
    volumes = {text_of(get(one, "name")): one for one in items(get(pod, "volumes"))}
    for mount in items(get(container, "volumeMounts")):
        target = get(mount, "mountPath")
        volume = volumes.get(text_of(get(mount, "name")))
        fixed = [node for kind in _FIXED if (node := get(volume, kind)) is not None]
        read_only = bool(fixed) or is_true(get(mount, "readOnly"))
        if target is not None and is_cloud_run and not read_only:
            yield _cloud_run_mount(setting_of(target), volume)
        elif target is not None:
            source = text_of(get(volume, "hostPath", "path"))
            is_open = volume is not None and _is_open(volume)
            is_private = any(map(_is_private, fixed))
            yield Mount(setting_of(target), source, read_only, is_open, is_private=is_private)


def _cloud_run_mount(target: Setting, volume: Node | None) -> Mount:
    """The mount of a volume in the YAML of a Cloud Run service, of which buckets are those of a driver."""
    kind = "nfs" if get(volume, "nfs") is not None else ""
    options = mount_options(text_of(get(volume, "csi", "volumeAttributes", "mountOptions")))
    mount = make_mount(target, kind, options, text_of(get(volume, "nfs", "path")))
    is_read_only = is_true(get(volume, "csi", "readOnly")) or is_true(get(volume, "nfs", "readOnly"))
    return replace(mount, read_only=is_read_only)


def _is_private(volume: Node) -> bool:
    """Whether the files of a read-only volume have a mode without rights for others.

    YAML 1.1 writes octal numbers as 0400, JSON has decimal ones. Source: kubernetes.io, Secrets
    (Using Secrets as files from a Pod, POSIX permissions).
    """
    text = text_of(get(volume, "defaultMode"))
    digits = text.removeprefix("0o")
    if not digits.isdecimal() or len(digits) > _LONGEST_MODE:
        return False
    return not int(digits, 8 if text.startswith("0") and set(digits) <= set("01234567") else 10) & 0o4


def _is_open(volume: Node) -> bool:
    """Whether a volume is an emptyDir and, in a template, nothing else by other values."""
    kinds = {key for key, _ in pairs(volume)} - {"name"}
    return kinds == {"emptyDir"}


def _environment(container: Node) -> Iterator[tuple[str, str]]:
    for one in items(get(container, "env")):
        if get(one, "value") is not None:
            yield text_of(get(one, "name")), text_of(get(one, "value"))


def _words(node: Node | None, key: str) -> tuple[str, ...] | None:
    """The words of `command` or `args`; None to keep the image's own."""
    written = get(node, key)
    if isinstance(written, ScalarNode) and UNKNOWN in text_of(written):
        return (UNKNOWN,)
    words = tuple(text_of(word) for word in items(written))
    return words or None


def _values(path: str, root: Node) -> Iterator[Deployment]:
    """The containers in Helm values: mappings with a securityContext, or with an image and a command."""
    for node in walk(root):
        contexts = [get(node, "securityContext"), get(node, "containerSecurityContext")]
        contexts.append(get(node, "podSecurityContext"))
        secured = any(isinstance(one, MappingNode) for one in contexts)
        started = get(node, "image") is not None and (_words(node, "command") or _words(node, "args"))
        if isinstance(node, MappingNode) and (secured or started):
            image = text_of(get(node, "image", "repository")) or text_of(get(node, "image"))
            port = get(node, "containerPort")
            ports = (setting_of(port),) if port is not None and text_of(port) else ()
            yield _deployment(path, node, contexts, "", image, ports, (), kind="helm")


def _deployment(
    path: str,
    node: Node,
    contexts: list[Node | None],
    name: str,
    image: str,
    ports: tuple[Setting, ...],
    mounts: tuple[Mount, ...],
    kind: str = "kubernetes",
) -> Deployment:
    def first(key: str) -> Setting | None:
        found = (get(context, key) for context in contexts)
        return next((setting_of(one) for one in found if one is not None), None)

    def setting(key: str) -> Setting | None:
        setting = first(key)
        return setting if setting is not None and setting.value.lower() == "true" else None

    added = next((found for one in contexts if (found := items(get(one, "capabilities", "add")))), [])
    return Deployment(
        path,
        line_of(node),
        kind,
        name,
        image,
        user=first("runAsUser"),
        non_root=setting("runAsNonRoot"),
        group=first("fsGroup"),
        read_only=setting("readOnlyRootFilesystem"),
        privileged=setting("privileged"),
        capabilities=tuple(setting_of(one) for one in added),
        ports=ports,
        mounts=mounts,
        entrypoint=_words(node, "command"),
        command=_words(node, "args"),
        workdir=text_of(get(node, "workingDir")),
        checks=tuple(_checks(node)),
    )


def _checks(node: Node) -> Iterator[tuple[str, ...]]:
    """The command lines of a container's probes and hooks."""
    hooks = get(node, "lifecycle")
    found = [get(node, key) for key in ("livenessProbe", "readinessProbe", "startupProbe")]
    for one in (*found, get(hooks, "postStart"), get(hooks, "preStop")):
        if words := _words(get(one, "exec"), "command"):
            yield words
