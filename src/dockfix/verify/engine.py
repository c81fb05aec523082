"""Container engines as command lines: which ones are available, and the arguments of their calls."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dockfix.files.programs import find_program

_ANSWERS: Final[Mapping[str, tuple[str, ...]]] = {
    "docker": ("version", "--format", "{{.Server.Version}}"),
    "podman": ("version", "--format", "{{.Client.Version}}"),
    "nerdctl": ("version", "--format", "{{.Client.Version}}"),
    "buildah": ("version",),
}


ENGINES: Final = tuple(_ANSWERS)


class EngineError(RuntimeError):
    """No engine can be used; the message names what was tried and what to do."""


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """One build: a Dockerfile, its build context, and the flags to pass on."""

    dockerfile: str
    context: str
    tag: str
    label: str
    build_args: Mapping[str, str | None]
    secrets: tuple[str, ...] = ()
    target: str | None = None
    builder: str | None = None
    network: str | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Engine:
    """A container engine's command line; every method returns the arguments of one call."""

    name: str
    executable: str

    @property
    def runs(self) -> bool:
        """Whether it can run containers; buildah only builds."""
        return self.name != "buildah"

    def build(self, plan: BuildPlan) -> list[str]:
        """Build `plan` and load the image under its tag."""
        argv = [self.executable]
        if self.name == "docker" and plan.builder is not None:
            argv += ["buildx", "build", "--builder", plan.builder, "--load"]
        else:
            argv += ["build"]
        if self.name in {"docker", "nerdctl"}:
            argv += ["--progress=plain"]
        else:
            argv += ["--format=docker", "--layers"]
        argv += ["--file", plan.dockerfile, "--tag", plan.tag, "--label", plan.label]
        for name, value in plan.build_args.items():
            argv += ["--build-arg", name if value is None else f"{name}={value}"]
        for secret in plan.secrets:
            argv += ["--secret", secret]
        if plan.target is not None:
            argv += ["--target", plan.target]
        if plan.network is not None:
            argv += ["--network", plan.network]
        return [*argv, *plan.flags, plan.context]

    def create(self, image: str, label: str, flags: Sequence[str] = ()) -> list[str]:
        """Create a container of the image; prints its ID."""
        return [self.executable, "create", "--label", label, *flags, image]

    def once(self, image: str, label: str, flags: Sequence[str], program: Sequence[str]) -> list[str]:
        """Run one program of the image as its user, with standard input, and remove the container."""
        head = [self.executable, "run", "--rm", "--interactive", "--label", label]
        return [*head, *flags, "--entrypoint", program[0], image, *program[1:]]

    def within(self, container: str, *argv: str) -> list[str]:
        """Run a program in a running container as the container's user, with standard input."""
        return [self.executable, "exec", "--interactive", container, *argv]

    def call(self, *arguments: str) -> list[str]:
        """Any other call."""
        return [self.executable, *arguments]


def find_engine(name: str | None = None) -> Engine:
    """The engine of that name, or the first that responds. Raises EngineError if there is none."""
    if name is not None and name not in _ANSWERS:
        raise EngineError(f"engine: unknown engine {name!r}: use one of {', '.join(_ANSWERS)}")
    silent = []
    for candidate in [name] if name is not None else _ANSWERS:
        executable = find_program(candidate)
        if executable is None:
            continue
        if _answers([executable, *_ANSWERS[candidate]]):
            return Engine(candidate, executable)
        silent.append(candidate)
    if silent:
        raise EngineError(
            f"engine: {', '.join(silent)} does not respond: is its service running, and may you use it?"
        )
    tried = name or ", ".join(_ANSWERS)
    raise EngineError(f"engine: none of {tried} is on PATH: install one, or drop --verify")


def _answers(argv: list[str]) -> bool:
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and bool(done.stdout.strip())
