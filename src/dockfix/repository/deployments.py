"""Which manifests of a repository run the images of its Dockerfiles."""

from __future__ import annotations

import itertools
import os
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Final

from dockfix.confined import Loss
from dockfix.context import Deployment
from dockfix.files.build_context import digest_names
from dockfix.files.cache import Cache, Question, derive, derive_confined
from dockfix.files.candidates import Candidate
from dockfix.files.patterns import Glance
from dockfix.files.reading import read_within
from dockfix.files.stamps import Mark, Stamp
from dockfix.repository.arguments import fill_defaults
from dockfix.repository.build_places import matches, tail_of
from dockfix.repository.docker_actions import ACTION_NAME
from dockfix.repository.image_names import is_open
from dockfix.repository.job_images import may_have_jobs
from dockfix.repository.manifests import (
    can_be_add_on,
    can_be_manifest,
    chart_of,
    is_code,
    is_compose,
    is_platform,
    is_script,
    read_manifests,
    split_manifest,
)
from dockfix.repository.memory import unpack
from dockfix.repository.neighbours import MAX_BYTES, Neighbours, forget_changed
from dockfix.repository.unread import Faults, explain_size, explain_text, lose_description, report_unread

# The settings that can conflict with an image that runs as a user, and the services and containers that may
# get a read-only root; nothing else in a manifest matters.
# Patterns that begin with a literal character match several times faster than anchored ones.
_TELLS: Final = re.compile(
    rb"[\n{,][ \t-]*[\"']?(?:user|containerUser|remoteUser|runAsNonRoot|runAsUser"
    rb"|privileged|read_only|volumes|devices|healthcheck|mountPath|readOnlyRootFilesystem|command|entrypoint|args|script"
    rb"|env(?:ironment)?|services|containers|tmpfs)[\"']?[ \t]*:"
    rb"|containerPort:[ \t]*\d{1,3}\b"
)
_WORDS: Final = (
    b"user", b"User", b"runAs", b"privileged", b"read_only", b"readOnlyRoot", b"mountPath", b"volumes",
    b"devices", b"healthcheck", b"containerPort", b"command", b"entrypoint", b"args", b"env", b"services",
    b"containers", b"tmpfs", b"script",
)  # fmt: skip
_NAMES: Final = (b"image", b"repository", b"build")
_IMAGE: Final = re.compile(
    rb"\n[ \t-]*(?:image|repository)[ \t]*:(?![ \t]*\{[^{])[ \t]*[\"']?([^\s\"'#]+)"
    rb"|[\n{,][ \t-]*[\"']?(?:image|repository)[\"']?[ \t]*:[ \t]*[\"']?([^\s\"'#,{}]+)"
)


_CALL: Final = re.compile(rb"\b(?:include|template)[ \t]+[\"`]")
_KINDS: Final = b"Deployment|StatefulSet|DaemonSet|ReplicaSet|Job|CronJob|Pod|Rollout"
_WORKLOAD: Final = re.compile(rb"\nkind:[ \t]*(?:" + _KINDS + rb")\b")

_STARTS: Final = (b"ommand", b"run:", b"processes", b"entrypoint")
"""A platform's settings that contain none of these leave the start to the image."""
_RUNNERS: Final = (b"docker", b"podman", b"nerdctl")
_VERBS: Final = (b" run ", b" create ", b" exec ")
_CLOUD_RUN: Final = (b"gcloud", b"deploy-cloudrun")
_ADD_ON: Final = (b"slug", b"version", b"arch")
_CALLS: Final = (b"containers.", b"ocker", b"image", b"Image")
"""Code that contains none of these runs no image."""
_VALUES: Final = re.compile(r"(?:^|/)values\.ya?ml$")
_PYTHON: Final = re.compile(
    rb"(?i)python|\bpip|conda|mamba|\.py\b|\buvx?\b|poetry|requirements|gunicorn|uvicorn|jupyter|django|flask"
)

_PLAIN: Final = frozenset(
    {"docker", "src", "build", "images", "app", "service", "server", "container", "deploy"}
)


