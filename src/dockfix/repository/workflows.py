"""GitHub workflows: the steps of every job for every combination of its matrix, and those it calls.

See "Workflow syntax" and "Metadata syntax" in GitHub's documentation.
"""

from __future__ import annotations

import itertools
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from dockfix.repository.arguments import UNKNOWN
from dockfix.repository.expressions import Contexts, fill
from dockfix.repository.neighbours import Read, read_nothing
from dockfix.repository.parts import list_of, mapping_of
from dockfix.repository.yaml_nodes import read_values

_MOST_ROWS: Final = 256
"""GitHub runs a job for so many combinations at most."""
_MAX_DEPTH: Final = 8
_USED: Final = ("./", "docker/build-push-action", "docker/bake-action")
_METADATA: Final = "docker/metadata-action"
"""The action whose output `tags` are tags of the images that it is given."""
_BUILDERS: Final = ("docker", "podman", "buildah", "nerdctl", "kaniko")
_FILES: Final = ("action.yml", "action.yaml")


@dataclass(frozen=True, slots=True)
class Shell:
    """Command lines that the file `source` runs in a folder of the repository, with `variables` set."""

    source: str
    text: str
    folder: str
    variables: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Action:
    """An action that the file `source` uses, its inputs, and the `variables` set for it."""

    source: str
    name: str
    inputs: Mapping[str, Any]
    variables: Mapping[str, Any]


Step = Shell | Action


def calls_builder(text: object) -> bool:
    """Whether command lines may call a program that builds images."""
    return isinstance(text, str) and any(word in text for word in _BUILDERS)


def read_workflow(name: str, text: str, read: Read = read_nothing) -> Iterator[Step]:
    """The steps of a workflow, and of the workflows and actions of the repository that it calls."""
    if calls_builder(text) or "uses: ./" in text:
        for document in read_values(text):
            yield from _Reader(read).workflow(name, document, None, 0)


@dataclass(frozen=True)
class _Reader:
    """Parses workflows and actions, and loads those they call with `read`."""

    read: Read
    _known: dict[str, list[Any]] = field(default_factory=dict)

    def documents(self, path: str) -> list[Any]:
        """The documents of a called file."""
        if path not in self._known:
            self._known[path] = read_values(self.read(path) or "")
        return self._known[path]

    def workflow(
        self, name: str, content: Any, given: Mapping[str, Any] | None, depth: int
    ) -> Iterator[Step]:
        """The steps of a workflow's jobs, with the inputs `given` by a caller, or their defaults."""
        on = mapping_of(mapping_of(content).get("on") or mapping_of(content).get("true"))
        declared = mapping_of(mapping_of(on.get("workflow_call")).get("inputs"))
        dispatched = mapping_of(mapping_of(on.get("workflow_dispatch")).get("inputs"))
        inputs = _inputs({**dispatched, **declared}, given)
        contexts: Contexts = {"inputs": inputs, "github": {"workspace": "."}}
        contexts = {**contexts, "env": _filled(mapping_of(content).get("env"), contexts)}
        shared = mapping_of(mapping_of(mapping_of(content).get("defaults")).get("run"))
        for job in mapping_of(mapping_of(content).get("jobs")).values():
            for values in _combinations(mapping_of(mapping_of(job).get("strategy")).get("matrix"), contexts):
                inner = {**contexts, "matrix": values}
                yield from self.job(name, mapping_of(job), inner, shared, depth)

    def job(
        self, name: str, job: Mapping[str, Any], contexts: Contexts, shared: Mapping[str, Any], depth: int
    ) -> Iterator[Step]:
        """The steps of a job for one combination of its matrix."""
        inner = {**contexts, "env": {**contexts["env"], **_filled(job.get("env"), contexts)}}
        called = job.get("uses")
        if isinstance(called, str) and called.startswith("./") and depth < _MAX_DEPTH:
            path = posixpath.normpath(called)
            given = mapping_of(fill(mapping_of(job.get("with")), inner))
            for document in self.documents(path):
                yield from self.workflow(path, document, given, depth + 1)
        own = mapping_of(mapping_of(job.get("defaults")).get("run"))
        folder = own.get("working-directory") or shared.get("working-directory")
        yield from self.steps(name, job.get("steps"), inner, folder, depth)

    def steps(self, name: str, steps: Any, contexts: Contexts, folder: object, depth: int) -> Iterator[Step]:
        """The steps of a job or of an action."""
        outputs: dict[str, Any] = {}
        contexts = {**contexts, "steps": outputs}
        for step in steps if isinstance(steps, list) else ():
            facts = mapping_of(step)
            if str(facts.get("uses") or "").startswith(_METADATA):
                images = fill(mapping_of(facts.get("with")).get("images"), contexts)
                outputs[str(facts.get("id"))] = {"outputs": {"tags": "\n".join(_images(images))}}
            yield from self._step(name, facts, contexts, folder, depth)

    def _step(
        self, name: str, facts: Mapping[str, Any], contexts: Contexts, folder: object, depth: int
    ) -> Iterator[Step]:
        uses = str(facts.get("uses") or "")
        scripts = [one for one in mapping_of(facts.get("with")).values() if uses and calls_builder(one)]
        if not (calls_builder(facts.get("run")) or scripts or uses.startswith(_USED)):
            return
        inner = {**contexts, "env": {**contexts["env"], **_filled(facts.get("env"), contexts)}}
        given = mapping_of(fill(mapping_of(facts.get("with")), inner))
        if isinstance(facts.get("run"), str):
            place = fill(facts.get("working-directory") or folder or "", inner)
            yield Shell(name, str(fill(facts["run"], inner)), str(place), inner["env"])
        elif uses.startswith("./"):
            yield from self.action(posixpath.normpath(uses), given, inner, depth)
        elif uses.startswith(_USED):
            yield Action(name, uses, given, inner["env"])
        else:
            # An action with a host runs its script there, as appleboy/ssh-action does.
            place = UNKNOWN if "host" in given else str(fill(folder or "", inner))
            yield from (Shell(name, str(fill(one, inner)), place, inner["env"]) for one in scripts)

    def action(self, folder: str, given: Mapping[str, Any], contexts: Contexts, depth: int) -> Iterator[Step]:
        """The steps of a composite action in a folder of the repository."""
        for file in _FILES if depth < _MAX_DEPTH else ():
            path = posixpath.join(folder, file) if folder != "." else file
            for document in self.documents(path):
                content = mapping_of(document)
                inputs = _inputs(mapping_of(content.get("inputs")), given)
                inner = {"inputs": inputs, "github": contexts["github"], "env": contexts["env"]}
                yield from self.steps(
                    path, mapping_of(content.get("runs")).get("steps"), inner, "", depth + 1
                )


