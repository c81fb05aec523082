"""Which files of the build context an image holds and where, and what it starts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from dockfix.syntax.expansion import expand
from dockfix.syntax.tree import Dockerfile, Instruction
from dockfix.syntax.words import declared_arguments, image_from, key_values, split_words

Read = Callable[[str], str | None]
Files = Callable[[], Iterable[str]]

_GLOB: Final = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Landing:
    """What one operand of a COPY brings: `source` in the build context to `destination` in the image.

    A tree brings all below it; otherwise it is one file. `stage` is where it comes from, "" for
    the build context.
    """

    source: str
    destination: str
    is_tree: bool
    stage: str = ""

    def source_of(self, path: str) -> str | None:
        """What `path` of the image was in the source, None where it is not of this landing."""
        if not self.is_tree:
            return self.source if path == self.destination else None
        inside = _below(path, self.destination)
        if inside is None:
            return None
        if _GLOB.search(self.source):
            return _matched(self.source, inside)
        return posixpath.normpath(posixpath.join(self.source, inside)) if inside else None

    def target_of(self, source: str) -> str | None:
        """Where a file of the source lands, None where it does not."""
        if not self.is_tree:
            return self.destination if source == self.source else None
        if _GLOB.search(self.source):
            name = posixpath.relpath(source, posixpath.dirname(self.source) or ".")
            return posixpath.join(self.destination, name) if _matched(self.source, name) == source else None
        inside = source if self.source == "." else _below(source, self.source)
        return posixpath.normpath(posixpath.join(self.destination, inside)) if inside else None


def _below(path: str, directory: str) -> str | None:
    if directory == "/":
        return path.lstrip("/")
    return path[len(directory) + 1 :] if path.startswith(directory + "/") else None


def _matched(pattern: str, name: str) -> str | None:
    """The source that a copy of `pattern` took for `name`; only names, not trees, are matched."""
    source = posixpath.join(posixpath.dirname(pattern), name)
    parts = re.split(r"(\*|\?)", posixpath.basename(pattern))
    regex = "".join({"*": "[^/]*", "?": "[^/]"}.get(part, re.escape(part)) for part in parts)
    return source if re.fullmatch(regex, name) else None


@dataclass(slots=True)
class StageLayout:
    """One stage as its instructions leave it; paths absolute, variables expanded."""

    name: str
    workdir: str = "/"
    env: dict[str, str] = field(default_factory=dict)
    args: dict[str, str] = field(default_factory=dict)
    landings: list[Landing] = field(default_factory=list)
    entrypoint: Instruction | None = None
    command: Instruction | None = None
    runs: list[Instruction] = field(default_factory=list)

    def child(self, name: str) -> StageLayout:
        """A stage that is built FROM this one."""
        return StageLayout(
            name, self.workdir, dict(self.env), {}, list(self.landings), self.entrypoint, self.command,
            list(self.runs),
        )  # fmt: skip


@dataclass(eq=False)
class Layout:
    """The image that a Dockerfile ships, as far as the build context fills it."""

    stages: Mapping[str, StageLayout]
    final: StageLayout
    reader: Read
    ignores: Callable[[str], bool]
    files: Files | None = None

    @property
    def workdir(self) -> str:
        """The working directory of the started process."""
        return self.final.workdir

    @property
    def env(self) -> Mapping[str, str]:
        """The image's own ENV lines."""
        return self.final.env

    def source_of(self, path: str) -> str | None:
        """The file of the build context that stands at `path` of the image, None where none does."""
        return self._source(posixpath.normpath(path), self.final, 0)

    def _source(self, path: str, stage: StageLayout, depth: int) -> str | None:
        for landing in reversed(stage.landings):
            source = landing.source_of(path)
            if source is None or depth > 5:
                continue
            if landing.stage:
                origin = self.stages.get(landing.stage)
                found = self._source(posixpath.join("/", source), origin, depth + 1) if origin else None
            else:
                found = None if source.startswith("..") or self.ignores(source) else source
                found = found if found is not None and self.reader(found) is not None else None
            if found is not None:
                return found
        return None

    def read(self, path: str) -> str | None:
        """The text of a file of the image that the build context gives, else None."""
        source = self.source_of(path)
        return None if source is None else self.reader(source)

    def paths(self, suffix: str = ".py") -> Sequence[tuple[str, str]]:
        """(path in the image, file of the build context) of the files that land; none without a listing."""
        if self.files is None:
            return ()
        found: dict[str, str] = {}
        for name in self.files():
            if name.endswith(suffix) and not self.ignores(name):
                for target in self._targets(name, self.final):
                    found.setdefault(target, name)
        return tuple(found.items())

    def _targets(self, source: str, stage: StageLayout, depth: int = 0) -> list[str]:
        targets: list[str] = []
        for landing in stage.landings:
            if not landing.stage:
                target = landing.target_of(source)
                targets += [target] if target else []
            elif depth < 5 and (origin := self.stages.get(landing.stage)):
                inner = (landing.target_of(path) for path in self._targets(source, origin, depth + 1))
                targets += [target for target in inner if target]
        return targets

    @cached_property
    def start_lines(self) -> tuple[Instruction, ...]:
        """ENTRYPOINT and CMD in force."""
        return tuple(line for line in (self.final.entrypoint, self.final.command) if line is not None)


