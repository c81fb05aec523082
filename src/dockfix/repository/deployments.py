"""Which manifests of a repository run the images of its Dockerfiles, and how those follow to a user."""

from __future__ import annotations

import json
import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from time import time_ns
from typing import Any, Final

from dockfix.analysis import Analysis
from dockfix.build_context import digest_names
from dockfix.discovery import Candidate
from dockfix.edits import apply_edits
from dockfix.evidence.manifests import Deployment, Mount, Setting, likely_names, read_manifests
from dockfix.model.images import find_image
from dockfix.options import Options
from dockfix.reading import Source, read_bytes, read_source
from dockfix.repository.cache import code_version, place_of
from dockfix.results import Changed, Finding

NAME: Final = "manifests"
MAX_BYTES: Final = 256 * 1024
_SETTLED: Final = 2 * 10**9
# What can contradict an image that runs as a user; everything else of a manifest is of no interest.
_TELLS: Final = re.compile(
    rb"^[ \t-]*[\"']?(?:user|containerUser|remoteUser|runAsNonRoot|runAsUser|privileged|read_only|volumes"
    rb"|mountPath|readOnlyRootFilesystem)[\"']?[ \t]*:"
    rb"|containerPort:[ \t]*\d{1,3}\b|\{[^}\n]*(?:runAs|mountPath)",
    re.MULTILINE,
)
_IMAGE: Final = re.compile(rb"^[ \t-]*(?:image|repository)[ \t]*:[ \t]*[\"']?([^\s\"'#]+)", re.MULTILINE)


_PYTHON: Final = re.compile(rb"(?i)python|\bpip|conda|\.py\b|\buv\b|poetry|requirements")
_DEFAULT: Final = re.compile(r"\$\{\w+:?-([^}]*)\}")

Deployments = Mapping[str, tuple[Deployment, ...]]
"""What runs the image of each Dockerfile, by its absolute path."""


def find_deployments(
    repositories: Iterable[tuple[str, Sequence[str]]], candidates: Sequence[Candidate], *, cached: bool
) -> dict[str, tuple[Deployment, ...]]:
    """The deployments of the candidates, matched by what builds them, else by the image's name.

    `repositories` are folders (absolute) with their files that may be manifests, relative to them.
    A name that two Dockerfiles may go by says nothing.
    """
    found: dict[str, list[Deployment]] = {}
    for root, names in repositories:
        start = root + os.sep
        known = _Known(
            {
                one.real[len(start) :].replace(os.sep, "/"): one
                for one in candidates
                if one.real.startswith(start) and one.refusal is None and _is_of_python(one.real)
            }
        )
        if not known.candidates or not names:
            continue
        memory = _Memory(root, known, cached=cached)
        for name in names:
            for deployment in memory.read(name):
                if (path := known.find(deployment)) is not None:
                    found.setdefault(known.candidates[path].real, []).append(deployment)
        memory.save()
    return {real: tuple(rows) for real, rows in found.items()}


def _is_of_python(real: str) -> bool:
    """Whether a Dockerfile shows a sign of Python; manifests of others are not worth their parsing."""
    try:
        return _PYTHON.search(read_bytes(real, MAX_BYTES)) is not None
    except OSError:
        return False