def find_deployments(
    repositories: Iterable[tuple[str, Mapping[str, Glance]]],
    candidates: Sequence[Candidate],
    cache: Cache | None = None,
    others: Sequence[Candidate] = (),
    lost: list[Candidate] | None = None,
    *,
    any_language: bool = False,
    reads: dict[str, Stamp | None] | None = None,
) -> dict[str, tuple[Deployment, ...]]:
    """The deployments of the candidates, matched by their builds, or else by image name.

    `repositories` are absolute folders with their relevant manifests, relative to them. An image name
    that fits two Dockerfiles, including the `others`, matches neither, unless the same file builds them.
    Manifests that could not be read are added to `lost`. Dockerfiles that do not look like Python are left
    out, unless `any_language` is asked for. The stamps of further files that manifests refer to are added
    to `reads`.
    """
    unread = [] if lost is None else lost
    found: dict[str, list[Deployment]] = {}
    asked = {one.real for one in candidates}
    by_root: dict[str, dict[str, Glance]] = {}
    for root, glances in repositories:
        by_root.setdefault(root, {}).update(glances)
    for root, manifests in by_root.items():
        ours = _below(root, (*candidates, *others))
        known = _Known(
            {
                path: one
                for path, one in ours.items()
                if one.refusal is None and (any_language or _is_python(one.real, cache))
            },
            os.path.basename(root),
        )
        own = {path for path, one in known.candidates.items() if one.real in asked}
        known.share({name: glance[0] for name, glance in manifests.items()})
        wanted = [
            name
            for name, (images, builds) in (manifests.items() if own else ())
            if known.is_wanted(name, images, own, leans=builds)
        ]
        for name, rows in zip(wanted, _read_all(root, wanted, known, cache, reads), strict=True):
            if isinstance(rows, Loss):
                unread.append(lose_description(root, name, rows))
                continue
            deployments, faults = rows
            unread.extend(report_unread(root, *fault) for fault in faults)
            for real, deployment in known.match(deployments, own):
                found.setdefault(real, []).append(deployment)
    return {real: tuple(rows) for real, rows in found.items()}


def _below(root: str, candidates: Iterable[Candidate]) -> dict[str, Candidate]:
    """The candidates in a folder, by their paths relative to it."""
    start = root + os.sep
    below = (one for one in candidates if one.real.startswith(start))
    return {one.real[len(start) :].replace(os.sep, "/"): one for one in below}


def find_relevant(root: str, names: Iterable[str], cache: Cache | None = None) -> dict[str, Glance]:
    """The possible manifests below `root` with settings that concern users, at a first glance."""
    glances = ((name, _glance(root, name, cache)) for name in names)
    return {name: glance for name, glance in glances if glance is not None}


def _is_python(real: str, cache: Cache | None) -> bool:
    """Whether a Dockerfile looks like Python; manifests of others are not worth parsing."""
    found = derive(cache, "is python", real, lambda: _PYTHON.search(_data(*os.path.split(real))) is not None)
    return bool(found)


