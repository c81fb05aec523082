"""The command lines of other CI systems: GitLab with its variables and matrices, Cloud Build, and others.

See "CI/CD YAML syntax reference" in GitLab's and "Build configuration file schema" in Google Cloud
Build's documentation.
"""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from dockfix.repository.neighbours import Read, read_nothing
from dockfix.repository.parts import mapping_of
from dockfix.repository.shell_lines import fill_variables, find_assignments
from dockfix.repository.workflows import Shell, calls_builder
from dockfix.repository.yaml_nodes import Tagged, read_values

_MOST_ROWS: Final = 200
"""GitLab runs a job for so many combinations at most."""
_MAX_DEPTH: Final = 10
_TAGS: Final = frozenset({"!reference"})
_SCRIPTS: Final = ("before_script", "script", "after_script")
_VARIABLES: Final = ("variables", "env", "environment", "substitutions")
_PREDEFINED: Final = {"CI_PROJECT_DIR": "."}
"""GitLab's own variables with a value that every repository knows."""
_OWN_IMAGE: Final = re.compile(r"\$(?:CI_REGISTRY_IMAGE|\{CI_REGISTRY_IMAGE\})(?![\w/-])")
OWN_IMAGE: Final = "ci_registry_image"
"""Stands for the project's image, whose name only GitLab knows."""
_MOST_FILLS: Final = 5
_LONGEST_VALUE: Final = 2_000
_VALUE: Final = re.compile(r"[^\s\"'`\\]{1,500}")
_FOLDERS: Final = ("dir", "workingDirectory", "working_directory")
_BUILDER: Final = re.compile(r"(?:^|/)(?:docker|kaniko/executor|kaniko-project/executor|buildx)(?:[:@]|$)")


def read_gitlab(name: str, text: str, read: Read = read_nothing) -> Iterator[Shell]:
    """The scripts of each job of a GitLab pipeline, for each combination of its matrix."""
    content = _load(name, text, read, set()) if calls_builder(text) or "include" in text else {}
    shared = mapping_of(content.get("variables"))
    done: dict[str, dict[str, Any]] = {}
    references = _References(content)
    content = {key: references.fill_job(job) for key, job in content.items()}
    for key, job in content.items():
        if not isinstance(job, Mapping) or str(key).startswith(".") or key in _VARIABLES:
            continue
        facts = _extend(content, job, done, 0)
        lines = [line for part in _SCRIPTS for line in _lines(facts.get(part), set())]
        for row in _matrix(mapping_of(facts.get("parallel")).get("matrix")):
            own = {**shared, **mapping_of(facts.get("variables")), **row}
            yield _job(name, "\n".join(lines), {key: _plain(value) for key, value in own.items()})


def _job(name: str, script: str, variables: Mapping[str, str]) -> Shell:
    """A job's script with its variables replaced, except for those that the script sets itself."""
    kept = find_assignments(script)
    values = {key: value for key, value in _resolve(variables).items() if key not in kept}
    return Shell(name, _fill(script, values), "", variables)


def fill_pipeline(text: str) -> str:
    """The text of a GitLab pipeline with the variables replaced to which all of it gives one value.

    Lines stay where they are. Raises ValueError.
    """
    values: dict[str, str | None] = {}
    for job in (one for document in read_values(text, _TAGS) for one in _with_jobs(mapping_of(document))):
        for name, value in mapping_of(job.get("variables")).items():
            found = _plain(value)
            values[str(name)] = found if values.get(str(name), found) == found else None
    return _fill(text, _resolve({name: value or "" for name, value in values.items()}))


