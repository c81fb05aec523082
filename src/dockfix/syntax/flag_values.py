"""Detect values of RUN's and HEALTHCHECK's flags that BuildKit rejects.

Source of the rules: moby/buildkit `frontend/dockerfile/instructions/{parse,commands_run*}.go`.
"""

from __future__ import annotations

import re
from typing import Final

from dockfix.syntax.tree import Flag

_CHOICES: Final = {"network": ("default", "none", "host"), "security": ("insecure", "sandbox")}
_MOUNT_TYPES: Final = frozenset({"bind", "cache", "tmpfs", "secret", "ssh"})
_SHARING: Final = frozenset({"shared", "private", "locked"})
_SWITCHES: Final = frozenset({"readonly", "ro", "readwrite", "rw", "required"})
_KEYS: Final = frozenset(
    {"type", "from", "source", "src", "target", "dst", "destination", "size", "id", "sharing", "env"}
    | {"mode", "uid", "gid"}
)
_DURATION = re.compile(r"([-+]?)((?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)")
_DURATION_PART = re.compile(r"(?<![\d.])(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_MILLISECONDS: Final = {
    "ns": 1e-6, "us": 1e-3, "µs": 1e-3, "μs": 1e-3, "ms": 1, "s": 1e3, "m": 6e4, "h": 3.6e6,
}  # fmt: skip


def find_run_error(flag: Flag) -> str:
    """What is wrong with the value of `--mount`, `--network` or `--security`, "" if nothing is."""
    value = flag.value or ""
    allowed = _CHOICES.get(flag.name)
    if allowed and value not in allowed and "$" not in value:
        return f"--{flag.name} takes {' or '.join(allowed)}, not {value}"
    # Quoted CSV fields are too rare to support here.
    return _mount_error(value) if flag.name == "mount" and '"' not in value else ""


def _mount_error(mount: str) -> str:
    kind, owned = "bind", ""
    for part in mount.split(","):
        name, equals, value = part.partition("=")
        key = name.lower()
        if not equals and key not in _SWITCHES:
            return f"--mount has {part!r} without a value"
        if key not in _KEYS and key not in _SWITCHES:
            return f"--mount does not support {name!r}"
        if key == "from" and "$" in value[:-1]:
            return "--mount does not expand variables in from"
        if key in ("mode", "uid", "gid"):
            owned = key
        if "$" in value:
            kind = "" if key == "type" else kind
        elif key == "type":
            kind = value.lower()
            if kind not in _MOUNT_TYPES:
                return f"--mount does not support type {value!r}"
        elif key == "sharing" and value.lower() not in _SHARING:
            return f"--mount does not support sharing {value!r}"
    return f"--mount of type {kind} does not support {owned}" if owned and kind in ("bind", "tmpfs") else ""


def find_health_error(flag: Flag) -> str:
    """What is wrong with the value of one of HEALTHCHECK's flags, "" if nothing is."""
    value = flag.value or ""
    if not value:
        return ""
    if flag.name == "retries":
        is_count = re.fullmatch(r"[-+]?[0-9]{1,10}", value) and 0 <= int(value) < 2**31
        return "" if is_count else f"--retries takes a number, not {value}"
    match = _DURATION.fullmatch(value)
    if match is None:
        return f"--{flag.name} takes a duration such as 30s, not {value}"
    length = sum(float(part[1]) * _MILLISECONDS[part[2]] for part in _DURATION_PART.finditer(match[2]))
    is_short = length and (length < 1 or match[1] == "-")
    return f"--{flag.name} is shorter than a millisecond" if is_short else ""
