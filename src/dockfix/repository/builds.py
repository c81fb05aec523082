"""Which Dockerfiles a repository builds, how (target, context, arguments), and the names of the images.

Read from compose, bake and skaffold files, workflows, and `docker build` lines in scripts. Nothing is
executed.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from dockfix.confined import Loss
from dockfix.files.cache import Cache, Question, derive_confined
from dockfix.files.candidates import Build
from dockfix.files.reading import read_within
from dockfix.files.stamps import Mark
from dockfix.knowledge.file_names import COMPOSE_NAME
from dockfix.repository.arguments import UNKNOWN, read_arguments
from dockfix.repository.build_commands import Command, read_commands
from dockfix.repository.build_places import is_open, make_build, named_contexts, plain, target_of
from dockfix.repository.build_settings import SETTINGS_NAME, Named, find_named
from dockfix.repository.image_calls import CODE_NAME, find_calls
from dockfix.repository.image_names import image_names, names_in_script
from dockfix.repository.manifests import ENVIRONMENT_NAME
from dockfix.repository.neighbours import MAX_BYTES, Neighbours, Read, forget_changed, read_nothing
from dockfix.repository.parts import list_of, mapping_of
from dockfix.repository.script_files import PIPELINE_NAME, SCRIPT_NAME, package_scripts, script_text
from dockfix.repository.unread import (
    DEPTH,
    LAYOUT,
    Faults,
    explain_error,
    explain_size,
    explain_text,
    is_about_images,
)

if TYPE_CHECKING:
    from dockfix.repository.workflows import Action, Shell

_WORDS: Final = (
    "build", "dockerfile", "dockerFile", "target", "sset", "bake", "kaniko", "extends", "include",
    "runtime:", "processes", "startCommand", "./.github/", "uses: ./",
)  # fmt: skip
"""A file that contains none of these does not describe a build."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of the repository: its path, its text, and a function that reads other files."""

    name: str
    text: str
    read: Read = read_nothing


Reader = Callable[[File], Iterator[Build]]

_WORD: Final = re.compile(r"[^\s\"'$`;=]+")


_DEFAULT_CONTEXT: Final = re.compile(r"^\{\{ *defaultContext *\}\}:?")


def reads_builds(name: str) -> bool:
    """Whether a file at this path may describe builds."""
    return _reader(name) is not None


def find_builds(name: str, text: str, read: Read = read_nothing) -> list[Build]:
    """The builds that the file at `name` (relative to the repository) describes, none if it is invalid."""
    return _find_builds(name, text, read)[0]


def _find_builds(name: str, text: str, read: Read) -> tuple[list[Build], str]:
    """(builds that a file describes, why it could not be read)."""
    reader = _reader(name)
    if reader is None or not any(word in text for word in _WORDS):
        return [], ""
    try:
        found = list(reader(File(name, text, read)))
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        found, why = [], DEPTH if isinstance(error, RecursionError) else LAYOUT
    else:
        why = ""
    is_whole = bool(found) and not name.endswith(".hcl")  # of HCL, the parts that are valid are read
    return found, "" if is_whole or not is_about_images(name, text) else explain_text(name, text) or why


@dataclass
class Collected:
    """The builds of a repository by the path of the Dockerfile; files in `lost` exceeded the limits.

    `unread` has the reason for each other file that could not be read. `reads` are the absolute paths of
    further files that the descriptions of builds refer to.
    """

    builds: dict[str, list[Build]] = field(default_factory=dict)
    lost: dict[str, Loss] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    reads: dict[str, None] = field(default_factory=dict)


def collect_builds(top: str, names: Sequence[str], cache: Cache | None = None) -> Collected:
    """The builds that files of the repository at `top` describe."""
    found = Collected()
    questions = [
        (Question(f"builds {name}", os.path.join(top, name)), partial(_place, top, name)) for name in names
    ]
    for question, _ in questions:
        forget_changed(cache, question)
    builds: list[tuple[str, Build]] = []
    for name, answer in zip(names, derive_confined(cache, questions, _read_builds), strict=True):
        if isinstance(answer, Loss):
            found.lost[name] = answer
            continue
        rows, marks, faults = answer
        found.unread.update(faults)
        found.reads.update(dict.fromkeys(path for path, _ in marks))
        builds += ((name, Build(*row)) for row in rows)
    called = {build.source for name, build in builds if build.source != name}
    for name, build in builds:
        known = found.builds.setdefault(build.dockerfile, [])
        # What a caller gives is known: what the called file says by itself lacks it.
        if build not in known and not (is_open(build) and name == build.source in called):
            known.append(build)
    return found


def _place(top: str, name: str) -> tuple[str, str]:
    return top, name