def _with_jobs(content: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield content
    yield from (job for key, job in content.items() if isinstance(job, Mapping) and key not in _VARIABLES)


def _resolve(variables: Mapping[str, str]) -> dict[str, str | None]:
    """The variables that have a value of one word, with the variables in it replaced."""
    values: dict[str, str | None] = {
        **_PREDEFINED,
        **{name: value for name, value in variables.items() if _VALUE.fullmatch(value)},
    }
    for _ in range(_MOST_FILLS):
        filled = {name: fill_variables(value or "", values) for name, value in values.items()}
        if filled == values or any(len(value) > _LONGEST_VALUE for value in filled.values()):
            break
        values = dict(filled)
    return values


def _fill(text: str, values: Mapping[str, str | None]) -> str:
    return _OWN_IMAGE.sub(OWN_IMAGE, fill_variables(text, values))


@dataclass(frozen=True)
class _References:
    """Resolves `!reference [job, key]`, each of them once."""

    content: Mapping[str, Any]
    _known: dict[tuple[str, ...], Any] = field(default_factory=dict)

    def fill_job(self, job: Any) -> Any:
        """A job, or another setting, with the references in its keys replaced."""
        return {key: self.fill(one, 0) for key, one in job.items()} if isinstance(job, Mapping) else job

    def fill(self, value: Any, depth: int) -> Any:
        """A value with the references in it, and in its items, replaced; None for what is not there."""
        if isinstance(value, Tagged):
            path = tuple(map(str, _list(value.value)))
            if path not in self._known:
                self._known[path] = None  # stops a reference to itself
                self._known[path] = self.fill(self._at(path), depth + 1) if depth < _MAX_DEPTH else None
            return self._known[path]
        if isinstance(value, list):
            return [self.fill(one, depth) if isinstance(one, Tagged) else one for one in value]
        if isinstance(value, Mapping):
            return {key: self.fill(one, depth) if isinstance(one, Tagged) else one
                    for key, one in value.items()}  # fmt: skip
        return value

    def _at(self, path: tuple[str, ...]) -> Any:
        found: Any = self.content
        for key in path:
            found = found.value if isinstance(found, Tagged) else found
            found = mapping_of(found).get(key)
        return found


def _load(name: str, text: str, read: Read, seen: set[str]) -> dict[str, Any]:
    """A pipeline merged with the files of the repository that it includes, its own jobs overriding theirs."""
    content: dict[str, Any] = {}
    seen.add(name)
    for document in read_values(text, _TAGS):
        for one in _list(mapping_of(document).get("include")):
            local = one if isinstance(one, str) else mapping_of(one).get("local")
            path = local.lstrip("/") if isinstance(local, str) and "://" not in local else ""
            if path and path not in seen and len(seen) <= _MAX_DEPTH:
                content |= _load(path, read(path) or "", read, seen)
        content |= mapping_of(document)
    return content


def _extend(
    content: Mapping[str, Any], job: Mapping[str, Any], done: dict[str, dict[str, Any]], depth: int
) -> dict[str, Any]:
    """A job merged with those that it extends; the results for those in `done` are known."""
    facts: dict[str, Any] = {}
    for parent in map(str, _list(job.get("extends")) if depth < _MAX_DEPTH else ()):
        if parent not in done:
            done[parent] = {}
            done[parent] = _extend(content, mapping_of(content.get(parent)), done, depth + 1)
        base = done[parent]
        facts |= base | {
            "variables": {**mapping_of(facts.get("variables")), **mapping_of(base.get("variables"))}
        }
    own = {**mapping_of(facts.get("variables")), **mapping_of(job.get("variables"))}
    return {**facts, **job, "variables": own}


def _matrix(written: object) -> Iterator[Mapping[str, Any]]:
    rows = _list(written) or [{}]
    for row in rows:
        axes = mapping_of(row)
        values = [_list(value) for value in axes.values()]
        for chosen in itertools.islice(itertools.product(*values), _MOST_ROWS):
            yield dict(zip(axes, chosen, strict=True))


def read_steps(name: str, text: str) -> Iterator[Shell]:
    """The command lines of any YAML pipeline: its strings, and steps that pass arguments to a builder."""
    if calls_builder(text):
        for document in read_values(text):
            yield from _walk(name, document)


def _walk(name: str, document: Any) -> Iterator[Shell]:
    """Every script below a document, with the variables in effect there; aliased nodes are visited once."""
    seen: set[int] = set()
    waiting: list[tuple[Any, Mapping[str, Any], str]] = [(document, {}, "")]
    while waiting:
        node, outer, above = waiting.pop()
        if isinstance(node, str):
            if " build" in node or "executor" in node:
                yield Shell(name, node, above, outer)
        elif isinstance(node, Mapping | list) and id(node) not in seen:
            seen.add(id(node))
            if isinstance(node, list):
                waiting += [(one, outer, above) for one in _scripts(node)[::-1]]
                continue
            variables = {**outer, **_own_variables(node)} if len(outer) < _MOST_ROWS else outer
            folder = next((place for key in _FOLDERS if isinstance(place := node.get(key), str)), above)
            if command := _builder_step(node):
                yield Shell(name, command, folder, variables)
            waiting += [(one, variables, folder) for one in [*node.values()][::-1]]


def _scripts(rows: list[Any]) -> list[Any]:
    """The items of a list; if all are strings, they are the lines of one script."""
    is_script = rows and all(isinstance(row, str) for row in rows)
    return ["\n".join(rows)] if is_script else rows


def _own_variables(node: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key in _VARIABLES:
        for name, value in mapping_of(node.get(key)).items():
            found[str(name)] = _plain(value)
    return found


def _builder_step(step: Mapping[str, Any]) -> str:
    """The command line of a step that runs an image with arguments, such as Cloud Build's; otherwise ""."""
    image, words = step.get("name"), step.get("args")
    if not isinstance(image, str) or not isinstance(words, list) or step.get("entrypoint"):
        return ""
    if not _BUILDER.search(image):
        return ""
    program = "/kaniko/executor" if "executor" in image else "docker"
    return " ".join([program, *(_quoted(str(word)) for word in words)])


def _quoted(word: str) -> str:
    """A word quoted for a shell, with its variables kept."""
    return f'"{word}"' if "$" in word and '"' not in word else shlex.quote(word)


def _lines(written: object, seen: set[int]) -> Iterator[str]:
    """The lines of a script, whose lists may be nested; nodes visited before are skipped."""
    for one in _list(written):
        if not isinstance(one, list):
            yield str(one)
        elif id(one) not in seen:
            seen.add(id(one))
            yield from _lines(one, seen)


def _plain(value: object) -> str:
    """A variable's value, which GitLab may put under `value`."""
    inner = mapping_of(value).get("value", value)
    return inner if isinstance(inner, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
