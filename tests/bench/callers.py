"""What repositories say about their Dockerfiles, and what becomes of those that run as root.

For folders of repositories: how the build contexts became known, the outcomes of the Python files that run as
root, ship and start something, with the reasons, and what reading the callers costs.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from dockfix.discovery import walk
from dockfix.files.candidates import Candidate
from dockfix.files.context_search import describe_found
from dockfix.files.patterns import Selection
from dockfix.files.reading import Source, read_source

LEFT_OUT: Final = frozenset(
    {
        "vendored", "template", "generated", "ignored", "windows", "github-action", "dev-container",
        "starts-nothing", "not-python", "not-a-dockerfile", "empty-file", "submodule", "dead-link",
    }
)  # fmt: skip
"""Files with one of these are not Python, do not ship, start nothing, or are nobody's to change."""
SAMPLES: Final = 8
_PYTHON: Final = re.compile(rb"(?i)python|\bpip|conda|\.py\b|\buv\b|poetry|requirements")

_SEARCH: Final = """
import os
from dockfix.discovery import walk
from dockfix.files.patterns import Selection
from dockfix.repository.deployments import find_deployments
selection = Selection(repositories=[])
search = walk._Search(".", os.path.realpath("."), selection)
candidates = list(search.candidates())
"""
_READ: Final = (
    "found = list(search.with_builds(candidates)); find_deployments(selection.repositories or [], found)"
)
_WITH_CALLERS: Final = ("-c", _SEARCH + _READ)
_WITHOUT_CALLERS: Final = ("-c", _SEARCH)


@dataclass
class _Figures:
    """What was counted; `examples` are paths by reason."""

    repositories: int = 0
    contexts: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    alone: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: defaultdict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    seconds: float = 0.0
    seconds_of_callers: float = 0.0


def measure(folders: Sequence[Path], *, shows_samples: bool = False) -> str:
    """The figures over every repository in the folders; with samples, paths for each reason."""
    figures = _Figures()
    for repository in sorted(one for folder in folders for one in folder.iterdir() if one.is_dir()):
        figures.repositories += 1
        _count_contexts(repository, figures)
        _count_outcomes(repository, figures)
    return "\n".join(_lines(figures, shows_samples=shows_samples))


def _count_contexts(repository: Path, figures: _Figures) -> None:
    """How the context of each Dockerfile is known, and the processor time that reading its callers takes."""
    figures.seconds_of_callers += _spend(repository, _WITH_CALLERS) - _spend(repository, _WITHOUT_CALLERS)
    search = walk._Search(str(repository), os.path.realpath(repository), Selection(repositories=[]))
    for one in search.with_builds(list(search.candidates())):
        if one.refusal is None and not one.outside:
            figures.contexts[_source_of_context(one)] += 1


def _source_of_context(one: Candidate) -> str:
    source = read_source(one.real)
    if not isinstance(source, Source):
        return "not a Dockerfile"
    context = describe_found(one.path, source.text, one.folders, os.path.dirname(one.real), one.root)
    if context.missing:
        return "unknown"
    chosen = os.path.realpath(getattr(context.read, "folder", ""))
    return "caller" if chosen in map(os.path.realpath, one.folders) else "search"


def _count_outcomes(repository: Path, figures: _Figures) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "report.json")
        arguments = ["-m", "dockfix", "--check", "--no-cache", "--report", str(report), "."]
        figures.seconds += _spend(repository, arguments)
        files: list[dict[str, Any]] = json.loads(report.read_text())["files"]
    for file in files:
        kinds = ("reason",) if file["outcome"] == "skipped" else ("review",)
        codes = {one["code"] for one in file["findings"] if one["kind"] in kinds}
        if file["outcome"] == "unchanged" or codes & LEFT_OUT or not _is_python(repository / file["path"]):
            continue
        figures.outcomes[file["outcome"]] += 1
        for code in codes:
            figures.reasons[file["outcome"], code] += 1
            figures.examples[file["outcome"], code].append(f"{repository / file['path']}")
        if len(codes) == 1:
            figures.alone[file["outcome"], *codes] += 1


def _spend(repository: Path, arguments: Sequence[str]) -> float:
    """The processor time of a Python process and its children in a repository, in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], cwd=repository, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _is_python(dockerfile: Path) -> bool:
    return dockerfile.is_file() and _PYTHON.search(dockerfile.read_bytes()) is not None


def _lines(figures: _Figures, *, shows_samples: bool) -> Iterator[str]:
    known = sum(figures.contexts.values())
    yield f"{figures.repositories} repositories, {known} Dockerfiles"
    for name, count in figures.contexts.most_common():
        yield f"  context known by {name:<18}{count:>6} {count / known:6.1%}"
    total = sum(figures.outcomes.values())
    yield f"{total} files in Python that run as root, ship and start something"
    for name, count in figures.outcomes.most_common():
        yield f"  {name:<34}{count:>6} {count / total:6.1%}"
    for key, count in figures.reasons.most_common():
        yield f"  {' '.join(key):<34}{count:>6} {count / total:6.1%}, alone {figures.alone[key]}"
        if shows_samples:
            yield from (f"      {path}" for path in figures.examples[key][:SAMPLES])
    share = figures.seconds_of_callers / figures.seconds
    spent = f"{figures.seconds_of_callers:.1f} s of {figures.seconds:.1f} s of processor time"
    yield f"reading callers: {spent}, {share:.0%}"
