"""Cases of fixtures/runs: a small repository, a command line, and what a report must say."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from faults import FAULTS
from git_repository import Repository

from dockfix import cli
from dockfix.checks import codes
from dockfix.config import forget_configs
from dockfix.results import Finding, Kind
from dockfix.runner import jobs

RUNS: Final = Path(__file__).parents[2] / "fixtures" / "runs"
KINDS: Final = {"reason": Kind.REFUSAL, "review": Kind.REVIEW, "note": Kind.NOTE, "error": Kind.FAILURE}


@dataclass(frozen=True)
class Shown:
    """A finding, the file it belongs to, and its kind in a report."""

    path: str
    kind: Kind
    finding: Finding

    def __str__(self) -> str:
        return f"{self.path}: {self.kind} {self.finding.code}"


@dataclass(frozen=True)
class RunCase:
    """One case, as described by its TOML file; `findings` are printed like `Shown`."""

    about: str
    arguments: tuple[str, ...]
    findings: tuple[str, ...]
    fault: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    binary: Mapping[str, str] = field(default_factory=dict)
    repeated: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    chain: Mapping[str, tuple[str, int, int]] = field(default_factory=dict)
    edited: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    modes: Mapping[str, int] = field(default_factory=dict)
    pipes: tuple[str, ...] = ()
    submodules: tuple[str, ...] = ()
    in_git: bool = True

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """The files to commit."""
        yield from ((name, text.removeprefix("\n").encode()) for name, text in self.files.items())
        yield from ((name, bytes.fromhex(text)) for name, text in self.binary.items())
        yield from ((name, text.encode() * count) for name, (text, count) in self.repeated.items())
        for name, (text, first, last) in self.chain.items():
            for number in range(first, last + 1):
                yield name.format(number), text.format(number + 1).encode()


def read_run(name: str) -> RunCase:
    """The case of that name."""
    return RunCase(**tomllib.loads((RUNS / f"{name}.toml").read_text(encoding="utf-8")))


def lay_out(case: RunCase, folder: Path) -> None:
    """Create the case's repository in an empty folder."""
    repository = Repository(folder)
    repository.git("init", "--quiet")
    for name, data in case.contents():
        if name.split("/")[0] not in case.submodules:
            _put(folder / name, data)
    for name in case.submodules:
        _lay_out_submodule(repository, name, dict(case.contents()))
    for name, target in case.links.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(target)
    for name in case.pipes:
        os.mkfifo(folder / name)
    for name, mode in case.modes.items():
        (folder / name).chmod(mode)
    repository.commit()
    for name, text in case.edited.items():
        (folder / name).write_text(text, encoding="utf-8")
    if not case.in_git:
        shutil.rmtree(folder / ".git")


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _lay_out_submodule(repository: Repository, name: str, contents: Mapping[str, bytes]) -> None:
    other = Repository(repository.folder.with_name(f"{repository.folder.name}-{name}"))
    other.folder.mkdir()
    other.git("init", "--quiet")
    for path, data in contents.items():
        if path.startswith(f"{name}/"):
            _put(other.folder / path.removeprefix(f"{name}/"), data)
    other.commit()
    repository.git("submodule", "--quiet", "add", str(other.folder), name)


def run(case: RunCase, folder: Path) -> list[Shown]:
    """What a report says about the case, laid out in `folder` and run there."""
    repository = folder / "repository"
    repository.mkdir()
    with ExitStack() as stack:
        settings = {"GIT_CONFIG_GLOBAL": os.devnull, "XDG_STATE_HOME": str(folder / "state")}
        settings["DOCKFIX_CACHE_DIR"] = str(folder / "cache")
        stack.enter_context(patch.dict(os.environ, settings))
        lay_out(case, repository)
        stack.enter_context(chdir(repository))
        stack.enter_context(patch.dict(jobs._recent, clear=True))
        if case.fault:
            stack.enter_context(FAULTS[case.fault]())
        report = folder / "report.json"
        _run_command_line(*case.arguments, "--report", str(report))
    return list(_read_report(json.loads(report.read_text(encoding="utf-8"))))


def _run_command_line(*arguments: str) -> None:
    forget_configs()
    with ExitStack() as stack:
        stack.enter_context(patch.object(sys, "argv", ["dockfix", *arguments]))
        stack.enter_context(redirect_stdout(io.TextIOWrapper(io.BytesIO(), encoding="utf-8")))
        stack.enter_context(redirect_stderr(io.StringIO()))
        cli.run()


def _read_report(report: Mapping[str, Any]) -> Iterator[Shown]:
    for row in report["files"]:
        if row["outcome"] in ("changed", "needs-review"):
            yield Shown(row["path"], Kind.CHANGE, Finding(codes.RUNS_AS_ROOT, 0, codes.RUNS_AS_ROOT.summary))
        for found in row["findings"]:
            code = codes.named(found["code"])
            kind = Kind.GUARANTEE if Kind.GUARANTEE in code.kinds else KINDS[found["kind"]]
            finding = Finding(code, found["line"], found["message"], found["cure"])
            yield Shown(row["path"], kind, finding)
