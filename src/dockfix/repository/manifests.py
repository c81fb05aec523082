"""How a repository runs its images: compose, Kubernetes, Helm values, dev containers, lines of scripts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from dockfix.context import Deployment, Setting
from dockfix.knowledge.file_names import COMPOSE_NAME
from dockfix.repository.build_settings import SETTINGS_NAME, read_platform
from dockfix.repository.commented_json import read_commented
from dockfix.repository.docker_actions import ACTION_NAME, read_action
from dockfix.repository.image_calls import CODE_NAME, find_copies
from dockfix.repository.manifest_parts import Part, has_services, split_documents, split_services
from dockfix.repository.neighbours import Read, read_nothing
from dockfix.repository.script_files import SCRIPT_NAME, is_pipeline, script_text

ENVIRONMENT_NAME: Final = re.compile(
    r"(?:^|/)(?:local|dev|development|staging|prod|production|test|testing|docs)\.ya?ml$"
)
"""Names that compose files may have by their environment, as those of NASA-IMPACT/COSMOS do (`local.yml`)."""

_DEVCONTAINER: Final = re.compile(r"(?:^|/)\.?devcontainer\.json$")
_ADD_ON: Final = re.compile(r"(?:^|/)config\.(?:ya?ml|json)$")
_HOOKS: Final = (
    "onCreateCommand", "updateContentCommand", "postCreateCommand", "postStartCommand", "postAttachCommand",
)  # fmt: skip
"""What runs in a dev container as its user. Source: containers.dev, lifecycle scripts."""
_YAML: Final = re.compile(r"\.ya?ml$")
_TEMPLATES: Final = "templates/"
_KUBERNETES: Final = re.compile(
    r"^[ \t]*(?:- )?containers:|runAsNonRoot|runAsUser|securityContext:|^[ \t]*(?:command|args|script):",
    re.MULTILINE,
)


def is_script(path: str) -> bool:
    """Whether a file at that path may contain command lines that run an image."""
    name = posixpath.basename(path).lower()
    return name == "package.json" or SCRIPT_NAME.search(name) is not None or is_pipeline(path)


def is_compose(path: str) -> bool:
    """Whether a file with that name describes compose services."""
    return COMPOSE_NAME.search(path) is not None or ENVIRONMENT_NAME.search(path) is not None


def is_code(path: str) -> bool:
    """Whether a file with that name is code that may build and run images."""
    return CODE_NAME.search(posixpath.basename(path)) is not None


def can_be_manifest(path: str) -> bool:
    """Whether a file with that name may describe how an image is run."""
    return (
        is_script(path)
        or is_platform(path)
        or is_code(path)
        or any(one.search(path) for one in (_YAML, _DEVCONTAINER, _ADD_ON))
    )


def can_be_add_on(path: str) -> bool:
    """Whether a file with that name may be the configuration of a Home Assistant add-on."""
    return _ADD_ON.search(path) is not None


def is_platform(path: str) -> bool:
    """Whether a file with that name holds settings of a hosting platform."""
    return SETTINGS_NAME.search(posixpath.basename(path)) is not None


def chart_of(path: str) -> str | None:
    """The folder of the chart that has a template at a path, with a slash at its end unless it is ""."""
    start = 0 if path.startswith(_TEMPLATES) else path.find(f"/{_TEMPLATES}") + 1
    is_template = path.startswith(_TEMPLATES, start) and path.endswith((".yaml", ".yml"))
    return path[:start] if is_template else None


def split_manifest(path: str, text: str) -> Iterator[Part]:
    """The services or documents of a manifest that are parsed one by one; none of other files."""
    if is_script(path):
        return
    if _is_like_compose(path, text):
        yield from split_services(text)
    elif _is_like_kubernetes(path, text):
        yield from (part for part in split_documents(text) if _KUBERNETES.search(part.text))


def read_manifests(
    files: Iterable[tuple[str, str]], is_wanted: Callable[[str], bool] = bool, read: Read = read_nothing
) -> tuple[Deployment, ...]:
    """The deployments in the (path, text) pairs of a repository's files, in order; paths are relative.

    Of the parts into which `split_manifest` splits a file, only those whose text `is_wanted` are parsed.
    `read` returns other files that one refers to.
    """
    return tuple(one for path, text in files for one in _read(path, text, is_wanted, read))


def _read(path: str, text: str, is_wanted: Callable[[str], bool], read: Read) -> Iterator[Deployment]:
    if ACTION_NAME.search(path):
        yield from read_action(path, text)
    if is_script(path):
        from dockfix.repository.cloud_run import read_cloud_runs
        from dockfix.repository.job_images import read_jobs
        from dockfix.repository.run_commands import read_compose_runs, read_runs

        lines = script_text(path, text, read)
        yield from read_runs(path, lines)
        yield from read_compose_runs(path, lines)
        yield from read_cloud_runs(path, lines)
        yield from read_jobs(path, lines)
        return
    if is_code(path):
        yield from _read_code(path, text)
        return
    if starts := list(_read_settings(path, text)):
        yield from starts
        return
    parts = [part for part in split_manifest(path, text) if is_wanted(part.text)]
    if _DEVCONTAINER.search(path):
        yield from _read_devcontainer(path, text)
    elif _is_like_compose(path, text):
        yield from _read_compose(path, text, parts, read)
    elif (chart := _chart_of_template(path, text)) is not None:
        from dockfix.repository.helm import read_chart

        yield from read_chart(path, text, chart, read)
    elif parts:
        from dockfix.repository.kubernetes import read_kubernetes

        for part in parts:
            yield from (_shifted(one, part) for one in read_kubernetes(path, part.text))


def _read_settings(path: str, text: str) -> Iterator[Deployment]:
    """The deployments of settings for one platform, whose names other manifests may have too."""
    if is_platform(path):
        yield from read_platform(path, text)
    elif can_be_add_on(path):
        from dockfix.repository.add_ons import read_add_on

        yield from read_add_on(path, text)


def _read_code(path: str, text: str) -> Iterator[Deployment]:
    if path.endswith(".py"):
        from dockfix.repository.python_calls import read_runs

        yield from read_runs(path, text)
    else:
        yield from find_copies(path, text)


def _is_like_compose(path: str, text: str) -> bool:
    """Whether a file has services: a compose file, or one with any other name, which it may include."""
    is_named = COMPOSE_NAME.search(path) is not None and "services" in text
    return is_named or (_YAML.search(path) is not None and has_services(text))


def _chart_of_template(path: str, text: str) -> str | None:
    return chart_of(path) if "{{" in text else None


def _is_like_kubernetes(path: str, text: str) -> bool:
    """Whether a file may describe pods or hold values of a chart, and needs no rendering."""
    is_yaml = _YAML.search(path) is not None and _chart_of_template(path, text) is None
    return is_yaml and _KUBERNETES.search(text) is not None


def _read_compose(path: str, text: str, parts: Sequence[Part], read: Read) -> Iterator[Deployment]:
    from dockfix.repository.compose import read_compose
    from dockfix.repository.compose_project import read_services, with_settings

    rows = read_services(path, text, read) if parts else ()
    services = {one.name: with_settings(one, read) for one in rows if one.source == path}
    for part in parts:
        yield from (_shifted(one, part) for one in read_compose(path, part.text, services))


def _shifted(one: Deployment, part: Part) -> Deployment:
    """A deployment of a part, with its positions in the file."""

    def shift(setting: Setting) -> Setting:
        end = setting.end and setting.end + part.start
        return Setting(setting.value, setting.line + part.line, setting.start + part.start, end)

    return replace(one.map_settings(shift), line=one.line + part.line)


def _read_devcontainer(path: str, text: str) -> Iterator[Deployment]:
    """The deployment in a devcontainer.json."""
    try:
        content = read_commented(text)
    except (ValueError, RecursionError):
        return
    if not isinstance(content, dict):
        return
    build = content.get("build")
    written = build.get("dockerfile") if isinstance(build, dict) else None
    written = written or content.get("dockerFile")
    user = content.get("containerUser") or content.get("remoteUser")
    if isinstance(written, str):
        dockerfile = posixpath.normpath(posixpath.join(posixpath.dirname(path), written))
        setting = Setting(user, _line(text, user)) if isinstance(user, str) else None
        checks = tuple(words for hook in _HOOKS for words in _hook(content.get(hook)))
        yield Deployment(
            path, _line(text, written), "devcontainer", "", "", dockerfile, setting, checks=checks
        )


def _hook(value: object) -> Iterator[tuple[str, ...]]:
    """The command lines of a hook: a line for a shell, the words of one, or several by name."""
    if isinstance(value, str):
        yield ("/bin/sh", "-c", value)
    elif isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        yield tuple(value)
    elif isinstance(value, dict):
        for one in value.values():
            yield from () if isinstance(one, dict) else _hook(one)


def _line(text: str, word: str) -> int:
    return text.count("\n", 0, max(text.find(f'"{word}"'), 0)) + 1
