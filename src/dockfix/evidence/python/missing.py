"""Code that an image starts and that its build context lacks."""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Final

from dockfix.evidence.claims import Claim, Kind
from dockfix.evidence.image_files import Layout
from dockfix.evidence.landings import GLOB
from dockfix.evidence.python.application import Application
from dockfix.evidence.python.start import NamedCode, Start
from dockfix.knowledge.file_names import COMPOSE_NAME

_DEPENDENCIES: Final = frozenset(
    {"pyproject.toml", "setup.py", "setup.cfg", "pipfile", "environment.yml", "environment.yaml"}
)
# A folder of nothing else is that of a lone file, whose sources are elsewhere.
_BESIDE: Final = re.compile(r"\.|.*dockerfile", re.IGNORECASE | re.DOTALL)
_CLONES: Final = re.compile(r"\bgit\s[^\n;&|]{0,80}?\bclone\b|\bsvn\s+(?:co|checkout|export)\b")
_DOWNLOADS: Final = re.compile(r"\b(?:curl|wget|aria2c)\s")
# A single file is a program or a module of its own, hardly a package.
_FETCHES_TREE: Final = re.compile(r"\bclone\b|\bsvn\b|\btar\b|\bunzip\b")
_BUILT: Final = frozenset({"dist", "wheel", "wheels", "wheelhouse"})
_PACKED: Final = (".whl", ".pex", ".pyz")
_MOST_FOLDERS: Final = 64
_PLAIN: Final = re.compile(r"[\w./+-]+")


def find_missing(layout: Layout, application: Application, start: Start) -> Iterator[Claim]:
    """The code that command lines start by name and that is in no file of the build context.

    It is fetched if a step brings it; a program that stands in what another build makes of the application
    counts, too. A module that the context or the steps install is third-party.
    Nothing is missing if the contents of the context are unknown.
    """
    fetching = [text for text in _texts_of_steps(layout) if _fetches(text)]
    for one in start.named if fetching else ():
        if _is_plain(one) and not _is_there(application, one) and _is_fetched(layout, one, fetching):
            yield Claim(Kind.FETCHED, (*one.files, *one.modules)[0], one.by.file, one.by.line)
            return
    if layout.names is None or all(map(_stands_beside, layout.names(""))):
        return
    for one in start.named:
        if _is_plain(one) and not _is_there(application, one) and not _is_made(layout, one):
            what = (*one.files, *one.modules)[0]
            yield Claim(Kind.MISSING, what, one.by.file, one.by.line)
    unbuilt = next(_find_unbuilt(layout), "")
    if unbuilt and start.lines and not start.codes:
        line = start.lines[0]
        if not _is_there(application, NamedCode(tuple(start.files), tuple(start.modules), line)):
            yield Claim(Kind.MISSING, f"{line.words[0]} (from {unbuilt})", line.file, line.line)


def _find_unbuilt(layout: Layout) -> Iterator[str]:
    """What a build before this one makes of an application (a wheel, `dist/`) and the context lacks."""
    stages = {id(one): one for one in (layout.final, *layout.stages.values())}
    for one in (landing for stage in stages.values() for landing in stage.landings):
        source = one.source.rstrip("/")
        is_built = source.endswith(_PACKED) or not _BUILT.isdisjoint(source.split("/"))
        if one.stage or posixpath.isabs(source) or not is_built:
            continue
        place = posixpath.dirname(source) if GLOB.search(source) else source
        if not (layout.exists(place) or layout.exists(f"{place}/")):
            yield source


def _stands_beside(name: str) -> bool:
    """Whether a file is a Dockerfile, a compose file, or hidden, and so no part of an application."""
    return bool(_BESIDE.match(name) or COMPOSE_NAME.search(name.lower()))


def _is_plain(one: NamedCode) -> bool:
    return all(map(_PLAIN.fullmatch, (*one.files, *one.modules)))


