"""What the repository's builds imply for its Dockerfiles: targets, and bases that are built here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from dockfix.confined import Loss, work
from dockfix.files.cache import Cache, derive_all
from dockfix.files.candidates import Build, Candidate
from dockfix.files.reading import MAX_BYTES, Source, read_bytes, read_source
from dockfix.options import ANY_STAGE, Options
from dockfix.repository.arguments import UNKNOWN
from dockfix.repository.relations import Relations

if TYPE_CHECKING:
    from dockfix.context import Deployment
    from dockfix.model.lineage import Lineage

_FROM = re.compile(
    rb"^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*(\S+)(?:[ \t]+AS[ \t]+(\S+))?", re.IGNORECASE | re.MULTILINE
)
_STEP = re.compile(rb"^[ \t]*(?!ARG\b)[A-Z]", re.IGNORECASE | re.MULTILINE)
_COPY = re.compile(rb"^[ \t]*COPY[ \t]([^\n]*--from=[^\n]*)", re.IGNORECASE | re.MULTILINE)
_MOVING: Final = frozenset({"", "usr", "root", "home"})
"""Folders with what may be elsewhere in an image that runs as a user: packages, and root's home."""
_ARG = re.compile(rb"^[ \t]*ARG[ \t]+(\w+)=(\S+)", re.IGNORECASE | re.MULTILINE)
_VARIABLE = re.compile(r"\$\{?(\w+)\}?(?::?-([^}$]*)\})?")
MAX_ALTERNATIVES: Final = 8
"""So many sets of build arguments are read."""
MAX_DEPTH: Final = 100
"""The maximum length of a chain of the repository's images; beyond it, a base is unknown."""


def relate(
    candidates: Sequence[Candidate],
    options: Sequence[Options],
    others: Sequence[Candidate] = (),
    *,
    options_of: Callable[[str], Options] = lambda _: Options(),
    by_number: Callable[[Deployment], bool] = lambda _: False,
    cache: Cache | None = None,
) -> Relations:
    """Relate the candidates through their builds: targets, and names in the FROM lines of others.

    The `others` are Dockerfiles outside of the search, which may be bases and children too; `options_of`
    returns the options of a file. A file gets numeric IDs if `by_number` is true for one of its
    deployments.
    """
    found = _find_bases([*candidates, *others], cache)
    bases = {real: named.bases for real, named in found.items()}
    own = {
        candidate.real: _with_numbers(
            _with_builds(candidate, given) if candidate.builds else given, candidate, by_number
        )
        for candidate, given in zip(candidates, options, strict=True)
    }
    if not bases:
        return Relations(candidates, list(own.values()), {})
    needed = {one.real for named in found.values() for one in (*named.bases.values(), *named.copied)}
    for other in others:
        if other.real in needed:
            own[other.real] = _with_builds(other, options_of(other.real))
    facts = _Facts(bases, own)
    children: dict[str, list[str]] = {}
    copiers: dict[str, list[str]] = {}
    for candidate in (*candidates, *others):
        named = found.get(candidate.real, _Named())
        for real in dict.fromkeys(one.real for one in named.parents if facts.is_root(one)):
            children.setdefault(real, []).append(candidate.path)
        for real in dict.fromkeys(one.real for one in named.copied if facts.is_root(one)):
            copiers.setdefault(real, []).append(candidate.path)
    informed = [facts.inform(candidate.real) for candidate in candidates]
    return Relations(candidates, informed, children, copiers, is_whole=not facts.is_lost)


def _with_builds(candidate: Candidate, options: Options) -> Options:
    """The options with the targets and arguments of the builds."""
    named = (build.target for build in candidate.builds if build.target)
    targets = dict.fromkeys(ANY_STAGE if UNKNOWN in target else target for target in named)
    new = tuple(target for target in targets if target not in options.targets)
    builds = [dict(build.arguments) for build in candidate.builds]
    given = tuple(sorted(_arguments(builds)))
    others = tuple(filter(None, _alternatives(builds)))[:MAX_ALTERNATIVES]
    if not (new or given or others):
        return options
    return replace(options, targets=options.targets + new, arguments=given, alternatives=others)