@dataclass(slots=True)
class _Known:
    """The Dockerfiles of a repository, whose folder is called `folder`, and the names of their images."""

    candidates: Mapping[str, Candidate]
    folder: str = ""
    by_image: dict[str, set[str]] = field(default_factory=dict)
    by_name: dict[str, set[str]] = field(default_factory=dict)
    by_tail: dict[str, set[str]] = field(default_factory=dict)
    by_service: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    sources: dict[str, set[str]] = field(default_factory=dict)
    shared: tuple[str, ...] = ()
    charts: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for path, one in self.candidates.items():
            for build in one.builds:
                self.sources.setdefault(build.source, set()).add(path)
                if is_compose(build.source):
                    project = _project(build.source)
                    self.sources.setdefault(project, set()).add(path)
                    self.by_service.setdefault((project, build.name), set()).add(path)
            named = [image for build in one.builds for image in build.images]
            images = [image for image in named if not tail_of(image)]
            for image in named:
                if tail := tail_of(image):
                    self.by_tail.setdefault(tail, set()).add(path)
            for image in images:
                self.by_image.setdefault(image, set()).add(path)
                # A script's variable names an image only there.
                if not (own := posixpath.basename(image)).startswith("{"):
                    self.by_name.setdefault(own, set()).add(path)
            for name in () if images else likely_names(path, self.folder):
                self.by_name.setdefault(name, set()).add(path)

    @property
    def digest(self) -> str:
        """A digest of everything that manifests can be matched with."""
        services = ("/".join(one) for one in self.by_service)
        names = (*self.by_image, *self.by_name, *self.by_tail)
        return digest_names([*self.candidates, *names, *services, *self.sources])

    def share(self, images: Mapping[str, Iterable[str]]) -> None:
        """Record the images that a service may inherit from another compose file, and those of charts."""
        named = (image for name, rows in images.items() if is_compose(name) for image in rows)
        self.shared = tuple(dict.fromkeys(named))
        for name, rows in images.items():
            if _VALUES.search(name):
                folder = posixpath.dirname(name)
                self.charts.setdefault(f"{folder}/" if folder else "", set()).update(rows)

    def is_wanted(self, name: str, images: Iterable[str], of: Set[str], *, leans: bool) -> bool:
        """Whether a manifest with these images may run the image of one of the Dockerfiles in `of`.

        An image may also be the path of its Dockerfile. `leans`: its images may be built here, or be defined
        by another file.
        """
        if name.endswith("devcontainer.json") or ACTION_NAME.search(name):
            return True
        if leans and is_script(name) and any(of & paths for paths in self.by_service.values()):
            return True
        # A service of another file of the same folder may be built here under its name.
        if is_compose(name) and of & self.sources.get(_project(name), set()):
            return True
        chart = chart_of(name)
        if chart is not None:
            folders = itertools.accumulate(chart.split("/")[:-1], "{}{}/".format, initial="")
            images = (*images, *(one for folder in folders for one in self.charts.get(folder, ())))
        if leans and (is_compose(name) or name in self.sources):
            images = (*images, *self.shared)
            if of & self.sources.get(name, set()):
                return True
        return any(self._may_be(image, name, of) for image in images)

    def _may_be(self, image: str, name: str, of: Set[str]) -> bool:
        """Whether an image that a manifest names may be that of one of the Dockerfiles in `of`."""
        is_named = image in of or self._of_image(image) in of
        return is_named or bool(of and is_open(image)) or bool(of & self._built_beside(image, name))

    def match(self, deployments: Iterable[Deployment], of: Set[str]) -> Iterator[tuple[str, Deployment]]:
        """(absolute path of a Dockerfile in `of`, deployment that runs its image)."""
        for one in deployments:
            path = self.find(one)
            paths = {path} if path is not None else self._built_beside(_untagged(one.image), one.file)
            for each in sorted(paths & of):
                yield self.candidates[each].real, one

    def _built_beside(self, image: str, file: str) -> set[str]:
        """The Dockerfiles that the file which runs an image builds under that name; there may be several."""
        return self.by_image.get(image, set()) & self.sources.get(file, set())

    def find(self, deployment: Deployment) -> str | None:
        """The Dockerfile whose image a deployment runs."""
        if deployment.dockerfile in self.candidates:
            return deployment.dockerfile
        if deployment.dockerfile and not deployment.image:
            fitting = [path for path in self.candidates if matches(deployment.dockerfile, path)]
            return fitting[0] if len(fitting) == 1 else None
        # A file that is used elsewhere has another path for the build, and names the same image.
        image = _untagged(deployment.image)
        if found := self._of_image(image):
            return found
        if is_open(image):
            name = deployment.name
            return self._of_service(deployment) or self._of_name(name) or self._only_for(name)
        # Whether an image is public takes the table of images: asked last, for it is slow to load.
        of_service = self._of_service(deployment)
        return of_service if of_service is not None and not _is_public(image) else None

    def _of_service(self, deployment: Deployment) -> str | None:
        """The one Dockerfile from which a compose file builds the service: another one of its folder."""
        if deployment.kind == "compose run":
            built = [paths for (_, name), paths in self.by_service.items() if name == deployment.name]
            found = frozenset().union(*built)
            return next(iter(found)) if len(found) == 1 else None
        is_service = deployment.kind == "compose" and is_compose(deployment.file)
        paths = (
            self.by_service.get((_project(deployment.file), deployment.name), set()) if is_service else set()
        )
        return next(iter(paths)) if len(paths) == 1 else None

    def _of_image(self, image: str) -> str | None:
        paths = self.by_image.get(image, set())
        if paths:
            return next(iter(paths)) if len(paths) == 1 else None
        found = self._of_name(posixpath.basename(image))
        return found if found is not None and not _is_public(image) else None

    def _only_for(self, service: str) -> str | None:
        """The only Dockerfile, unless compose builds it, or the service is named like a public image."""
        if self.by_service or len(self.candidates) != 1 or _is_public(service):
            return None
        return next(iter(self.candidates))

    def _of_name(self, name: str) -> str | None:
        """The one Dockerfile whose image may have that name."""
        tails = [tail for tail in self.by_tail if name.endswith(tail)]
        paths = self.by_name.get(name) or self.by_tail.get(max(tails, key=len, default=""), set())
        return next(iter(paths)) if len(paths) == 1 else None