def _texts_of_steps(layout: Layout) -> Iterator[str]:
    runs = {id(run): run for stage in layout.stages.values() for run in stage.runs}
    for run in runs.values():
        yield "\n".join((run.args, *(heredoc.body for heredoc in run.heredocs)))


def _fetches(text: str) -> bool:
    """Whether a step clones or downloads something."""
    return bool(_CLONES.search(text) or ("://" in text and _DOWNLOADS.search(text)))


def _is_fetched(layout: Layout, one: NamedCode, fetching: Sequence[str]) -> bool:
    """Whether steps that fetch code bring what is started, and nothing of the context is at its place."""
    if layout.may_fill(one.by.workdir):
        return False
    if one.files:
        return not any(layout.sources_of(path) or _is_written(path, layout) for path in one.files)
    tops = {name.partition(".")[0] for name in one.modules}
    if tops & sys.stdlib_module_names or not any(map(_FETCHES_TREE.search, fetching)):
        return False
    return not any(_is_installed(top, layout) for top in tops)


def _is_written(path: str, layout: Layout) -> bool:
    """Whether a redirection of a step writes a file, whose content stands in the Dockerfile."""
    target = re.compile(rf">\s?[\"']?[\w./-]{{0,200}}{re.escape(posixpath.basename(path))}(?!\w)")
    return any(target.search(text) for text in _texts_of_steps(layout))


def _is_installed(top: str, layout: Layout) -> bool:
    """Whether a step installs a package of that name, or the context depends on one."""
    name = re.escape(top).replace("_", "[-_.]")
    by_step = re.compile(rf"(?i)\binstall\b[^&|;\n]{{0,400}}[\s'\"=]{name}(?![\w-])")
    named = re.compile(rf"(?i)(?<![\w-]){name}(?![\w-])")
    texts = _dependencies(layout) if layout.names is not None else ()
    return any(map(by_step.search, _texts_of_steps(layout))) or any(map(named.search, texts))


def _is_there(application: Application, one: NamedCode) -> bool:
    modules = any(application.module(name) is not None for name in one.modules)
    return modules or any(application.load(path) is not None for path in one.files)


def _is_made(layout: Layout, one: NamedCode) -> bool:
    """Whether a step may create the code in the image, or installs it."""
    steps = " ".join(run.args for stage in layout.stages.values() for run in stage.runs)
    if any(_names(path, steps, is_copied=bool(layout.sources_of(path))) for path in one.files):
        return True
    tops = {name.partition(".")[0] for name in one.modules}
    if tops & sys.stdlib_module_names:
        return True
    texts = [steps, *_dependencies(layout)] if tops else []
    names = [re.escape(top).replace("_", "[-_.]") for top in tops]
    return any(re.search(rf"(?i)(?<![\w-]){name}(?![\w-])", text) for name in names for text in texts)


def _names(path: str, steps: str, *, is_copied: bool) -> bool:
    """Whether steps name a file, or a directory above it that no copy creates."""
    above = [] if is_copied else path.split("/")[1:-1]
    folders = ["/".join(["", *above[: depth + 1]]) for depth in range(len(above))]
    return any(re.search(rf"{re.escape(one)}(?!\w)", steps) for one in (posixpath.basename(path), *folders))


def _dependencies(layout: Layout) -> Iterator[str]:
    """The texts of files that list dependencies, at the top of the context and beside what is copied."""
    assert layout.names is not None
    copied = [one.source for stage in layout.stages.values() for one in stage.landings if not one.stage]
    folders = {"", *copied, *map(posixpath.dirname, copied)} - {"."}
    for folder in sorted(folders)[:_MOST_FOLDERS]:
        for name in sorted(layout.names(folder)):
            if _names_dependencies(name.lower()):
                yield layout.reader(posixpath.join(folder, name)) or ""


def _names_dependencies(name: str) -> bool:
    """Whether a file of that name, in lower case, declares or locks dependencies."""
    is_list = "requirements" in name and name.endswith((".txt", ".in"))
    return is_list or name in _DEPENDENCIES or name.endswith(".lock")