def _alternatives(builds: Sequence[Mapping[str, str | None]]) -> Iterator[tuple[tuple[str, str], ...]]:
    """What each build gives, as far as it is known."""
    known = [
        tuple(sorted((name, value) for name, value in one.items() if value and value != UNKNOWN))
        for one in builds
    ]
    yield from dict.fromkeys(known)


def _arguments(builds: Sequence[Mapping[str, str | None]]) -> Iterator[tuple[str, str]]:
    """The arguments that every build gives, each with one of its values; root as a user counts most."""
    for name in builds[0]:
        if all(name in one for one in builds):
            known = [value for one in builds if (value := one[name]) and value != UNKNOWN]
            yield from (
                (name, value) for value in sorted(known, key=lambda one: one not in ("root", "0"))[:1]
            )


def _with_numbers(options: Options, candidate: Candidate, by_number: Callable[[Deployment], bool]) -> Options:
    if not options.evidence or options.numeric or not any(map(by_number, candidate.deployments)):
        return options
    return replace(options, numeric=True)


class _Builder(NamedTuple):
    """What builds an image: the absolute path of a Dockerfile, and the stage, "" for the last.

    It is uncertain if only the last part of the image's name is the same.
    """

    real: str
    target: str
    is_certain: bool = True


class _Named(NamedTuple):
    """What builds the images that a Dockerfile names.

    `bases` are those in its FROM lines by name, `parents` those on which its steps run or which it ships,
    `copied` those from which it copies what may move.
    """

    bases: Mapping[str, _Builder] = {}
    parents: Sequence[_Builder] = ()
    copied: Sequence[_Builder] = ()


def _find_bases(candidates: Sequence[Candidate], cache: Cache | None) -> dict[str, _Named]:
    """What builds the images that each Dockerfile names, by its absolute path."""
    rows = [candidate for candidate in candidates if candidate.refusal is None]
    pairs = [(build, _Builder(row.real, build.target)) for row in rows for build in row.builds]
    builders = {name: builder for build, builder in pairs for name in build.images}
    by_name = {_place(build, builder.real): builder for build, builder in pairs if build.name}
    bases: dict[str, _Named] = {}
    if not builders and not any(build.contexts for build, _ in pairs):
        return bases
    shorter = _by_short_name(builders)
    found = derive_all(cache, "bases", [row.real for row in rows], _read_bases)
    for row, names in zip(rows, found, strict=True):
        contexts = _contexts(row, by_name)
        built = dict(_find_built(row, dict.fromkeys((*names[0], *names[2])), contexts, shorter))
        if built:
            every, parents, copied = ({name: built[name] for name in part if name in built} for part in names)
            bases[row.real] = _Named(every, tuple(parents.values()), tuple(copied.values()))
    return bases


def _find_built(
    row: Candidate,
    names: Iterable[str],
    contexts: Mapping[str, _Builder],
    builders: Mapping[str, Mapping[str, _Builder]],
) -> Iterator[tuple[str, _Builder]]:
    """(name, what builds it) for each image that another Dockerfile builds."""
    for name in names:
        builder = contexts.get(name) or _find_builder(name, builders)
        if builder is not None and builder.real != row.real:
            yield name, builder


def _find_builder(name: str, builders: Mapping[str, Mapping[str, _Builder]]) -> _Builder | None:
    """What builds an image, perhaps under another registry, unless the name is that of a public image.

    `builders` are those of each image by its last name. None if several images may be meant.
    """
    named = builders.get(_short(name), {})
    own = named.get(name)
    if own is not None and "/" in name:
        return own
    agreeing = [one for built, one in named.items() if _agree(built, name)]
    found = (
        [own] if own is not None else agreeing or [one._replace(is_certain=False) for one in named.values()]
    )
    if len({one.real for one in found}) != 1:
        return None
    from dockfix.model.images import find_image

    return None if find_image(name).known else found[0]