def _read_builds(
    place: tuple[str, str],
) -> tuple[tuple[tuple[Any, ...], ...], tuple[Mark, ...], Faults]:
    """(builds in a file as tuples, marks of the other files that were read for it, what was not readable)."""
    top, name = place
    try:
        data = read_within(top, name, MAX_BYTES)
    except OSError as error:
        why = explain_error(error)
        return (), (), ((name, why),) if why else ()
    text = data.decode("utf-8", "replace")
    if len(data) > MAX_BYTES:
        return (), (), ((name, explain_size(MAX_BYTES)),) if is_about_images(name, text) else ()
    if not any(word in text for word in _WORDS):
        return (), (), ()
    others = Neighbours(top)
    found, why = _find_builds(name, text, others)
    faults = ((name, why),) if why else ()
    return (
        tuple(map(astuple, found)),
        tuple(others.marks.items()),
        (*faults, *others.find_faults(reads_builds)),
    )


def _reader(name: str) -> Reader | None:
    base = name.rpartition("/")[2].lower()
    for pattern, reader in _READERS:
        if pattern.search(name if "/" in pattern.pattern else base):
            return reader
    return None


def _load(text: str) -> list[Any]:
    from dockfix.repository.yaml_nodes import read_values

    return read_values(text)


def _read_compose(file: File) -> Iterator[Build]:
    from dockfix.repository.compose_project import read_services

    for service in read_services(file.name, file.text, file.read):
        build = mapping_of(service.facts.get("build"))
        if not build or "dockerfile_inline" in build:
            continue
        tags = [*filter(None, [service.facts.get("image")]), *list_of(build.get("tags"))]
        yield from make_build(
            service.source,
            build.get("context") or service.folder or ".",
            build.get("dockerfile"),
            root="",
            target=target_of(build.get("target")),
            images=image_names(tags),
            name=service.name,
            contexts=named_contexts(build.get("additional_contexts"), "service:"),
            arguments=read_arguments(build.get("args")),
        )


def _read_skaffold(file: File) -> Iterator[Build]:
    name = file.name
    for document in map(mapping_of, _load(file.text)):
        profiles = map(mapping_of, list_of(document.get("profiles")))
        builds = (mapping_of(one.get("build")) for one in (document, *profiles))
        for artifact in (one for build in builds for one in list_of(build.get("artifacts"))):
            if not isinstance(artifact, Mapping):
                raise TypeError("an artifact is not a mapping")
            docker = mapping_of(artifact.get("docker") or artifact.get("kaniko"))
            yield from make_build(
                name,
                artifact.get("context"),
                docker.get("dockerfile"),
                target=target_of(docker.get("target")),
                images=image_names([artifact.get("image", "")]),
                arguments=read_arguments(docker.get("buildArgs")),
            )


def _read_workflow(file: File) -> Iterator[Build]:
    """The builds of a workflow's steps, without duplicates from jobs that share one."""
    from dockfix.repository.workflows import Shell, read_workflow

    for step in read_workflow(file.name, file.text, file.read):
        if isinstance(step, Shell):
            yield from _read_shell(step, file.read)
        elif step.name.startswith("docker/build-push-action"):
            yield from _read_action(step)
        elif step.name.startswith("docker/bake-action"):
            yield from _read_bake_action(step, file.read)


def _read_action(step: Action) -> Iterator[Build]:
    asked = step.inputs
    context = _DEFAULT_CONTEXT.sub("", str(asked.get("context") or ".")) or "."
    yield from make_build(
        step.source,
        context,
        asked.get("file") or posixpath.join(context, "Dockerfile"),
        root="",
        file_from_start=True,
        target=target_of(asked.get("target")),
        images=image_names([asked.get("tags") or ""]),
        arguments=read_arguments(asked.get("build-args")),
    )


def _read_bake_action(step: Action, read: Read) -> Iterator[Build]:
    from dockfix.repository.bake_builds import read_bake_call

    asked = {name: [one.strip() for one in str(value).replace(",", "\n").split("\n") if one.strip()]
             for name, value in step.inputs.items()}  # fmt: skip
    folder = plain((asked.get("workdir") or ["."])[0]) or "."
    yield from read_bake_call(asked.get("files", []), asked.get("set", []), folder, step.variables, read)


def _read_shell(step: Shell, read: Read) -> Iterator[Build]:
    """The builds of command lines, with the variables set for them replaced."""
    known = [f"{name}={value}" for name, value in step.variables.items() if _is_word(value)]
    text, place = "\n".join([*known, step.text]), plain(step.folder or ".") or "."
    if "build" in step.text or "executor" in step.text:
        yield from _read_lines(step.source, text, place)
    if " bake" in step.text:
        from dockfix.repository.bake_builds import read_bake_lines

        yield from read_bake_lines(text, place, read)