@dataclass(slots=True)
class _Known:
    """The Dockerfiles of a repository and what their images are called."""

    candidates: Mapping[str, Candidate]
    by_image: dict[str, set[str]] = field(default_factory=dict)
    by_name: dict[str, set[str]] = field(default_factory=dict)
    sources: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for path, one in self.candidates.items():
            self.sources.update(build.source for build in one.builds)
            images = [image for build in one.builds for image in build.images]
            for image in images:
                self.by_image.setdefault(image, set()).add(path)
                self.by_name.setdefault(posixpath.basename(image), set()).add(path)
            for name in () if images else likely_names(path):
                self.by_name.setdefault(name, set()).add(path)

    @property
    def digest(self) -> str:
        """A name for all that manifests can be matched to."""
        return digest_names([*self.candidates, *self.by_image, *self.by_name, *self.sources])

    def is_wanted(self, name: str, images: Iterable[str], *, builds: bool) -> bool:
        """Whether a manifest that builds or runs some images may run that of a Dockerfile here."""
        if (builds and name in self.sources) or name.endswith("devcontainer.json"):
            return True
        return any(self._of_image(image) is not None for image in images)

    def find(self, deployment: Deployment) -> str | None:
        """The Dockerfile whose image a deployment runs."""
        if deployment.dockerfile:
            return deployment.dockerfile if deployment.dockerfile in self.candidates else None
        return self._of_image(_untagged(deployment.image))

    def _of_image(self, image: str) -> str | None:
        paths = self.by_image.get(image, set())
        if not paths and (named := self.by_name.get(posixpath.basename(image))):
            paths = set() if find_image(image).known else named
        return next(iter(paths)) if len(paths) == 1 else None


def _untagged(image: str) -> str:
    head, slash, last = image.partition("@")[0].rpartition("/")
    return head + slash + last.partition(":")[0]


class _Memory:
    """What the manifests of a repository said when they had the time and size that they have."""

    def __init__(self, root: str, known: _Known, *, cached: bool) -> None:
        self._root = root
        self._known = known
        self._version = f"{code_version()} {known.digest}" if cached else ""
        self._place = place_of(root, NAME) if cached else ""
        self._rows: dict[str, Any] = _load(self._place, self._version)
        self._new = False

    def read(self, name: str) -> tuple[Deployment, ...]:
        """The deployments of a file, as far as they may run an image of a Dockerfile here."""
        try:
            status = os.stat(os.path.join(self._root, name))
        except OSError:
            return ()
        row = self._rows.get(name)
        if row is None or row["at"] != [status.st_mtime_ns, status.st_size]:
            row = {"at": [status.st_mtime_ns, status.st_size], **self._look(name)}
            if time_ns() - status.st_mtime_ns > _SETTLED:
                self._rows[name] = row
                self._new = True
        if not row["wanted"]:
            return ()
        if "deployments" not in row:
            found = read_manifests(
                [(name, _text(self._root, name))], lambda part: self._tells(name, part.encode())
            )
            row["deployments"] = [asdict(one) for one in found]
            self._new = True
        return tuple(map(_deployment, row["deployments"]))

    def _look(self, name: str) -> dict[str, Any]:
        try:
            data = read_bytes(os.path.join(self._root, name), MAX_BYTES)
        except OSError:
            data = b""
        return {"wanted": len(data) <= MAX_BYTES and self._tells(name, data)}

    def _tells(self, name: str, data: bytes) -> bool:
        """Whether a manifest or a part of one says anything of interest of an image that is built here."""
        if _TELLS.search(data) is None:
            return False
        return self._known.is_wanted(name, _images(data), builds=b"build" in data)

    def save(self) -> None:
        """Write what was learned; where that cannot be, it costs only the next run's time."""
        if not self._new or not self._place:
            return
        temporary = f"{self._place}.{os.getpid()}"
        try:
            os.makedirs(os.path.dirname(self._place), exist_ok=True)
            with open(temporary, "w", encoding="ascii") as file:
                json.dump({"version": self._version, "files": self._rows}, file, separators=(",", ":"))
            os.replace(temporary, self._place)
        except OSError:
            return


def _images(data: bytes) -> list[str]:
    """The images that a manifest names, without tags, their variables' defaults put in."""
    named = (one.decode("utf-8", "replace") for one in _IMAGE.findall(data))
    return sorted({_untagged(_DEFAULT.sub(r"\1", one)) for one in named})