def _by_short_name(builders: Mapping[str, _Builder]) -> dict[str, dict[str, _Builder]]:
    found: dict[str, dict[str, _Builder]] = {}
    for name, builder in builders.items():
        found.setdefault(_short(name), {})[name] = builder
    return found


def _short(name: str) -> str:
    return name.rpartition("/")[2]


def _agree(one: str, other: str) -> bool:
    """Whether two names may be one image of two registries: team/web and web, but not my/web and your/web."""
    pairs = zip(reversed(_folders(one)), reversed(_folders(other)), strict=False)
    return all(mine == yours or UNKNOWN in (mine, yours) for mine, yours in pairs)


def _folders(name: str) -> list[str]:
    """The folders of an image's name, without the registry."""
    first, *rest = name.split("/")[:-1] or [""]
    is_registry = first == "localhost" or "." in first or ":" in first
    return rest if is_registry or not first else [first, *rest]


def _place(build: Build, real: str, name: str = "") -> tuple[str, str, str]:
    """The repository of a build, its file there, and its name: a run may read several repositories."""
    return real.removesuffix(build.dockerfile), build.source, name or build.name


def _contexts(row: Candidate, by_name: Mapping[tuple[str, str, str], _Builder]) -> dict[str, _Builder]:
    """The names of `contexts` that FROM can use, and their builders."""
    contexts = (
        (alias, _place(build, row.real, name)) for build in row.builds for alias, name in build.contexts
    )
    return {alias: by_name[key] for alias, key in contexts if key in by_name}


_Names = tuple[str, ...]


def _read_bases(path: str) -> tuple[_Names, _Names, _Names]:
    """The names of images, without tags: in FROM lines, those that steps run on, those copied from.

    Of the last, only those from which a copy takes what may move: what root installs, or has in its home.
    """
    try:
        data = read_bytes(path, MAX_BYTES)
    except OSError:
        return (), (), ()
    stages = _split_stages(data)
    references = [stage.reference for stage in stages]
    bare = {
        stage.alias
        for stage in stages[:-1]
        if stage.alias and stage.is_bare and stage.alias.lower() not in map(str.lower, references)
    }
    named = {stage.alias: stage.reference for stage in stages if stage.alias in bare}
    copies = (one[1].decode("utf-8", "replace").split() for one in _COPY.finditer(data))
    moving = [named.get(source, source) for source in filter(None, map(_find_moving, copies))]
    parents = [stage.reference for stage in stages if stage.alias not in bare]
    names = (references, parents, moving)
    every, steps, copied = (tuple(dict.fromkeys(_untagged(one, data) for one in rows)) for rows in names)
    return every, steps, copied


def _find_moving(words: Sequence[str]) -> str:
    """The image or stage from which the words of a COPY take what may move, "" if there is none."""
    source = next((word[7:] for word in words if word.lower().startswith("--from=")), "")
    paths = [word for word in words if not word.startswith("--")][:-1]
    return source if any(map(_may_move, paths)) else ""


def _may_move(path: str) -> bool:
    first = path.lstrip("/").partition("/")[0]
    return not path.startswith("/") or first in _MOVING or any(one in path for one in "$*?[")


class _Stage(NamedTuple):
    """A stage: what its FROM names, its own name, and whether nothing follows in it."""

    reference: str
    alias: str
    is_bare: bool


def _split_stages(data: bytes) -> list[_Stage]:
    found = list(_FROM.finditer(data))
    ends = [*(one.start() for one in found[1:]), len(data)]
    return [
        _Stage(
            one[1].decode("utf-8", "replace"),
            (one[2] or b"").decode("utf-8", "replace"),
            not _STEP.search(data, one.end(), end),
        )
        for one, end in zip(found, ends, strict=False)
    ]


def _untagged(reference: str, data: bytes) -> str:
    text = _fill(reference, data) if "$" in reference else reference
    head, slash, last = text.partition("@")[0].rpartition("/")
    return head + slash + last.partition(":")[0]


def _fill(reference: str, data: bytes) -> str:
    """A reference with its variables replaced by their defaults."""
    pairs = ((name.decode(), value.decode("utf-8", "replace")) for name, value in _ARG.findall(data))
    defaults = {name: value.strip("\"'") for name, value in pairs}
    return _VARIABLE.sub(lambda match: str(defaults.get(match[1], match[2] or "")), reference)


