"""What a caller can ask of a proof, as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOptions:
    """How originals and rewrites are built, run and compared.

    `engine` is docker, podman, nerdctl or buildah (None: the first that answers). `context` is the
    folder that is built, by default the Dockerfile's own, `targets` the stages to build in files
    that have one of that name; `build_args`, `secrets` (as in `--secret`) and `build_network` are
    handed to the engine, `builders` are Buildx's, over which files are spread. `env` (`NAME=VALUE`, or
    `NAME` for this environment's own) and `env_files` are the settings of both runs. `seconds` is how
    long an image may run, `jobs` how many proofs run at once, `memory` a limit for each run in the
    engine's notation (empty: none), `build_timeout` a limit for each build in seconds. `paths` are
    asked of every port that answers, `checks` are shell commands that must hold for the user.
    `build_flags` and `run_flags` go to the engine as they stand.
    """

    engine: str | None = None
    context: Path | None = None
    build_args: Mapping[str, str | None] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    builders: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()
    seconds: float = 5.0
    jobs: int = 1
    memory: str = "2g"
    build_timeout: float = 900.0
    build_network: str | None = None
    paths: tuple[str, ...] = ("/",)
    checks: tuple[str, ...] = ()
    build_flags: tuple[str, ...] = ()
    run_flags: tuple[str, ...] = ()
