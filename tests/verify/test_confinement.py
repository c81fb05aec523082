from __future__ import annotations

import pytest

from dockfix.options.request import LIMITED, LIMITS, VerifyOptions
from dockfix.verify.confinement import confine


def value(flags: tuple[str, ...], flag: str) -> str:
    return flags[flags.index(flag) + 1]


@pytest.mark.parametrize("engine", ["docker", "podman", "nerdctl"])
def test_a_container_may_do_little_by_default(engine: str) -> None:
    flags = confine(engine, VerifyOptions())
    assert value(flags, "--network") == "none"
    assert value(flags, "--cap-drop") == "ALL"
    assert value(flags, "--security-opt") == "no-new-privileges"
    assert value(flags, "--pids-limit") == "256"
    assert value(flags, "--memory") == "2g"
    assert value(flags, "--cpus") == "2"
    assert "max-size=16m" in flags
    assert "--cap-add" not in flags


def test_the_end_of_a_log_is_left_when_its_file_is_full() -> None:
    assert "max-file=2" in confine("docker", VerifyOptions())


def test_limits_and_capabilities_are_options() -> None:
    limits = LIMITED.read(["memory=", "cpus=0.5", "log="])
    assert limits == {**LIMITS, "memory": "", "cpus": "0.5", "log": ""}
    flags = confine("docker", VerifyOptions(limits=limits, capabilities=("CHOWN", "KILL")))
    assert value(flags, "--cpus") == "0.5"
    assert "--memory" not in flags
    assert "--log-opt" not in flags
    assert [flags[at + 1] for at, flag in enumerate(flags) if flag == "--cap-add"] == ["CHOWN", "KILL"]


@pytest.mark.parametrize("given", ["disk=1g", "memory"])
def test_other_limits_are_refused(given: str) -> None:
    with pytest.raises(ValueError, match="must be memory=VALUE, cpus=VALUE, pids=VALUE, log=VALUE, or NAME="):
        LIMITED.read([given])
