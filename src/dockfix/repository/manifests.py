"""How a repository runs its images: compose, Kubernetes, Helm values, dev containers, `docker run` lines."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Final

from dockfix.context import Deployment, Setting
from dockfix.repository.build_settings import SETTINGS_NAME, read_platform
from dockfix.repository.neighbours import Read, read_nothing
from dockfix.repository.script_files import is_pipeline

ENVIRONMENT_NAME: Final = re.compile(
    r"(?:^|/)(?:local|dev|development|staging|prod|production|test|testing|docs)\.ya?ml$"
)
"""Names that compose files may have by their environment, as those of NASA-IMPACT/COSMOS do (`local.yml`)."""

COMPOSE_NAME: Final = re.compile(r"(?:compose|stack|swarm)(?:(?!compose|stack|swarm)[^/])*\.ya?ml$")
"""Names of compose files, and of those that `docker stack deploy` takes (`docker-stack.yml`)."""
_DEVCONTAINER: Final = re.compile(r"(?:^|/)\.?devcontainer\.json$")
_YAML: Final = re.compile(r"\.ya?ml$")
_SERVICES: Final = re.compile(r"^services:[ \t]*\n", re.MULTILINE)
_RUN: Final = re.compile(r"^[ \t]+(?:image|build|extends)[ \t]*:", re.MULTILINE)
_SERVICE: Final = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*([ ]+)[\w\"'.-]+[ \t]*:")
_LEANS: Final = re.compile(r"[:\-\[,][ \t]*[*&]\w|(?:<<|extends)[ \t]*:|^---|[\t\r]", re.MULTILINE)
_TEMPLATES: Final = "templates/"
_DOCUMENT: Final = re.compile(r"^---[^\n]*\n", re.MULTILINE)
_KUBERNETES: Final = re.compile(
    r"^[ \t]*(?:- )?containers:|runAsNonRoot|runAsUser|securityContext:|^[ \t]*(?:command|args):",
    re.MULTILINE,
)


_SCRIPT: Final = re.compile(
    r"(?:^|/)(?:[^/]*\.(?:sh|bash|mk)|(?:gnu)?makefile|justfile|readme\.(?:md|rst)"
    r"|\.github/workflows/[^/]*\.ya?ml|\.gitlab-ci\.ya?ml)$",
    re.IGNORECASE,
)


def is_script(path: str) -> bool:
    """Whether a file at that path may contain command lines that run an image."""
    return _SCRIPT.search(path) is not None or is_pipeline(path)


def is_compose(path: str) -> bool:
    """Whether a file with that name describes compose services."""
    return COMPOSE_NAME.search(path) is not None or ENVIRONMENT_NAME.search(path) is not None


def can_be_manifest(path: str) -> bool:
    """Whether a file with that name may describe how an image is run."""
    if is_script(path) or _YAML.search(path) is not None or _DEVCONTAINER.search(path) is not None:
        return True
    return is_platform(path)


def is_platform(path: str) -> bool:
    """Whether a file with that name holds settings of a hosting platform."""
    return SETTINGS_NAME.search(posixpath.basename(path)) is not None


def chart_of(path: str) -> str | None:
    """The folder of the chart that has a template at a path, with a slash at its end unless it is ""."""
    start = 0 if path.startswith(_TEMPLATES) else path.find(f"/{_TEMPLATES}") + 1
    is_template = path.startswith(_TEMPLATES, start) and path.endswith((".yaml", ".yml"))
    return path[:start] if is_template else None


def read_manifests(
    files: Iterable[tuple[str, str]], is_wanted: Callable[[str], bool] = bool, read: Read = read_nothing
) -> tuple[Deployment, ...]:
    """The deployments in the (path, text) pairs of a repository's files, in order; paths are relative.

    If a file has several documents or services, only those whose text `is_wanted` are parsed. `read`
    returns other files that one refers to.
    """
    return tuple(one for path, text in files for one in _read(path, text, is_wanted, read))


def _read(path: str, text: str, is_wanted: Callable[[str], bool], read: Read) -> Iterator[Deployment]:
    if is_script(path):
        from dockfix.repository.run_commands import read_runs

        yield from read_runs(path, text)
        return
    if is_platform(path) and (starts := list(read_platform(path, text))):
        yield from starts
    elif _DEVCONTAINER.search(path):
        yield from _read_devcontainer(path, text)
    elif (COMPOSE_NAME.search(path) and "services" in text) or _is_like_compose(path, text):
        yield from _read_compose(path, text, is_wanted, read)
    elif "{{" in text and (chart := chart_of(path)) is not None:
        from dockfix.repository.helm import read_chart

        yield from read_chart(path, text, chart, read)
    elif _YAML.search(path) and _KUBERNETES.search(text):
        from dockfix.repository.kubernetes import read_kubernetes

        start = 0
        for end in [*(match.end() for match in _DOCUMENT.finditer(text)), len(text)]:
            document = text[start:end]
            if _KUBERNETES.search(document) and is_wanted(document):
                line = text.count("\n", 0, start)
                for one in read_kubernetes(path, document):
                    yield _shifted(one, start, line)
            start = end


def _is_like_compose(path: str, text: str) -> bool:
    """Whether a file with any other name contains services, which a compose file may include."""
    head = _SERVICES.search(text) if _YAML.search(path) else None
    return head is not None and _RUN.search(text, head.end()) is not None


def _read_compose(path: str, text: str, is_wanted: Callable[[str], bool], read: Read) -> Iterator[Deployment]:
    from dockfix.repository.compose import read_compose
    from dockfix.repository.compose_project import read_services

    parts = [part for part in _services(text) if is_wanted(part[0])]
    rows = read_services(path, text, read) if parts else ()
    services = {one.name: one for one in rows if one.source == path}
    for service, start, line in parts:
        yield from (_shifted(one, start, line) for one in read_compose(path, service, services))


def _services(text: str) -> Iterator[tuple[str, int, int]]:
    """(text, offset, line) of each service of a compose file, as a file of its own.

    A file whose services depend on other parts of it, or with an unusual layout, is not split.
    """
    head = _SERVICES.search(text)
    first = _SERVICE.match(text, head.end()) if head else None
    if head is None or first is None or _LEANS.search(text):
        yield text, 0, 0
        return
    margin = first[1]
    ends = re.compile(rf"^(?!{margin}[ ])(?=[ ]*[^\s#])", re.MULTILINE)
    top = f"{head[0]}"
    starts = [match.start() for match in ends.finditer(text, first.start(1))]
    for start, end in pairwise([*starts, len(text)]):
        if not text.startswith(margin, start):
            break
        line = text.count("\n", 0, start) - 1
        yield top + text[start:end], start - len(top), line


def _shifted(one: Deployment, start: int, line: int) -> Deployment:
    """A deployment moved by the offset and line of its document."""

    def shift(setting: Setting) -> Setting:
        end = setting.end and setting.end + start
        return Setting(setting.value, setting.line + line, setting.start + start, end)

    def shift_known(setting: Setting | None) -> Setting | None:
        return None if setting is None else shift(setting)

    return replace(
        one,
        line=one.line + line,
        user=shift_known(one.user),
        non_root=shift_known(one.non_root),
        group=shift_known(one.group),
        read_only=shift_known(one.read_only),
        privileged=shift_known(one.privileged),
        ports=tuple(map(shift, one.ports)),
        mounts=tuple(replace(mount, target=shift(mount.target)) for mount in one.mounts),
    )


_JSON_NOISE: Final = re.compile(r'("(?:[^"\\\n]|\\.)*"?)|//[^\n]*|/\*[\s\S]*?(?:\*/|\Z)|,(?=\s*[}\]])')


def _read_devcontainer(path: str, text: str) -> Iterator[Deployment]:
    """The deployment in a devcontainer.json, which is JSON with comments and trailing commas."""
    plain = _JSON_NOISE.sub(lambda match: match[1] or "", text)
    plain = _JSON_NOISE.sub(lambda match: match[1] or "", plain)
    try:
        content = json.loads(plain)
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
        yield Deployment(path, _line(text, written), "devcontainer", "", "", dockerfile, setting)


def _line(text: str, word: str) -> int:
    return text.count("\n", 0, max(text.find(f'"{word}"'), 0)) + 1
