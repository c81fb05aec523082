"""Google Cloud Run: `gcloud run` commands, the workflow action that calls it, and the volumes that it mounts.

A bucket belongs to root, with mode 0755, unless its mount options say otherwise; so does a volume in memory,
except in the first generation; the files of an NFS server keep their owners.

Source: Google Cloud, gcloud run deploy; Cloud Run, Configure containers, Cloud Storage volume mounts, NFS
volume mounts, In-memory volume mounts (volume ownership); GoogleCloudPlatform/gcsfuse#3151 (modes);
ofek/csi-gcs#58.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final

from dockfix.context import Deployment, Mount, Setting, read_options
from dockfix.repository.build_places import make_build
from dockfix.repository.image_names import known_name
from dockfix.repository.parts import list_of, mapping_of
from dockfix.repository.script_files import is_pipeline
from dockfix.repository.shell_lines import Call, read_lines
from dockfix.repository.yaml_nodes import read_values

KIND: Final = "cloud run"
_COMMAND: Final = re.compile(
    r"\bgcloud\s+(?:alpha\s+|beta\s+)?run\s+(?:(?:jobs|services|worker-pools)\s+)?(?:deploy|create|update)\s"
)
_FLAGS: Final = (
    "--image", "--source", "--command", "--args", "--port", "--set-env-vars", "--update-env-vars",
    "--add-volume", "--add-volume-mount", "--container",
)  # fmt: skip
_ACTION: Final = "google-github-actions/deploy-cloudrun@"
_DELIMITER: Final = re.compile(r"\^([^^]+)\^")
_OPTIONS: Final = re.compile(r"[;,\s]+")

_Flags = list[tuple[str, str]]


def read_cloud_runs(path: str, text: str) -> Iterator[Deployment]:
    """The deployments of a script's `gcloud run` lines or actions: one for each container.

    Paths are relative.
    """
    for call in (*(read_lines(text, _COMMAND) if "gcloud" in text else ()), *_find_actions(text)):
        shared, *containers = _split_containers(call.words)
        volumes = _volumes(shared) | {
            name: options for flags in containers for name, options in _volumes(flags).items()
        }
        for flags in [[*shared, *one] for one in containers] or [shared]:
            for image, dockerfile in _images(path, call, dict(flags)):
                yield _deployment(path, call.line, flags, image, dockerfile, volumes)


def _find_actions(text: str) -> Iterator[Call]:
    """The steps of a workflow that deploy by the action, as commands.

    Source: google-github-actions/deploy-cloudrun, README (inputs).
    """
    places = re.finditer(re.escape(_ACTION), text)
    documents = read_values(text) if _ACTION in text else ()
    jobs = (job for one in documents for job in mapping_of(mapping_of(one).get("jobs")).values())
    steps = (mapping_of(step) for job in jobs for step in list_of(mapping_of(job).get("steps")))
    found = (step for step in steps if str(step.get("uses") or "").startswith(_ACTION))
    for step, place in zip(found, places, strict=False):
        given = {name: str(value) for name, value in mapping_of(step.get("with")).items()}
        words = [f"--{name}={given[name]}" for name in ("image", "source") if given.get(name)]
        with suppress(ValueError):
            words += shlex.split(given.get("flags", ""))
        variables = [line.strip() for line in given.get("env_vars", "").splitlines()]
        words.append(f"--set-env-vars={','.join(filter(None, variables))}")
        yield Call(text.count("\n", 0, place.start()) + 1, words, "")


def make_mount(target: Setting, kind: str, options: Mapping[str, str], place: str = "") -> Mount:
    """The mount of a volume of that type; `place` is the path on an NFS server."""
    if kind == "nfs":
        return Mount(target, place or "/")
    if options.get("uid", "0") != "0" or options.get("dir-mode", "")[-1:] in ("2", "3", "6", "7"):
        return Mount(target, is_open=True)
    return Mount(target, is_bare=True)


def mount_options(text: str) -> dict[str, str]:
    """The mount options of a bucket: `implicit-dirs;uid=1000`, or with commas."""
    return read_options(",".join(_OPTIONS.split(text)))


def _split_containers(words: Sequence[str]) -> list[_Flags]:
    """The flags of the service, then those of each container that `--container` begins."""
    found: list[_Flags] = [[]]
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if name in _FLAGS:
            value = value if equals else next(rest, "")
            if name == "--container":
                found.append([])
            found[-1].append((name, value))
    return found


def _images(path: str, call: Call, flags: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(image, Dockerfile) of a container, either of which is "".

    A pipeline runs at the top of the repository, a script there or in its own folder.
    """
    if image := known_name(flags.get("--image", ""), path):
        yield image, ""
    elif "--source" in flags:
        folders = [""] if is_pipeline(path) else dict.fromkeys((posixpath.dirname(path), ""))
        for folder in folders:
            for build in make_build(path, flags["--source"], root=posixpath.join(folder, call.folder)):
                yield "", build.dockerfile


def _deployment(
    path: str, line: int, flags: _Flags, image: str, dockerfile: str, volumes: Mapping[str, Mapping[str, str]]
) -> Deployment:
    last = dict(flags)
    port = last.get("--port", "")
    ports = (Setting(port, line),) if port.isdecimal() else ()
    variables = [("PORT", port)] if ports else []
    for name, value in flags:
        if name in ("--set-env-vars", "--update-env-vars"):
            variables += [(key, text) for key, equals, text in map(_pair, _split(value)) if equals]
    return Deployment(
        path,
        line,
        KIND,
        last.get("--container", ""),
        image,
        dockerfile,
        ports=ports,
        mounts=tuple(_mounts(flags, volumes, line)),
        entrypoint=_split(last["--command"]) if last.get("--command") else None,
        command=_split(last["--args"]) if last.get("--args") else None,
        environment=tuple(variables),
    )


def _pair(text: str) -> tuple[str, str, str]:
    return text.partition("=")


def _split(value: str) -> tuple[str, ...]:
    """The values of a list, between commas or another delimiter (`^:^a:b`). Source: gcloud topic escaping."""
    other = _DELIMITER.match(value)
    return tuple(value[other.end() :].split(other[1]) if other else value.split(","))


def _volumes(flags: _Flags) -> dict[str, dict[str, str]]:
    found = [read_options(",".join(_split(value))) for name, value in flags if name == "--add-volume"]
    return {one.get("name", ""): one for one in found}


def _mounts(flags: _Flags, volumes: Mapping[str, Mapping[str, str]], line: int) -> Iterator[Mount]:
    """The mounts; a volume that an earlier command added has an unknown type, and counts as a bucket."""
    for _, value in (one for one in flags if one[0] == "--add-volume-mount"):
        keys = read_options(",".join(_split(value)))
        volume = volumes.get(keys.get("volume", ""), {})
        place, is_read_only = keys.get("mount-path", ""), volume.get("readonly", "") == "true"
        if place and not is_read_only and volume.get("type") not in ("secret", "cloud-sql"):
            options = mount_options(volume.get("mount-options", ""))
            location = volume.get("location", "").partition(":")[2]
            yield make_mount(Setting(place, line), volume.get("type", ""), options, location)
