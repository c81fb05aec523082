"""What a container of a proof may use: nothing that the default rights of an engine would add."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dockfix.options.request import VerifyOptions

_LOG_DRIVERS: Mapping[str, tuple[str, ...]] = {
    "docker": ("--log-driver", "json-file", "--log-opt", "max-file=2"),
    "nerdctl": ("--log-driver", "json-file", "--log-opt", "max-file=2"),
    "podman": ("--log-driver", "k8s-file"),
}


def confine(engine: str, options: VerifyOptions, network: str = "none") -> tuple[str, ...]:
    """Flags for an engine's `create` and `run`: no network, no capabilities, no new privileges, limits."""
    flags = ["--network", network, "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    for capability in options.capabilities:
        flags += ["--cap-add", capability]
    return (*flags, *limit(engine, options))


def limit(engine: str, options: VerifyOptions) -> tuple[str, ...]:
    """Flags for the limits of a container, of which an empty one is none.

    Logs are cut by the engine: Docker and nerdctl keep the newest one to two times as much, so that
    something is left to read right after a file is full.
    """
    limits, flags = options.limits, list[str]()
    for flag, name in (("--pids-limit", "pids"), ("--memory", "memory"), ("--cpus", "cpus")):
        if limits[name]:
            flags += [flag, limits[name]]
    if limits["log"]:
        flags += [*_LOG_DRIVERS.get(engine, ()), "--log-opt", f"max-size={limits['log']}"]
    return tuple(flags)
