from __future__ import annotations

from pathlib import Path

import pytest

from dockfix.verify import Prover, VerifyOptions
from dockfix.verify.engine import BuildPlan, Engine, EngineError, find_engine

PLAN = BuildPlan(
    dockerfile="/t/Dockerfile",
    context="/src",
    tag="dockfix-verify-1:1",
    label="dockfix.verify=1",
    build_args={"A": "1", "TOKEN": None},
    secrets=("id=token,src=/s",),
    target="production",
    network="host",
    flags=("--pull=false",),
)
HANDED = [
    *("--file", "/t/Dockerfile", "--tag", "dockfix-verify-1:1", "--label", "dockfix.verify=1"),
    *("--build-arg", "A=1", "--build-arg", "TOKEN", "--secret", "id=token,src=/s"),
    *("--target", "production", "--network", "host", "--pull=false", "/src"),
]


def put(folder: Path, name: str, script: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("docker", ["build", "--progress=plain"]),
        ("nerdctl", ["build", "--progress=plain"]),
        ("podman", ["build", "--format=docker", "--layers"]),
        ("buildah", ["build", "--format=docker", "--layers"]),
    ],
)
def test_everything_is_handed_to_the_build(name: str, head: list[str]) -> None:
    assert Engine(name, name).build(PLAN) == [name, *head, *HANDED]


def test_named_builder_loads_its_image() -> None:
    plan = BuildPlan("D", ".", "t", "l", {}, builder="far")
    argv = Engine("docker", "docker").build(plan)
    assert argv[:6] == ["docker", "buildx", "build", "--builder", "far", "--load"]


def test_builders_are_those_of_docker_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "podman", "echo 5.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    prover = Prover(VerifyOptions(builders=("far",)))
    with pytest.raises(EngineError, match="podman does not support builders: use docker"):
        prover.__enter__()


def test_flags_come_before_the_image() -> None:
    argv = Engine("podman", "podman").create("image", "l=1", ("--read-only",))
    assert argv == ["podman", "create", "--label", "l=1", "--read-only", "image"]


def test_first_engine_that_answers_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "docker", "exit 1")
    put(tmp_path, "podman", "echo 5.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_engine() == Engine("podman", str(tmp_path / "podman"))
    with pytest.raises(EngineError, match="docker does not respond"):
        find_engine("docker")
    with pytest.raises(EngineError, match="none of buildah is on PATH"):
        find_engine("buildah")


@pytest.mark.parametrize(
    ("name", "message"),
    [(None, "none of docker, podman, nerdctl, buildah is on PATH"), ("kaniko", "unknown engine 'kaniko'")],
)
def test_missing_engine_is_reported_with_help(
    name: str | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match=message):
        find_engine(name)