def _load(place: str, version: str) -> dict[str, Any]:
    try:
        with open(place, encoding="ascii") as file:
            data = json.load(file)
        return dict(data["files"]) if data["version"] == version else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _text(root: str, name: str) -> str:
    try:
        return read_bytes(os.path.join(root, name), MAX_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _deployment(row: Mapping[str, Any]) -> Deployment:
    fields = dict(row)
    for name in ("user", "non_root", "group", "read_only", "privileged"):
        fields[name] = None if fields[name] is None else Setting(**fields[name])
    fields["ports"] = tuple(Setting(**port) for port in fields["ports"])
    mounts = (dict(mount) for mount in fields["mounts"])
    fields["mounts"] = tuple(Mount(**(mount | {"target": Setting(**mount["target"])})) for mount in mounts)
    fields["command"] = tuple(fields["command"])
    return Deployment(**fields)


# Manifests that follow


def follow(
    analyses: Iterable[Analysis], deployments: Deployments, options: Mapping[str, Options], root: str
) -> Iterator[Analysis]:
    """The analyses, and behind them those of the manifests that have to follow what changes.

    `options` are by the Dockerfile's absolute path; patches are to be applied in `root`.
    """
    wanted: dict[str, list[tuple[Deployment, str, str, str]]] = {}
    for analysis in analyses:
        yield analysis
        real = os.path.realpath(analysis.path)
        if analysis.applies and isinstance(analysis.result, Changed) and real in deployments:
            user, ids, home = _user_of(analysis.result.text, options[real])
            for one in deployments[real]:
                place = _place(real, one)
                wanted.setdefault(place, []).append((one, user, ids, home))
    for place, rows in sorted(wanted.items()):
        if (edited := _edit(place, rows, root)) is not None:
            yield edited


def _place(real: str, deployment: Deployment) -> str:
    """Where a manifest lies whose repository holds the Dockerfile."""
    folder = os.path.dirname(real)
    while not os.path.isfile(os.path.join(folder, deployment.file)) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    return os.path.join(folder, deployment.file)


def _user_of(text: str, options: Options) -> tuple[str, str, str]:
    """The name, `uid:gid` (empty where nobody knows them) and home of whom a rewritten file runs as."""
    from dockfix.context import Context  # noqa: PLC0415
    from dockfix.model.lineage import find_lineages, read_stages  # noqa: PLC0415
    from dockfix.model.plan import Plan  # noqa: PLC0415
    from dockfix.syntax.parser import parse  # noqa: PLC0415

    tree = parse(text)
    stages = read_stages(tree, options)
    plan = Plan(tree, stages, find_lineages(stages, ())[0], options, Context())
    ids = plan.account.ids if plan.account.uid is not None else ""
    return plan.account.name, ids, plan.home


def _edit(place: str, rows: Sequence[tuple[Deployment, str, str, str]], root: str) -> Analysis | None:
    from dockfix.diff import compare_lines, patch_name  # noqa: PLC0415
    from dockfix.evidence.contradictions import edit_manifest  # noqa: PLC0415

    source = read_source(place)
    if not isinstance(source, Source):
        return None
    # What is remembered of a manifest may be older than the file: it is read anew.
    present = {
        (one.kind, one.name, one.line): one for one in read_manifests([(rows[0][0].file, source.text)])
    }
    edits = {
        edit
        for known, user, ids, home in rows
        if (one := present.get((known.kind, known.name, known.line))) is not None
        for edit in edit_manifest([one], user=user, ids=ids, home=home)
    }
    try:
        text = apply_edits(source.text, edits)
    except ValueError:
        return None  # two Dockerfiles want different things of one place
    if text == source.text:
        return None
    note = Finding("follows", 0, "follows the Dockerfiles that it runs", "apply both together")
    lines = tuple(compare_lines(source.text, text))
    shown = os.path.relpath(place)
    return Analysis(
        shown,
        Changed(text, (NAME,), (), (note,)),
        source.data,
        True,
        lines,
        patch_name(os.path.realpath(place), root),
    )
