"""The `docker run` and `docker compose run` or `exec` commands in scripts, and the commands that they run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from dockfix.context import Deployment, Mount, Setting, read_options, split_mount, tmpfs_mount
from dockfix.repository.image_names import known_name
from dockfix.repository.shell_lines import read_lines

_COMMAND: Final = re.compile(r"\b(?:docker(?:\s+container)?|podman|nerdctl)\s+(?:run|create)\s")
_COMPOSE: Final = re.compile(r"\b(?:docker|podman)(?:-|[ \t]+)compose\s")
_BASE: Final = re.compile(r"^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*(\S+)", re.IGNORECASE | re.MULTILINE)
_ALONE: Final = frozenset(
    """
    --detach --init --interactive --tty --rm --privileged --read-only --publish-all --no-healthcheck
    --oom-kill-disable --sig-proxy --quiet --disable-content-trust --replace --help --tls-verify
    --no-hosts --rmi --systemd --no-deps --build --no-TTY --service-ports --use-aliases --remove-orphans
    --verbose --compatibility --dry-run --all-resources
    """.split()
)
_SHORT_ALONE: Final = frozenset("ditPqT")
_LONG: Final = {"-e": "--env", "-v": "--volume", "-u": "--user", "-w": "--workdir", "-p": "--publish"}


def read_runs(path: str, text: str) -> Iterator[Deployment]:
    """The deployments of `docker run` and `docker create` lines in a script.

    Paths are relative, with slashes.
    """
    for call in read_lines(text, _COMMAND):
        flags, rest = _split_flags(call.words)
        if image := known_name(rest[0], path) if rest else "":
            yield _deployment(path, call.line, flags, image, tuple(rest[1:]))


def read_compose_runs(path: str, text: str) -> Iterator[Deployment]:
    """The commands that `docker compose run` and `exec` lines in a script run in services, named by these."""
    for call in read_lines(text, _COMPOSE):
        _, rest = _split_flags(call.words)
        verb, words = (rest[0], rest[1:]) if rest else ("", [])
        flags, words = _split_flags(words)
        if verb in ("run", "exec") and len(words) > 1:
            service, *command = words
            one = _deployment(path, call.line, flags, "", tuple(command))
            if verb == "exec":
                one = replace(one, entrypoint=one.command, command=None)
            yield replace(one, kind="compose run", name=service)


def read_commented_mounts(path: str, text: str) -> tuple[Deployment, ...]:
    """The mounts of the `docker run` lines in the comments of a Dockerfile, which show how its image is run.

    Those of its own bases are left out. Only mounts are taken: other options may be examples.
    """
    rows = (line.lstrip() for line in text.splitlines())
    comments = "\n".join(row.lstrip("#") if row.startswith("#") else "" for row in rows)
    bases = set(_BASE.findall(text))
    found = (one for one in read_runs(path, comments) if one.mounts and one.image not in bases)
    return tuple(
        Deployment(path, one.line, one.kind, one.name, one.image, mounts=one.mounts) for one in found
    )


def _deployment(
    path: str, line: int, flags: list[tuple[str, str]], image: str, command: tuple[str, ...]
) -> Deployment:
    def last(name: str) -> str | None:
        return next((value for flag, value in reversed(flags) if flag == name), None)

    def switch(name: str) -> Setting | None:
        return Setting("true", line) if last(name) in ("", "true") else None

    user, entrypoint = last("--user"), last("--entrypoint")
    pairs = (value.partition("=") for flag, value in flags if flag == "--env")
    return Deployment(
        path,
        line,
        "docker run",
        last("--name") or "",
        image,
        user=None if user is None else Setting(user, line),
        read_only=switch("--read-only"),
        privileged=switch("--privileged"),
        capabilities=tuple(Setting(value, line) for flag, value in flags if flag == "--cap-add"),
        mounts=tuple(_mounts(flags, line)),
        entrypoint=None if entrypoint is None else (entrypoint,) if entrypoint else (),
        command=command or None,
        environment=tuple((name, value) for name, equals, value in pairs if equals),
        workdir=last("--workdir") or "",
    )


def _mounts(flags: list[tuple[str, str]], line: int) -> Iterator[Mount]:
    for flag, value in flags:
        if flag == "--volume":
            parts = split_mount(value)
            target = parts[1] if len(parts) > 1 else parts[0]
            modes = parts[2].split(",") if len(parts) > 2 else []
            source = parts[0] if len(parts) > 1 else ""
            yield Mount(Setting(target, line), source, "ro" in modes, is_bare="nocopy" in modes)
        elif flag == "--tmpfs":
            target, _, options = value.partition(":")
            yield tmpfs_mount(Setting(target, line), read_options(options))
        elif flag == "--device" and value.startswith("/dev/") and "--group-add" not in dict(flags):
            source, _, rest = value.partition(":")
            yield Mount(Setting(rest.partition(":")[0] or source, line), source)
        elif flag == "--mount":
            yield from _long_mount(read_options(value), line)


def _long_mount(keys: Mapping[str, str], line: int) -> Iterator[Mount]:
    """The mount that the options of `--mount` describe."""
    place = keys.get("target") or keys.get("dst") or keys.get("destination")
    if place and keys.get("type") == "tmpfs":
        yield tmpfs_mount(Setting(place, line), {"mode": keys.get("tmpfs-mode", "")})
    elif place:
        source = keys.get("source") or keys.get("src") or ""
        read_only = "readonly" in keys or "ro" in keys
        is_bare = not keys.keys().isdisjoint(("volume-nocopy", "volume-subpath"))
        yield Mount(Setting(place, line), source, read_only, is_bare=is_bare)


def _split_flags(words: list[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """(flags with their values, the image and the words after it)."""
    flags: list[tuple[str, str]] = []
    at = 0
    while at < len(words) and words[at].startswith("-") and words[at] != "-":
        name, equals, value = words[at].partition("=")
        at += 1
        if name.startswith("--"):
            if not equals and name not in _ALONE:
                value, at = _next(words, at)
        elif not _SHORT_ALONE.issuperset(words[at - 1][1:]):
            name, value, at = _short(words, at)
        flags.append((_LONG.get(name, name), value))
    return flags, words[at:]


def _short(words: list[str], at: int) -> tuple[str, str, int]:
    """(flag, value, index of the next word) for the flag with a value in a cluster (`-itv`, `-p80:80`)."""
    cluster = words[at - 1].lstrip("-")
    letter = next((index for index, one in enumerate(cluster) if one not in _SHORT_ALONE), len(cluster) - 1)
    name, attached = f"-{cluster[letter]}", cluster[letter + 1 :].removeprefix("=")
    if attached:
        return name, attached, at
    value, at = _next(words, at)
    return name, value, at


def _next(words: list[str], at: int) -> tuple[str, int]:
    return (words[at] if at < len(words) else ""), at + 1