def _is_public(image: str) -> bool:
    from dockfix.model.images import find_image

    return find_image(image).known


def _project(name: str) -> str:
    """A key shared by the compose files of a folder."""
    return posixpath.join(posixpath.dirname(name), "compose")


def likely_names(dockerfile: str, repository: str) -> set[str]:
    """Likely names of a Dockerfile's image: that of its folder, or one from the file's own name.

    Without either it is that of the repository, `repository` being the name of the repository's folder.
    """
    folders = posixpath.dirname(dockerfile).split("/")
    names = {folder for folder in folders[-1:] if folder not in _PLAIN}
    if folders[-1:] and folders[-1] in _PLAIN:
        names |= set(folders[-2:-1])
    stem = re.sub(r"(?i)^dockerfile\.?|\.?dockerfile$", "", posixpath.basename(dockerfile))
    return {name for name in names | {stem} if name} or {repository.lower()} - _PLAIN


def _untagged(image: str) -> str:
    head, slash, last = image.partition("@")[0].rpartition("/")
    return head + slash + last.partition(":")[0]


def _glance(root: str, name: str, cache: Cache | None) -> Glance | None:
    path = os.path.join(root, name)
    found: Glance | None = derive(cache, "manifest", path, lambda: _look_by_name(name)(_data(root, name)))
    return found


def _look_by_name(name: str) -> Callable[[bytes], Glance | None]:
    if chart_of(name) is not None:
        return _look_at_template
    if _VALUES.search(name):
        return _look_at_values
    if ACTION_NAME.search(name):
        return _look_at_action
    if is_script(name):
        return partial(_look_at_script, name=name)
    if is_code(name):
        return partial(_look_at_code, name=name)
    if is_platform(name):
        return _look_at_platform
    if can_be_add_on(name):
        return partial(_look_at_configuration, name=name)
    return _look if is_compose(name) or name.endswith(".json") else _look_at_workload


def _look_at_workload(data: bytes) -> Glance | None:
    """The glance at a YAML file of any name, which concerns nobody unless it names or builds an image."""
    return _look(data) if any(word in data for word in _NAMES) else None


def _look_at_action(data: bytes) -> Glance | None:
    return ((), True) if b"docker" in data and b"image" in data else None


def _look_at_script(data: bytes, name: str) -> Glance | None:
    runs = any(word in data for word in _RUNNERS) and any(verb in data for verb in _VERBS)
    runs = runs or any(word in data for word in _CLOUD_RUN)
    if not runs and not may_have_jobs(name, data):
        return None
    return _look_by_reading(data, name)


def _look_by_reading(data: bytes, name: str) -> Glance | None:
    """The glance at a file that has to be read to know its images, or their Dockerfiles."""
    found = read_manifests([(name, data.decode("utf-8", "replace"))])
    images = {_untagged(one.image) or one.dockerfile for one in found}
    return (tuple(sorted(images)), any(one.kind == "compose run" for one in found)) if images else None


def _look_at_configuration(data: bytes, name: str) -> Glance | None:
    """The glance at what may be an add-on's configuration, or another manifest of that name."""
    found = _look_by_reading(data, name) if all(word in data for word in _ADD_ON) else None
    return found or (None if name.endswith(".json") else _look_at_workload(data))


