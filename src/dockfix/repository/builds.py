"""Which Dockerfiles a repository builds, how (target, context, arguments), and what the images are called.

Read from compose, bake and skaffold files, workflows, and `docker build` lines in scripts. Nothing is run.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple
from functools import partial
from typing import Any, Final

from dockfix.confined import Loss, finding_of
from dockfix.files.cache import Cache, Question, derive_confined
from dockfix.files.candidates import Build, Candidate
from dockfix.files.reading import read_within
from dockfix.repository.arguments import fill_defaults, read_arguments
from dockfix.repository.bake import read_targets
from dockfix.repository.build_commands import read_commands
from dockfix.repository.build_places import make_build, target_of
from dockfix.repository.build_settings import SETTINGS_NAME, find_named
from dockfix.repository.hcl_functions import text_of

MAX_BYTES: Final = 256 * 1024


_WORDS: Final = ("build", "dockerfile", "target", "sset", "kaniko")
"""A file without any of these describes no build."""

Reader = Callable[[str, str], Iterator[Build]]

_EXPRESSION = re.compile(r"\$\{\{(?:[^{}\n]|\{(?!\{)|\}(?!\}))*\}\}|\$\{?\w+\}?|\$\([^()\n]*\)")


_DEFAULT_CONTEXT: Final = re.compile(r"^\{\{ *defaultContext *\}\}:?")


def reads_builds(name: str) -> bool:
    """Whether a file at this path may describe builds."""
    return _reader(name) is not None


def find_builds(name: str, text: str) -> list[Build]:
    """The builds that the file at `name` (relative to the repository) describes; none if it is broken."""
    reader = _reader(name)
    if reader is None or not any(word in text for word in _WORDS):
        return []
    try:
        return list(reader(name, text))
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return []


def collect_builds(
    top: str, names: Sequence[str], cache: Cache | None = None
) -> tuple[dict[str, list[Build]], dict[str, Loss]]:
    """The builds that files of the repository at `top` describe, by the Dockerfile's path there.

    Then the files that could not be read in the limits of a confined process.
    """
    found: dict[str, list[Build]] = {}
    lost: dict[str, Loss] = {}
    questions = [
        (Question(f"builds {name}", os.path.join(top, name)), partial(_place, top, name)) for name in names
    ]
    for name, rows in zip(names, derive_confined(cache, questions, _read_builds), strict=True):
        if isinstance(rows, Loss):
            lost[name] = rows
            continue
        for row in rows:
            build = Build(*row)
            found.setdefault(build.dockerfile, []).append(build)
    return found, lost


def lose_description(top: str, name: str, loss: Loss) -> Candidate:
    """A file that could not be read in the limits of a confined process, as one that failed."""
    real = os.path.join(top, name)
    return Candidate(os.path.relpath(real), real, finding_of(loss), failed=True, root=top)


def _place(top: str, name: str) -> tuple[str, str]:
    return top, name


def _read_builds(place: tuple[str, str]) -> tuple[tuple[Any, ...], ...]:
    top, name = place
    try:
        data = read_within(top, name, MAX_BYTES)
    except OSError:
        return ()
    if len(data) > MAX_BYTES or not any(word.encode() in data for word in _WORDS):
        return ()
    return tuple(map(astuple, find_builds(name, data.decode("utf-8", "replace"))))


def _reader(name: str) -> Reader | None:
    base = name.rpartition("/")[2].lower()
    for pattern, reader in _READERS:
        if pattern.search(name if "/" in pattern.pattern else base):
            return reader
    return None


def image_names(tags: Iterable[object]) -> tuple[str, ...]:
    """The names in some tags, without tag and digest; names with a variable are left out."""
    names: dict[str, None] = {}
    for tag in tags:
        for line in str(tag).replace(",", "\n").split("\n"):
            text = _EXPRESSION.sub("\0", fill_defaults(line.strip())).partition("@")[0]
            head, slash, last = text.rpartition("/")
            name = head + slash + last.partition(":")[0]
            if name and "\0" not in name:
                names[name] = None
    return tuple(names)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _load(text: str) -> list[Any]:
    from dockfix.repository.yaml_nodes import read_values

    return read_values(text)


def _read_compose(name: str, text: str) -> Iterator[Build]:
    for document in _load(text):
        for service, facts in _mapping(_mapping(document).get("services")).items():
            build = _mapping(facts).get("build")
            if build is None or "dockerfile_inline" in _mapping(build):
                continue
            asked = _mapping(build) or {"context": build}
            contexts = _mapping(asked.get("additional_contexts"))
            yield from make_build(
                name,
                asked.get("context"),
                asked.get("dockerfile"),
                target=target_of(asked.get("target")),
                images=image_names([*filter(None, [facts.get("image")]), *(asked.get("tags") or ())]),
                name=str(service),
                contexts=_named(contexts, "service:"),
                arguments=read_arguments(asked.get("args")),
            )


def _named(contexts: Mapping[str, Any], prefix: str) -> tuple[tuple[str, str], ...]:
    return tuple(
        (alias, place.removeprefix(prefix))
        for alias, place in contexts.items()
        if isinstance(place, str) and place.startswith(prefix)
    )


def _read_skaffold(name: str, text: str) -> Iterator[Build]:
    for document in _load(text):
        for artifact in _mapping(_mapping(document).get("build")).get("artifacts") or ():
            docker = _mapping(artifact.get("docker"))
            yield from make_build(
                name,
                artifact.get("context"),
                docker.get("dockerfile"),
                target=target_of(docker.get("target")),
                images=image_names([artifact.get("image", "")]),
                arguments=read_arguments(docker.get("buildArgs")),
            )


def _read_workflow(name: str, text: str) -> Iterator[Build]:
    root = "" if name.startswith((".github/", ".gitlab", ".circleci/")) else posixpath.dirname(name)
    for document in _load(text):
        for node in _walk(document):
            if isinstance(node, str):
                yield from _read_lines(name, node, root)
            elif str(node.get("uses", "")).startswith("docker/build-push-action"):
                asked = _mapping(node.get("with"))
                context = _DEFAULT_CONTEXT.sub("", str(asked.get("context") or ".")) or "."
                yield from make_build(
                    name,
                    context,
                    asked.get("file") or posixpath.join(context, "Dockerfile"),
                    root=root,
                    file_from_start=True,
                    target=target_of(asked.get("target")),
                    images=image_names([asked.get("tags") or ""]),
                    arguments=read_arguments(asked.get("build-args")),
                )


def _walk(document: object) -> Iterator[Any]:
    """Every mapping, and every string that may hold commands; aliased nodes come once."""
    seen: set[int] = set()
    waiting = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            if " build" in node:
                yield node
        elif isinstance(node, Mapping | list) and id(node) not in seen:
            seen.add(id(node))
            if isinstance(node, Mapping):
                yield node
            below = list(node.values()) if isinstance(node, Mapping) else node
            waiting += reversed(below)


def _read_script(name: str, text: str) -> Iterator[Build]:
    yield from _read_lines(name, text, posixpath.dirname(name))
    if "/" in name and not name.endswith(("Makefile", ".mk")):
        yield from _read_lines(name, text, "")


def _read_lines(name: str, text: str, root: str) -> Iterator[Build]:
    """The `docker build` commands of a script that is run in the folder `root`."""
    for flags, operands in read_commands(text):
        context = operands[0] if operands else "."
        yield from make_build(
            name,
            context,
            flags["file"][0] if flags["file"] else posixpath.join(context, "Dockerfile"),
            root=root,
            file_from_start=True,
            target=target_of(flags["target"][0]) if flags["target"] else "",
            images=image_names(flags["tag"]),
            arguments=read_arguments(flags["argument"]),
        )


def _read_bake(name: str, text: str) -> Iterator[Build]:
    """The targets of a bake file, which is run beside it or at the top: its paths are relative to that."""
    for target, facts in read_targets([text]).items():
        if "dockerfile-inline" in facts:
            continue
        for root in dict.fromkeys((posixpath.dirname(name), "")):
            yield from make_build(
                name,
                text_of(facts.get("context", ".")),
                text_of(facts.get("dockerfile", "Dockerfile")),
                root=root,
                target=target_of(facts.get("target")),
                images=image_names(_listed(facts.get("tags"))),
                name=target,
                contexts=_named(_mapping(facts.get("contexts")), "target:"),
                arguments=read_arguments(facts.get("args")),
            )


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def _read_settings(name: str, text: str) -> Iterator[Build]:
    for one in find_named(name, text):
        target = target_of(one.target)
        yield from make_build(name, one.context, one.dockerfile, root="", file_from_start=True, target=target)


_READERS: Final[tuple[tuple[re.Pattern[str], Reader], ...]] = (
    (re.compile(r"compose[^/]*\.ya?ml$"), _read_compose),
    (re.compile(r"bake[^/]*\.(?:json|hcl)$"), _read_bake),
    (re.compile(r"^skaffold.*\.ya?ml$"), _read_skaffold),
    (re.compile(r"^\.github/workflows/[^/]+\.ya?ml$"), _read_workflow),
    (
        re.compile(r"^(\.gitlab-ci.*|azure-pipelines.*|cloudbuild.*|bitbucket-pipelines)\.ya?ml$"),
        _read_workflow,
    ),
    (re.compile(r"^\.circleci/config\.yml$"), _read_workflow),
    (SETTINGS_NAME, _read_settings),
    (re.compile(r"\.(sh|bash|mk)$|^(gnu)?makefile$|^justfile$"), _read_script),
)