def _is_word(value: object) -> bool:
    return isinstance(value, str) and _WORD.fullmatch(value) is not None


def _read_gitlab(file: File) -> Iterator[Build]:
    from dockfix.repository.pipelines import read_gitlab

    for step in read_gitlab(file.name, file.text, file.read):
        yield from _read_shell(step, file.read)


def _read_pipeline(file: File) -> Iterator[Build]:
    from dockfix.repository.pipelines import read_steps

    for step in read_steps(file.name, file.text):
        yield from _read_shell(step, file.read)


def _read_package(file: File) -> Iterator[Build]:
    """The builds of the scripts in a package.json, which run in its folder."""
    for _, script in package_scripts(file.text):
        if "build" in script:
            yield from _read_lines(file.name, script, posixpath.dirname(file.name))


def _read_script(file: File) -> Iterator[Build]:
    """The builds of a script, which runs in its folder or at the top, except for a Makefile."""
    is_shell = file.name.endswith((".sh", ".bash"))
    commands = list(read_commands(script_text(file.name, file.text, file.read), is_one_shell=is_shell))
    yield from _build_by(commands, file.name, posixpath.dirname(file.name))
    if "/" in file.name and not file.name.lower().endswith(("makefile", ".mk")):
        yield from _build_by(commands, file.name, "")
    if " bake" in file.text:
        from dockfix.repository.bake_builds import read_bake_lines

        for root in dict.fromkeys((posixpath.dirname(file.name), "")):
            yield from read_bake_lines(file.text, root, file.read, is_one_shell=is_shell)


def _read_lines(name: str, text: str, root: str) -> Iterator[Build]:
    """The builds of a script that one shell runs in the folder `root`."""
    yield from _build_by(read_commands(text), name, root)


def _build_by(commands: Iterable[Command], name: str, root: str) -> Iterator[Build]:
    """The builds of `docker build` commands that are run in the folder `root`."""
    for flags, operands, folder in commands:
        place = posixpath.join(root, folder)
        # Nobody knows where on another machine the repository is.
        place = UNKNOWN if root == UNKNOWN and place.startswith("/") else place
        context = operands[0] if operands else "."
        inner = posixpath.join(context, flags["file"][0] if flags["file"] else "Dockerfile")
        # kaniko looks for the file from where it runs, and then in the context.
        files = [*flags["file"][:1], inner] if flags["context"] else [*flags["file"], inner][:1]
        for file in dict.fromkeys(files):
            yield from make_build(
                name,
                context,
                file,
                root=place,
                file_from_start=True,
                target=target_of(flags["target"][0]) if flags["target"] else "",
                images=(*image_names(flags["tag"]), *names_in_script(flags["tag"], name)),
                arguments=read_arguments(flags["argument"]),
            )


def _read_bake(file: File) -> Iterator[Build]:
    from dockfix.repository.bake_builds import read_bake_file

    yield from read_bake_file(file.name, file.text, file.read)


def _read_settings(file: File) -> Iterator[Build]:
    yield from _build_named(file.name, find_named(file.name, file.text))


def _read_code(file: File) -> Iterator[Build]:
    if file.name.endswith(".py"):
        from dockfix.repository import python_calls

        yield from _build_named(file.name, python_calls.find_builds(file.name, file.text))
    else:
        yield from _build_named(file.name, find_calls(file.name, file.text))


def _build_named(source: str, found: Iterable[Named]) -> Iterator[Build]:
    for one in found:
        target = target_of(one.target)
        yield from make_build(
            source,
            one.context,
            one.dockerfile,
            root="",
            file_from_start=True,
            target=target,
            images=image_names([one.image]),
            arguments=one.arguments,
        )


_READERS: Final[tuple[tuple[re.Pattern[str], Reader], ...]] = (
    (COMPOSE_NAME, _read_compose),
    (ENVIRONMENT_NAME, _read_compose),
    (re.compile(r"bake(?:(?!bake)[^/])*\.(?:json|hcl)$"), _read_bake),
    (re.compile(r"^skaffold.*\.ya?ml$"), _read_skaffold),
    (re.compile(r"^\.github/workflows/[^/]+\.ya?ml$"), _read_workflow),
    (re.compile(r"^\.gitlab-ci.*\.ya?ml$"), _read_gitlab),
    (PIPELINE_NAME, _read_pipeline),
    (re.compile(r"^\.circleci/config\.yml$"), _read_pipeline),
    (SETTINGS_NAME, _read_settings),
    (CODE_NAME, _read_code),
    (re.compile(r"^package\.json$"), _read_package),
    (SCRIPT_NAME, _read_script),
)