def _look_at_code(data: bytes, name: str) -> Glance | None:
    """The glance at code, which runs images by name, or those that it builds."""
    found = any(word in data for word in _CALLS) and read_manifests([(name, data.decode("utf-8", "replace"))])
    images = {_untagged(one.image) for one in found or () if one.image}
    return (tuple(sorted(images)), True) if found else None


def _look_at_platform(data: bytes) -> Glance | None:
    """The glance at settings whose images are built here; some are manifests of another kind."""
    is_start = any(word in data for word in _STARTS)
    return _look(data) or (((), True) if is_start else None)


def _look_at_template(data: bytes) -> Glance | None:
    """The glance at a template of a chart, whose values may name its images."""
    if b"{{" not in data:
        return _look(data)
    # A library chart may bring the whole workload, or its pod.
    lines = b"\n" + data
    is_workload = b"\nkind:" not in lines or _WORKLOAD.search(lines) is not None
    if b"containers" not in data and not (is_workload and _CALL.search(data)):
        return None
    return tuple(one for one in _images(lines) if "{" not in one), True


def _look_at_values(data: bytes) -> Glance | None:
    """The glance at the values of a chart, whose templates may run the images."""
    images = tuple(_images(b"\n" + data))
    return _look(data) or ((images, False) if images else None)


def _look(data: bytes) -> Glance | None:
    if not any(word in data for word in _WORDS) or not _TELLS.search(lines := b"\n" + data):
        return None
    images = tuple(_images(lines))
    return images, not images or b"build" in data or b"extends" in data


def _read_all(
    root: str,
    names: Sequence[str],
    known: _Known,
    cache: Cache | None,
    reads: dict[str, Stamp | None] | None,
) -> Iterator[tuple[tuple[Deployment, ...], Faults] | Loss]:
    """(deployments, what was not readable) of each file that may run the image of a known Dockerfile."""
    questions = [
        (
            Question(f"deployments {name}", os.path.join(root, name), known.digest),
            partial(_relevant_parts, root, name, known),
        )
        for name in names
    ]
    for question, _ in questions:
        forget_changed(cache, question)
    for answer in derive_confined(cache, questions, _read):
        if isinstance(answer, Loss):
            yield answer
            continue
        rows, marks, faults = answer
        if reads is not None:
            reads.update(marks)
        yield tuple(map(unpack, rows)), faults


_Asked = tuple[str, str, str | None, frozenset[str]]


def _relevant_parts(root: str, name: str, known: _Known) -> _Asked:
    """The path and text of a manifest, and the texts of its documents or services that are worth parsing.

    The text is None if the manifest is too large.
    """
    data = _data(root, name)
    if len(data) > MAX_BYTES:
        return root, name, None, frozenset()
    text = data.decode("utf-8", "replace")

    def is_wanted(part: str) -> bool:
        glance = _look(part.encode())
        own = known.candidates.keys()
        return glance is not None and known.is_wanted(name, glance[0], own, leans=glance[1])

    parts = (part.text for part in split_manifest(name, text))
    return root, name, text, frozenset(filter(is_wanted, parts))


def _read(asked: _Asked) -> tuple[tuple[dict[str, Any], ...], tuple[Mark, ...], Faults]:
    """(deployments in a manifest, marks of the other files that were read for it, what was not readable)."""
    root, name, text, parts = asked
    if text is None:
        return (), (), ((name, explain_size(MAX_BYTES)),)
    others = Neighbours(root)
    rows = read_manifests([(name, text)], parts.__contains__, others)
    why = "" if rows else explain_text(name, text)
    faults = ((name, why),) if why else ()
    return (
        tuple(map(asdict, rows)),
        tuple(others.marks.items()),
        (*faults, *others.find_faults(can_be_manifest)),
    )


def _data(root: str, name: str) -> bytes:
    """The content of a file, up to one byte more than the size limit; empty if it cannot be read."""
    try:
        return read_within(root, name, MAX_BYTES)
    except OSError:
        return b""


def _images(lines: bytes) -> list[str]:
    """The images named in lines preceded by a newline: without tags, with variables replaced by defaults."""
    named = (b"".join(one).decode("utf-8", "replace") for one in _IMAGE.findall(lines))
    return sorted({_untagged(fill_defaults(one)) for one in named})