def read_layout(tree: Dockerfile, read: Read, files: Files | None = None, path: str = "Dockerfile") -> Layout:
    """Where the build context lands. `read` and `files` (its listing, if there is one) know the context;
    `path` is the Dockerfile in it, beside which an ignore file of its own may lie.
    """
    walker = _Walker(read, frozenset(files()) if files else None)
    for line in tree.instructions:
        walker.step(line)
    final = walker.stage or StageLayout("")
    return Layout(walker.stages, final, read, ignore_rules(read, path), files)


class _Walker:
    """Goes through the instructions once and keeps each stage's state."""

    def __init__(self, read: Read, listing: frozenset[str] | None) -> None:
        self.read = read
        self.listing = listing
        self.stages: dict[str, StageLayout] = {}
        self.stage: StageLayout | None = None
        self.arguments: dict[str, str] = {}
        self.count = 0

    def step(self, line: Instruction) -> None:
        """Take one instruction into account."""
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
        self.count += 1
        self.stage = base.child(index) if base else StageLayout(index)
        self.stages[index] = self.stage
        if name:
            self.stages[name] = self.stage

    def _declare(self, line: Instruction, into: dict[str, str], known: Mapping[str, str]) -> None:
        for name, raw in declared_arguments(line.args, line.escape):
            if raw is not None:
                into[name] = expand(raw, {**known, **into}, line.escape) or ""
            elif name in self.arguments:
                into[name] = self.arguments[name]

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
                stage.workdir = posixpath.normpath(posixpath.join(stage.workdir, place))
            case "COPY" | "ADD":
                stage.landings += self._landings(line, stage, variables)
            case "RUN":
                stage.runs.append(line)
            case "ENTRYPOINT":
                stage.entrypoint = None if line.args == "[]" else line
            case "CMD":
                stage.command = None if line.args == "[]" else line

    def _landings(self, line: Instruction, stage: StageLayout, variables: Mapping[str, str]) -> list[Landing]:
        words = line.json or tuple(word.text for word in split_words(line.args))
        operands = [expand(word, variables, line.escape) or "" for word in words if not word.startswith("<<")]
        if len(operands) < 2:
            return []
        flag = line.flag("from")
        origin = (expand(flag.value, variables) or "").lower() if flag and flag.value else ""
        *sources, written = operands
        target = posixpath.normpath(posixpath.join("/", stage.workdir, written))
        into = len(sources) > 1 or written.endswith("/") or posixpath.basename(written) in (".", "..", "")
        return [self._landing(source, target, into or target == stage.workdir, origin) for source in sources]

    def _landing(self, written: str, target: str, into: bool, origin: str) -> Landing:
        source = posixpath.normpath(posixpath.join("/", written))
        source = source if origin else source.lstrip("/") or "."
        if _GLOB.search(posixpath.basename(source)):
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
        if self.read(source) is not None:
            return False
        if self.listing is not None:
            return source not in self.listing
        return "." not in posixpath.basename(source).lstrip(".")


def ignore_rules(read: Read, path: str = "Dockerfile") -> Callable[[str], bool]:
    """Whether a file stays out of the build context, by the Dockerfile's own ignore file or .dockerignore."""
    text = read(path + ".dockerignore")
    text = text if text is not None else read(".dockerignore")
    lines = [line.strip() for line in (text or "").lstrip("\ufeff").splitlines()]
    patterns = [_anchored(line) for line in lines if line and not line.startswith("#")]
    if not patterns:
        return lambda _: False
    from pathspec import PathSpec  # noqa: PLC0415

    return PathSpec.from_lines("gitignore", patterns).match_file


def _anchored(pattern: str) -> str:
    """A .dockerignore pattern as gitignore writes it: Docker's start at the root of the context."""
    negated = pattern.startswith("!")
    place = posixpath.normpath(pattern.removeprefix("!").strip()).lstrip("/")
    place = "**" if place == "." else place
    return ("!/" if negated else "/") + place