_FACTS: Final = (
    "family",
    "release",
    "shell",
    "account_command",
    "prepare",
    "reuse",
    "python",
    "pip",
    "process",
    "process_of",
    "uncertain",
)


class _Facts:
    """Facts about the images that are built here, resolved from the bases upwards."""

    def __init__(self, bases: Mapping[str, Mapping[str, _Builder]], options: Mapping[str, Options]) -> None:
        self._bases = bases
        self._options = options
        self._known: dict[_Builder, dict[str, Any] | None] = {}
        self._depth = 0
        self.is_lost = False

    def is_root(self, builder: _Builder) -> bool:
        """Whether what is built on an image starts as root, as far as is known."""
        facts = self._of(builder)
        return facts is None or facts["user"].partition(":")[0] in ("root", "0")

    def inform(self, real: str) -> Options:
        """The options of the Dockerfile at `real`, with facts about bases that are built here."""
        options = self._options[real]
        bases = self._bases.get(real, {}).items()
        found = {name: self._of(builder) for name, builder in bases if builder.is_certain}
        known = {name: facts for name, facts in found.items() if facts is not None}
        return replace(options, images={**known, **options.images}) if known else options

    def _of(self, builder: _Builder) -> dict[str, Any] | None:
        if builder not in self._known and self._depth < MAX_DEPTH:
            self._known[builder] = None  # an image that builds on itself stays unknown
            self._depth += 1
            found = work(_describe, (builder.real, builder.target, self.inform(builder.real)))
            self._depth -= 1
            self.is_lost = self.is_lost or isinstance(found, Loss)
            self._known[builder] = None if isinstance(found, Loss) else found
        return self._known.get(builder)


def _describe(asked: tuple[str, str, Options]) -> dict[str, Any] | None:
    """Facts about the image that a Dockerfile builds, in the form of bases.toml; None for an unknown base."""
    from dockfix.model.accounts import find_created
    from dockfix.model.lineage import read_stages, trace
    from dockfix.syntax.parser import parse

    real, target, options = asked
    source = read_source(real)
    if not isinstance(source, Source):
        return None
    stages = read_stages(parse(source.text), options)
    named = (one for one in stages if target and target.lower() in one.names())
    stage = next(named, stages[-1] if stages else None)
    if stage is None or stage.image.family == "unknown" or UNKNOWN in target:
        return None
    lineage = trace(stage)
    image, end = lineage.image, lineage.end
    facts: dict[str, Any] = {name: getattr(image, name) for name in _FACTS}
    if path := _left_to_root(lineage):
        facts["uncertain"] = f"its build leaves {path} in root's home"
    created = find_created(lineage)
    if created:
        # As in a file that creates an account itself: the last one is meant to run the image.
        facts["reuse"] = created[-1].name
    facts["accounts"] = [
        *({"name": one.name, "group": one.group, "uid": one.uid, "gid": one.gid, "home": one.home}
          for one in image.accounts),
        *({"name": one.name, "group": one.group or one.name, "uid": one.uid, "gid": one.gid,
           "home": "" if one.homeless or one.nowhere else one.home}
          for one in created),
    ]  # fmt: skip
    starts = bool(image.starts or lineage.last("CMD") or lineage.last("ENTRYPOINT"))
    return facts | {
        "user": end.user or "root",
        "workdir": end.workdir,
        "env": dict(end.env),
        "starts": starts,
    }


def _left_to_root(lineage: Lineage) -> str:
    """What the steps of an image leave in root's home, where the images that build on it may rely on it."""
    from dockfix.model.interpreters import fetches
    from dockfix.model.paths import is_root_home
    from dockfix.model.replay import Replay, is_left

    if fetches(lineage.final):
        return "uv's Python"
    tree = Replay(lineage, range(len(lineage.steps))).tree
    return max((one for one in tree.listed() if is_root_home(one) and is_left(tree, one)), default="")