def _images(written: object) -> Iterator[str]:
    """The images of the metadata action, one a line, perhaps as `name=IMAGE,enable=CONDITION`."""
    for line in written.splitlines() if isinstance(written, str) else ():
        parts = dict(part.strip().rpartition("=")[::2] for part in line.split(","))
        yield parts.get("name") or line.strip()


def _filled(written: object, contexts: Contexts) -> dict[str, Any]:
    found = fill(mapping_of(written), contexts)
    return found if isinstance(found, dict) else {}


def _inputs(declared: Mapping[str, Any], given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Each input's value or default; one without either is empty."""
    nothing = UNKNOWN if given is None else ""
    known = {name: mapping_of(one).get("default", nothing) for name, one in declared.items()}
    return {**known, **(given or {})}


def _combinations(matrix: object, contexts: Contexts) -> Iterator[Mapping[str, Any]]:
    """Each combination of a matrix: the product of its lists, less `exclude`, with `include`."""
    if matrix is None:
        yield {}
        return
    filled = fill(matrix, contexts)
    axes = {key: one for key, one in mapping_of(filled).items() if key not in ("include", "exclude")}
    if not all(isinstance(one, list) for one in axes.values()) or not isinstance(filled, Mapping):
        yield {}  # known only in the run: every part of it is unknown
        return
    product = itertools.islice(itertools.product(*axes.values()), _MOST_ROWS)
    rows = [dict(zip(axes, values, strict=True)) for values in product] if axes else []
    excluded = [mapping_of(one) for one in list_of(filled.get("exclude"))]
    rows = [row for row in rows if not any(one and _fits(one, row) for one in excluded)]
    yield from _include(rows, axes, [mapping_of(one) for one in list_of(filled.get("include"))])


def _include(
    rows: list[dict[str, Any]], axes: Mapping[str, Any], included: list[Mapping[str, Any]]
) -> Iterator[Mapping[str, Any]]:
    """The combinations after `include`: each entry extends those it does not contradict, or adds one."""
    more: list[Mapping[str, Any]] = []
    for one in included[:_MOST_ROWS]:
        wanted = {key: value for key, value in one.items() if key in axes}
        fitting = [row for row in rows if _fits(wanted, row)]
        for row in fitting:
            row.update({key: value for key, value in one.items() if key not in axes})
        if not fitting:
            more.append(one)
    yield from (*rows, *more)


def _fits(wanted: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether a combination has all these values."""
    return all(row.get(key) == value for key, value in wanted.items())
