"""Where files of the build context are in the image, and what the image starts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import islice
from typing import Final

from dockfix.context import ContextSource
from dockfix.evidence.landings import GLOB, Landing, LandingIndex
from dockfix.evidence.project_files import find_package_folders
from dockfix.model.image_texts import find_folders
from dockfix.model.placements import find_placements, may_place
from dockfix.model.runs import walk_script
from dockfix.syntax.expansion import expand
from dockfix.syntax.shell import parse_script
from dockfix.syntax.tree import Dockerfile, Heredoc, Instruction
from dockfix.syntax.words import declared_arguments, image_from, key_values, split_words

Read = Callable[[str], str | None]
Names = Callable[[str], frozenset[str]]

_PROJECT_FILES: Final = frozenset({"pyproject.toml", "setup.py", "setup.cfg"})
_PROJECT_DEPTH: Final = 2
_MAX_FOLDERS: Final = 40
_WITHOUT_PROJECTS: Final = re.compile(r"(?:\.|docs?/|tests?/|node_modules/|static/|templates/|migrations/)")
_VARIABLE: Final = re.compile(r"\$\{?(\w+)\b(?!:-)")
_REMOTE: Final = re.compile(r"<<|[a-z+]+://|git@")


def _growing(waiting: list[tuple[str, str, int]]) -> Iterator[tuple[str, str, int]]:
    """What waits, and what is added to it meanwhile."""
    while waiting:
        yield waiting.pop(0)


@dataclass(slots=True)
class StageLayout:
    """The state at the end of a stage; paths are absolute, variables are expanded.

    `root` is the directory in which what works in `/` is taken to work.
    """

    name: str
    workdir: str = "/"
    root: str = "/"
    env: dict[str, str] = field(default_factory=dict)
    args: dict[str, str] = field(default_factory=dict)
    landings: list[Landing] = field(default_factory=list)
    entrypoint: Instruction | None = None
    command: Instruction | None = None
    runs: list[Instruction] = field(default_factory=list)
    _index: LandingIndex | None = field(default=None, init=False, repr=False)

    @property
    def index(self) -> LandingIndex:
        """The copies by destination."""
        if self._index is None or self._index.count != len(self.landings):
            self._index = LandingIndex(self.landings)
        return self._index

    def origins(self) -> Iterator[str]:
        """The other stages from which it copies."""
        return (one.stage for one in self.landings if one.stage and one.stage != self.name)

    def child(self, name: str) -> StageLayout:
        """A new stage that is built FROM this one."""
        return StageLayout(
            name, self.workdir, self.root, dict(self.env), {}, list(self.landings), self.entrypoint,
            self.command, list(self.runs),
        )  # fmt: skip


@dataclass(eq=False)
class Layout:
    """What the build context contributes to the image that a Dockerfile builds.

    `sites` are the site-packages directories to which its own projects are installed.
    """

    stages: Mapping[str, StageLayout]
    final: StageLayout
    reader: Read
    ignores: Callable[[str], bool]
    names: Names | None = None
    sites: tuple[str, ...] = ()
    _known: dict[str, bool] = field(default_factory=dict, init=False, repr=False)

    @property
    def workdir(self) -> str:
        """The working directory of the start."""
        return self.final.workdir

    @property
    def env(self) -> Mapping[str, str]:
        """The ENV variables of the image."""
        return self.final.env

    def source_of(self, path: str) -> str | None:
        """The file of the build context that is at `path` in the image, None if there is none."""
        return self._source(posixpath.normpath(path), self.final, 0)

    def _source(self, path: str, stage: StageLayout, depth: int) -> str | None:
        for source in self._candidates(path, stage, depth):
            if posixpath.isabs(source):
                return source
            if self.exists(source) and not self.ignores(source) and self.reader(source) is not None:
                return source
        return None

    def _candidates(self, path: str, stage: StageLayout, depth: int = 0) -> Iterator[str]:
        """The possible sources of `path` in the build context; the last copy comes first."""
        for landing in stage.index.providing(path):
            source = landing.source_of(path)
            if source is None or depth > 5 or source.startswith(".."):
                continue
            if not landing.stage:
                yield source
            elif origin := self.stages.get(landing.stage):
                yield from self._candidates(posixpath.join("/", source), origin, depth + 1)

    def sources_of(self, path: str) -> tuple[str, ...]:
        """The sources that `path` may come from, whether or not they exist in the build context."""
        return tuple(self._candidates(path, self.final))

    def may_fill(self, directory: str) -> bool:
        """Whether a copy may bring what is in a directory of the image."""
        return bool(self.sources_of(posixpath.join(directory, "x")))

    def entries(self, path: str) -> tuple[str, ...]:
        """The sorted names in a directory of the image that come from the context, folders with a slash."""
        if self.names is None:
            return ()
        tops = (
            one.source
            for one in self.final.landings
            if one.destination == path and one.is_tree and not one.stage
        )
        given = (*tops, *self.sources_of(path))
        sources = ("" if one == "." else one for one in given if not posixpath.isabs(one))
        found = (self.names(one) for one in sources if not one or self.exists(one + "/"))
        return tuple(sorted(frozenset().union(*found)))

    def exists(self, source: str) -> bool:
        """Whether the build context may have a file (with a trailing slash, a folder) at that path."""
        if self.names is None or source.startswith("/"):
            return True
        if source not in self._known:
            self._known[source] = self._is_listed(source)
        return self._known[source]

    def _is_listed(self, source: str) -> bool:
        assert self.names is not None
        folder, _, name = source.rstrip("/").rpartition("/")
        if folder and not self.exists(folder + "/"):
            return False
        return (name + "/" * source.endswith("/")) in self.names(folder)

    def may_have(self, directory: str, name: str) -> bool:
        """Whether a directory of the image may contain a module or package of that name."""
        if self.names is None:
            return True
        path = posixpath.join(directory, name)
        if self._lands_below(path, self.final):
            return True
        modules = self._candidates(path + ".py", self.final)
        packages = (source + "/" for source in self._candidates(path, self.final))
        return any(map(self.exists, modules)) or any(map(self.exists, packages))

    def _lands_below(self, path: str, stage: StageLayout, depth: int = 0) -> bool:
        """Whether a copy goes to a path or below it, not just to a directory that contains it."""
        if stage.index.reaches(path):
            return True
        for landing in stage.index.providing(path):
            source, origin = landing.source_of(path), self.stages.get(landing.stage)
            inner = posixpath.join("/", source) if source is not None and landing.stage else ""
            if inner and origin and depth < 5 and self._lands_below(inner, origin, depth + 1):
                return True
        return False

    def read(self, path: str) -> str | None:
        """The text of a file of the image, None if it does not come from the build context."""
        source = self.source_of(path)
        return None if source is None else self.reader(source)

    def paths(self, wanted: Container[str]) -> Iterator[str]:
        """The paths in the image of files with the wanted names, in the top folders of copied trees."""
        for landing in self.final.landings if self.names is not None else ():
            if not landing.is_tree:
                if posixpath.basename(landing.destination) in wanted:
                    yield landing.destination
            elif not landing.stage and not GLOB.search(landing.source):
                folder = "" if landing.source == "." else landing.source
                if not folder or self.exists(folder + "/"):
                    yield from self._below(folder, landing.destination, wanted)

    def holds_code(self, folder: str) -> bool:
        """Whether a folder of the build context, `.` for all of it, has modules or packages."""
        top = "" if folder == "." else f"{folder}/"
        if self.names is None or (top and not self.exists(top)):
            return False
        names = self.names(top.rstrip("/"))
        packages = (f"{top}{name}__init__.py" for name in names if name.endswith("/"))
        return any(name.endswith(".py") for name in names) or any(map(self.exists, packages))

    @property
    def has_modules(self) -> bool:
        """Whether a copy brings modules or packages of the build context."""
        copied = [one for one in self.final.landings if not one.stage]
        return any(
            self.holds_code(one.source) if one.is_tree else one.destination.endswith(".py") for one in copied
        )

    @cached_property
    def projects(self) -> tuple[str, ...]:
        """The directories to which folders are copied that hold a Python project, which may be installed.

        An environment that comes from another stage names those of that stage.
        """
        return tuple(self._find_projects()) if self.names is not None else ()

    @property
    def package_folders(self) -> Iterator[str]:
        """The directories in which projects have their packages: their own, src, and declared ones."""
        for one in self.projects:
            declared = find_package_folders(self.read(posixpath.join(one, "pyproject.toml")) or "")
            yield from (posixpath.normpath(posixpath.join(one, folder)) for folder in ("", "src", *declared))

    def _find_projects(self) -> Iterator[str]:
        assert self.names is not None
        origins = {id(stage): stage for name in self.final.origins() if (stage := self.stages.get(name))}
        landings = [*self.final.landings, *(one for stage in origins.values() for one in stage.landings)]
        for one in landings:
            if not one.is_tree and posixpath.basename(one.destination) in _PROJECT_FILES:
                yield posixpath.dirname(one.destination)
        waiting = [
            (one.source.removesuffix("."), one.destination, 0)
            for one in landings
            if one.is_tree and not one.stage and not GLOB.search(one.source)
        ]
        for folder, place, depth in islice(_growing(waiting), _MAX_FOLDERS):
            names = self.names(folder)
            if names & _PROJECT_FILES:
                yield place
            for name in sorted(names) if depth < _PROJECT_DEPTH else ():
                if name.endswith("/") and not _WITHOUT_PROJECTS.match(name):
                    inner = name.rstrip("/")
                    waiting.append((posixpath.join(folder, inner), posixpath.join(place, inner), depth + 1))

    def _below(self, folder: str, destination: str, wanted: Container[str], depth: int = 0) -> Iterator[str]:
        for name in sorted(self.names(folder)) if self.names is not None else ():
            if name in wanted:
                yield posixpath.join(destination, name)
            elif depth == 0 and name in ("src/", "app/"):
                inner = name.rstrip("/")
                yield from self._below(
                    posixpath.join(folder, inner), posixpath.join(destination, inner), wanted, depth + 1
                )

    @cached_property
    def start_lines(self) -> tuple[Instruction, ...]:
        """The ENTRYPOINT and CMD in force."""
        return tuple(line for line in (self.final.entrypoint, self.final.command) if line is not None)


def read_layout(
    tree: Dockerfile,
    read: Read,
    names: Names | None = None,
    path: str = "Dockerfile",
    stage: int | None = None,
    starts: Mapping[int, str] | None = None,
    root: str = "/",
    given: Mapping[str, str] | None = None,
    *,
    overrides: bool = False,
) -> Layout:
    """Read which files of the build context a Dockerfile puts where.

    `read` returns the text of a file of the context, `names` lists a folder of it, if it can. `path` is
    the Dockerfile in the context, which may have its own ignore file. `stage` is the index of the stage
    that ships, None for the last. `starts` are the working directories in which stages begin, by index, if
    not `/`; those at `root` get it in place of `/`. `given` are build arguments, for those without a default
    or, with `overrides`, for all.
    """
    walker = _Walker(read, starts or {}, root, names)
    walker.given, walker.overrides = given or {}, overrides
    for line in tree.instructions:
        walker.step(line)
    last = walker.stage or StageLayout("")
    final = last if stage is None else walker.stages.get(str(stage), last)
    documents = walker.documents

    def read_any(source: str) -> str | None:
        return documents[source] if source in documents else read(source)

    return Layout(walker.stages, final, read_any, ignore_rules(read, path), names)


def find_copied(tree: Dockerfile) -> Iterator[ContextSource]:
    """The sources that COPY and ADD take from the build context, as far as their variables are known."""
    walker = _Walker(_reads_nothing, {})
    for line in tree.instructions:
        if line.keyword in ("COPY", "ADD") and walker.stage is not None and line.flag("from") is None:
            yield from _copied(line, {**walker.stage.args, **walker.stage.env})
        walker.step(line)


def _copied(line: Instruction, variables: Mapping[str, str]) -> Iterator[ContextSource]:
    words = line.json or tuple(word.text for word in split_words(line.args))
    for word in words[:-1]:
        written = expand(word, variables, line.escape)
        if not written or not _is_set(word, variables) or "$(" in word or _REMOTE.match(written):
            continue
        source = posixpath.normpath(posixpath.join("/", written)).lstrip("/")
        yield ContextSource(source or ".", line.line)


def _is_set(word: str, variables: Mapping[str, str]) -> bool:
    return all(variables.get(name) for name in _VARIABLE.findall(word))


def _reads_nothing(_path: str) -> str | None:
    return None


class _Walker:
    """Walks through the instructions once, tracking the state of each stage."""

    def __init__(
        self, read: Read, starts: Mapping[int, str], root: str = "/", names: Names | None = None
    ) -> None:
        self.read = read
        self.names = names
        self.starts = starts
        self.root = root
        self.stages: dict[str, StageLayout] = {}
        self.stage: StageLayout | None = None
        self.arguments: dict[str, str] = {}
        self.given: Mapping[str, str] = {}
        self.overrides = False
        self.documents: dict[str, str] = {}
        self.count = 0

    def step(self, line: Instruction) -> None:
        """Process one instruction."""
        if line.keyword == "FROM":
            self._from(line)
        elif line.keyword == "ARG" and self.stage is None:
            self._declare(line, self.arguments, {})
        elif self.stage is not None:
            self._inside(line, self.stage)

    def _from(self, line: Instruction) -> None:
        image, name = image_from(line.args)
        base = self.stages.get((expand(image, self.arguments) or "").lower())
        index = str(self.count)
        start = self.starts.get(self.count, "/")
        self.count += 1
        root = start if start == self.root else "/"
        self.stage = base.child(index) if base else StageLayout(index, start, root)
        self.stages[index] = self.stage
        if name:
            self.stages[name] = self.stage

    def _declare(self, line: Instruction, into: dict[str, str], known: Mapping[str, str]) -> None:
        for name, raw in declared_arguments(line.args, line.escape):
            if self.overrides and name in self.given:
                into[name] = self.given[name]
            elif raw is not None:
                into[name] = expand(raw, {**known, **into}, line.escape) or ""
            elif name in self.arguments:
                into[name] = self.arguments[name]
            elif name in self.given:
                into[name] = self.given[name]

    def _inside(self, line: Instruction, stage: StageLayout) -> None:
        variables = {**stage.args, **stage.env}
        match line.keyword:
            case "ARG":
                self._declare(line, stage.args, stage.env)
            case "ENV":
                pairs = key_values(line.args, line.escape)
                stage.env |= {name: expand(raw, variables, line.escape) or "" for name, raw in pairs}
            case "WORKDIR":
                place = expand(line.args, variables, line.escape) or ""
                path = posixpath.normpath(posixpath.join(stage.workdir, place))
                stage.workdir = stage.root if path == "/" else path
            case "COPY" | "ADD":
                stage.landings += self._landings(line, stage, variables)
            case "RUN":
                stage.runs.append(line)
                stage.landings += _placed(line, stage, variables)
            case "ENTRYPOINT":
                stage.entrypoint = None if line.args == "[]" else line
            case "CMD":
                stage.command = None if line.args == "[]" else line

    def _landings(self, line: Instruction, stage: StageLayout, variables: Mapping[str, str]) -> list[Landing]:
        words = line.json or tuple(word.text for word in split_words(line.args))
        words = tuple(word for word in words if not word.startswith("<<"))
        operands = [expand(word, variables, line.escape) or "" for word in words]
        if len(operands) + len(line.heredocs) < 2:
            return []
        flag = line.flag("from")
        origin = (expand(flag.value, variables) or "").lower() if flag and flag.value else ""
        *sources, written = operands
        target = posixpath.normpath(posixpath.join("/", stage.workdir, written))
        into = (
            len(sources) + len(line.heredocs) > 1
            or written.endswith("/")
            or posixpath.basename(written) in (".", "..", "")
        )
        into = into or target == stage.workdir
        texts = [
            self._document(one, posixpath.join(target, one.name) if into else target) for one in line.heredocs
        ]
        # Where a variable has no value, nobody knows what is copied.
        known = (one for one, word in zip(sources, words, strict=False) if _is_set(word, variables))
        return [*(one for source in known for one in self._landed(source, target, into, origin)), *texts]

    def _landed(self, written: str, target: str, into: bool, origin: str) -> Iterator[Landing]:
        """Where a source lands; the folders that its pattern matches do so by their contents."""
        folders = find_folders(written.lstrip("/"), self.names) if not origin else ()
        yield from (Landing(one, target, is_tree=True) for one in folders)
        yield self._landing(written, target, into, origin)

    def _document(self, heredoc: Heredoc, path: str) -> Landing:
        self.documents[path] = heredoc.body
        return Landing(path, path, is_tree=False)

    def _landing(self, written: str, target: str, into: bool, origin: str) -> Landing:
        source = posixpath.normpath(posixpath.join("/", written))
        source = source if origin else source.lstrip("/") or "."
        if GLOB.search(posixpath.basename(source)):
            return Landing(source, target, is_tree=True, stage=origin)
        if self._is_tree(written, source, origin):
            return Landing(source, target, is_tree=True, stage=origin)
        name = posixpath.join(target, posixpath.basename(source)) if into else target
        return Landing(source, name, is_tree=False, stage=origin)

    def _is_tree(self, written: str, source: str, origin: str) -> bool:
        if source in (".", "/") or written.endswith("/"):
            return True
        if origin:
            return "." not in posixpath.basename(source).lstrip(".")
        return self.read(source) is None


def _placed(line: Instruction, stage: StageLayout, variables: Mapping[str, str]) -> Iterator[Landing]:
    """What a RUN copies, moves or links inside of its stage: each may be a file or a tree."""
    text = "\n".join((line.args, *(heredoc.body for heredoc in line.heredocs)))
    commands = walk_script(parse_script(text), stage.workdir, variables) if may_place(text) else ()
    for source, destination in find_placements(commands, "/root"):
        for is_tree in (True, False):
            yield Landing(source, destination, is_tree, stage.name)


def ignore_rules(read: Read, path: str = "Dockerfile") -> Callable[[str], bool]:
    """A predicate for files excluded from the context by the Dockerfile's ignore file or .dockerignore."""
    text = read(path + ".dockerignore")
    text = text if text is not None else read(".dockerignore")
    return _ignore(text) if text else lambda _: False


@lru_cache(maxsize=64)
def _ignore(text: str) -> Callable[[str], bool]:
    lines = [line.strip() for line in text.lstrip("\ufeff").splitlines()]
    patterns = [one for line in lines if line and not line.startswith("#") for one in _anchored(line)]
    if not patterns:
        return lambda _: False
    from pathspec import PathSpec

    return PathSpec.from_lines("gitignore", patterns).match_file


def _anchored(pattern: str) -> tuple[str, str]:
    """A .dockerignore pattern, which is anchored at the context's root, in gitignore notation.

    The second pattern matches what is below.
    """
    negated = pattern.startswith("!")
    place = posixpath.normpath(pattern.removeprefix("!").strip()).lstrip("/")
    place = "**" if place == "." else place
    anchored = ("!/" if negated else "/") + place
    return anchored, f"{anchored}/**"
