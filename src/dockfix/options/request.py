"""What a run is asked to do, in the groups of `dockfix --help`; each field is an option."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any, Final

from dockfix.options.declarations import (
    FOLDER,
    SETTINGS,
    SWITCH,
    TEXT,
    TEXTS,
    count_from,
    one_of,
    option,
    seconds_from,
)

if TYPE_CHECKING:
    from pathlib import Path

STANDARD_INPUT: Final = "-"


OBSERVER: Final = "python:3.13-slim"
LIMITS: Final[Mapping[str, str]] = {"memory": "2g", "cpus": "2", "pids": "256", "log": "16m"}
"""The limits of a proof's container, in the notation of `docker run`."""


def _limits(value: object) -> Mapping[str, str]:
    """All limits, for those that a list of NAME=VALUE sets. Raises ValueError."""
    given = SETTINGS.check(value)
    if any(name not in LIMITS or text is None for name, text in given.items()):
        raise ValueError
    return {**LIMITS, **given}


LIMITED: Final = replace(
    SETTINGS, expected=f"{', '.join(f'{name}=VALUE' for name in LIMITS)}, or NAME= for none", check=_limits
)


class Mode(StrEnum):
    """What to do with a change."""

    DIFF = "diff"
    WRITE = "write"
    CHECK = "check"


class Inspect(StrEnum):
    """Who may be asked about base images: nobody, the engine, also registries, or all with pulling."""

    OFF = "off"
    ENGINE = "engine"
    REGISTRY = "registry"
    PULL = "pull"


class Volume(IntEnum):
    """How much to print."""

    QUIET = 0
    NORMAL = 1
    VERBOSE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What to do with the changes."""

    diff: bool = option(False, SWITCH, "Print a patch for git apply or patch -p1", "--diff")
    write: bool = option(False, SWITCH, "Rewrite the files in place", "--write")
    interactive: bool = option(
        False, SWITCH, "Decide on each edit at the terminal, then rewrite", "--interactive -i"
    )
    check: bool = option(False, SWITCH, "Change nothing; exit with 1 if a file would change", "--check")
    verify: bool = option(
        False, SWITCH, "Build and run the original and the rewrite, and compare them first", "--verify"
    )
    unproven: bool = option(
        False, SWITCH, "With --verify, also make changes that could not be compared", "--unproven"
    )
    stat: bool = option(False, SWITCH, "Count the changed lines instead of printing the patch", "--stat")
    file: str | None = option(
        None,
        TEXT,
        "Write the patch to a file (a folder with --split-by)",
        "--output",
        "FILE",
    )
    split_by: str | None = option(
        None, TEXT, "One patch per CODEOWNERS owner, top-level folder or N files", "--split-by", "owner|dir|N"
    )
    allow_dirty: bool = option(False, SWITCH, "Write over uncommitted changes", "--allow-dirty")
    fails_on_fix: bool = option(
        False, SWITCH, "With --write, exit with 1 if a file was changed", "--exit-non-zero-on-fix"
    )
    undo: bool = option(False, SWITCH, "Undo the last --write", "--undo")

    @property
    def mode(self) -> Mode | None:
        """The requested mode; None prints patches and a summary."""
        if self.write or self.check:
            return Mode.WRITE if self.write else Mode.CHECK
        return Mode.DIFF if self.diff else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Which files to read and edit; patterns are .gitignore-style."""

    include: tuple[str, ...] = option(
        (), TEXTS, "Also rewrite files that match, as in .gitignore", "--include", "PATTERN", is_key=True
    )
    exclude: tuple[str, ...] = option(
        (), TEXTS, "Leave out files that match, as in .gitignore", "--exclude", "PATTERN", is_key=True
    )
    force_exclude: bool = option(
        False,
        SWITCH,
        "Leave out files that --exclude matches even where they are named",
        "--force-exclude",
        is_key=True,
    )
    since: str | None = option(
        None, TEXT, "Only files that changes since this commit make a difference to", "--since", "COMMIT"
    )
    everything: bool = option(False, SWITCH, "Search ignored and vendored folders too", "--all")
    embedded: bool = option(
        False,
        SWITCH,
        "Also rewrite Dockerfiles in Python, Markdown, Compose and shell files",
        "--embedded",
    )
    manifests: bool = option(
        False, SWITCH, "Also edit the Compose, Kubernetes and Helm files that run the images", "--manifests"
    )
    stdin_name: str | None = option(
        None, TEXT, "Path of the file on standard input", "--stdin-filename", "PATH"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Which configuration applies: by default the nearest one of each file."""

    file: str | None = option(
        None, TEXT, "Use this file for all, with patterns relative to here", "--config", "FILE"
    )
    isolated: bool = option(False, SWITCH, "Use no configuration at all", "--isolated")
    show: bool = option(False, SWITCH, "Print what applies to a path, and what sets it", "--show-config")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """Whom to ask about base images that are not certain; None leaves it to the configuration."""

    inspect: Inspect | None = option(
        None,
        one_of(Inspect),
        "Ask unknown base images what they contain",
        "--inspect",
        "[=WHO]",
        is_key=True,
        implied=Inspect.REGISTRY,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """What to print and write about a run. `color` None leaves it to the environment and the terminal."""

    files: tuple[str, ...] = option(
        (),
        TEXTS,
        "Write .html, .json, .sarif, .md, .xml (JUnit), gitlab:FILE, or github",
        "--report",
        "FILE",
    )
    baseline: str | None = option(
        None, TEXT, "Leave out files of which this file records all that is found", "--baseline", "FILE"
    )
    update_baseline: bool = option(
        False, SWITCH, "Record in the baseline what is found now", "--update-baseline"
    )
    quiet: bool = option(False, SWITCH, "Print errors only", "--quiet -q")
    verbose: bool = option(False, SWITCH, "Print what happened to every file", "--verbose -v")
    color: bool | None = option(
        None, SWITCH, "Color the output (default: on a terminal)", "--color/--no-color"
    )

    @property
    def volume(self) -> Volume:
        """How much to print."""
        if self.quiet:
            return Volume.QUIET
        return Volume.VERBOSE if self.verbose else Volume.NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOptions:
    """How originals and rewrites are built, run and compared.

    `engine` is docker, podman, nerdctl or buildah (None: the first that responds). `context` is the
    build context, by default the Dockerfile's own folder; `targets` are the stages to build in files
    that have one of that name. `build_args`, `secrets` (as in `--secret`) and `build_network` are
    passed to the engine; `builders` are Buildx builders that share the files. `env` (`NAME=VALUE`, or
    `NAME` for this environment's own value) and `env_files` are set in both containers. `seconds` is
    how long a container may run, `jobs` how many proofs run at once, `limits` those of a container in the
    engine's notation (empty: none), `capabilities` what it may do beyond a process without any,
    `frontends` the images of `# syntax=` lines that may run a build besides Docker's own,
    `observer` is an image with a Python that shares a container's processes and network, to look into it
    (empty: the image's own Python), `build_timeout` a limit per build in seconds. `paths` are
    requested from every port that responds; `checks` are shell commands that must succeed as the user.
    `build_flags` and `run_flags` are passed to the engine as they are.
    """

    engine: str | None = option(
        None,
        TEXT,
        "Use docker, podman, nerdctl or buildah (default: the first that works)",
        "--engine",
        "NAME",
    )
    context: Path | None = option(
        None, FOLDER, "Build context (default: the folder of the Dockerfile)", "--context", "FOLDER"
    )
    build_args: Mapping[str, str | None] = option(
        dict, SETTINGS, "Set a build argument, as in docker build", "--build-arg", "NAME[=VALUE]"
    )
    secrets: tuple[str, ...] = option(
        (), TEXTS, "Expose a secret to the build, as in docker build", "--secret", "SPEC"
    )
    targets: tuple[str, ...] = ()
    builders: tuple[str, ...] = option(
        (), TEXTS, "Build with this Buildx builder; several share the files", "--builder", "NAME"
    )
    build_network: str | None = option(
        None, TEXT, "Network of RUN instructions, as in docker build --network", "--build-network", "NAME"
    )
    env: tuple[str, ...] = option(
        (), TEXTS, "Set an environment variable in both containers", "--env", "NAME[=VALUE]"
    )
    env_files: tuple[str, ...] = option(
        (), TEXTS, "Read such variables from a file, one per line", "--env-file", "FILE"
    )
    with_services: bool = option(
        False, SWITCH, "Start the services that compose files say the image depends on", "--with-services"
    )
    seconds: float = option(
        5.0, seconds_from(0.1), "How long to let a container run (default: 5)", "--verify-seconds", "SECONDS"
    )
    jobs: int = option(
        1, count_from(1), "Number of files to verify at once (default: 1)", "--verify-jobs", "N"
    )
    limits: Mapping[str, str] = option(
        lambda: LIMITS,
        LIMITED,
        "Limit a container: memory=2g, cpus=2, pids=256, log=16m",
        "--limit",
        "NAME=VALUE",
    )
    capabilities: tuple[str, ...] = option(
        (), TEXTS, "Give containers a Linux capability (default: none)", "--cap-add", "NAME"
    )
    frontends: tuple[str, ...] = option(
        (), TEXTS, "Let an image that a # syntax= line names run its build", "--syntax", "IMAGE"
    )
    observer: str = option(
        OBSERVER, TEXT, f"Image that looks into containers (default: {OBSERVER})", "--observer", "IMAGE"
    )
    build_timeout: float = 900.0
    paths: tuple[str, ...] = ("/",)
    checks: tuple[str, ...] = ()
    build_flags: tuple[str, ...] = ()
    run_flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """Where the work runs, and for how long; `jobs` 0 means one process per CPU."""

    jobs: int = option(0, count_from(0), "Number of processes (default: one per CPU)", "--jobs -j", "N")
    scheduler: str | None = option(
        None, TEXT, "Run on the Dask cluster at this address instead", "--scheduler", "ADDRESS"
    )
    seconds: float = option(
        10.0, seconds_from(0.001), "Time limit for one file (default: 10)", "--timeout", "SECONDS"
    )
    cache: bool = option(True, SWITCH, "Remember results between runs (default: on)", "--cache/--no-cache")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for; `overrides` are the fields of `Options` that were given."""

    paths: Sequence[str]
    overrides: Mapping[str, Any] = field(default_factory=dict)
    output: Output = Output()
    files: Files = Files()
    configuration: Configuration = Configuration()
    inspection: Inspection = Inspection()
    reports: Reports = Reports()
    proof: VerifyOptions = VerifyOptions()
    execution: Execution = Execution()

    @property
    def reads_standard_input(self) -> bool:
        """Whether the only file comes from standard input, and its rewrite goes to standard output."""
        return STANDARD_INPUT in self.paths

    @property
    def is_nameless(self) -> bool:
        """Whether standard input has no `--stdin-filename`."""
        return self.reads_standard_input and self.files.stdin_name is None

    @property
    def places(self) -> Sequence[str]:
        """The paths, with that of the file that standard input contains."""
        return [self.files.stdin_name or "Dockerfile"] if self.reads_standard_input else self.paths

    @property
    def mode(self) -> Mode:
        """What to do with the files; nothing is written for standard input."""
        mode = self.output.mode or Mode.DIFF
        return Mode.DIFF if mode is Mode.WRITE and self.reads_standard_input else mode

    def is_brief(self, count: int) -> bool:
        """Whether a run over `count` files needs no summary."""
        one_patch = self.output.mode is Mode.DIFF and count == 1 and not self.reports.verbose
        return self.reads_standard_input or one_patch

    @property
    def needs_texts(self) -> bool:
        """Whether the files' texts are needed, not just the number of changes."""
        output = self.output
        counts = output.mode is Mode.CHECK and not (output.diff or output.stat)
        others = self.files.manifests, output.file, self.reports.files, output.verify
        return not counts or any((*others, self.reports.baseline, self.files.since))
