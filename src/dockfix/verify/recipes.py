"""The ways in which a repository builds a Dockerfile, so that its proof builds it likewise."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dockfix.repository.hcl import read_blocks

if TYPE_CHECKING:
    from dockfix.candidates import Build, Candidate
    from dockfix.verify.options import VerifyOptions

_DEFAULTED: Final = re.compile(r"\$\{\w+:?-([^}]*)\}")
_DEPTH: Final = 10


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way: the folder that is built, the stage, the arguments; None is what an engine takes by itself."""

    context: Path | None = None
    target: str | None = None
    build_args: Mapping[str, str | None] = field(default_factory=dict)

    def __str__(self) -> str:
        named = [
            f"context {self.context}" if self.context else "",
            f"target {self.target}" if self.target else "",
            f"arguments {', '.join(self.build_args)}" if self.build_args else "",
        ]
        return ", ".join(filter(None, named)) or "nothing given"


def find_recipes(candidate: Candidate, stages: Iterable[str], options: VerifyOptions) -> list[Recipe]:
    """Every way that the candidate's builds tell, once; what the `options` say goes before it.

    `stages` are the names in the file, in lower case: a target of the options that is none of them
    is not meant for it. Without builds there is one way.
    """
    stated = [recipe for build in candidate.builds for recipe in _read(build, candidate.real)]
    if options.context is not None:
        stated = [replace(recipe, context=None) for recipe in stated]
    recipes = stated or [Recipe()]
    names = set(stages)
    if targets := [target for target in options.targets if target.lower() in names]:
        recipes = [replace(recipe, target=target) for recipe in recipes for target in targets]
    distinct = [recipe for at, recipe in enumerate(recipes) if recipe not in recipes[:at]]
    richer = {(recipe.context, recipe.target) for recipe in distinct if recipe.build_args}
    # Not every kind of file is read for its arguments: silence says nothing beside a word.
    return [
        recipe for recipe in distinct if recipe.build_args or (recipe.context, recipe.target) not in richer
    ]


def _read(build: Build, dockerfile: str) -> Iterator[Recipe]:
    """The way of one build, unless its context is gone or the file stands elsewhere, behind a link."""
    inner = f"/{build.dockerfile}"
    if not dockerfile.endswith(inner):
        return
    root = Path(dockerfile.removesuffix(inner))
    context = root / build.context
    if context.is_dir():
        arguments = _read_arguments(root / build.source).get(build.name, {}) if build.name else {}
        yield Recipe(context, build.target or None, arguments)


@cache
def _read_arguments(path: Path) -> Mapping[str, Mapping[str, str | None]]:
    """The build arguments in a compose or bake file by service or target; none where it is broken."""
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".hcl":
            return _inherit(read_blocks(text, "target"))
        if path.suffix == ".json":
            return _inherit(json.loads(text)["target"])
        return _read_services(text)
    except (OSError, ValueError, TypeError, AttributeError, KeyError):
        return {}


def _read_services(text: str) -> Mapping[str, Mapping[str, str | None]]:
    from ruamel.yaml import YAML  # noqa: PLC0415  # only where a compose file builds something
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    try:
        services: Mapping[str, Any] = YAML(typ="safe").load(text)["services"]
    except YAMLError:
        return {}
    return {
        str(name): _pairs(service["build"].get("args"))
        for name, service in services.items()
        if isinstance(service.get("build"), dict)
    }


def _inherit(targets: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Mapping[str, str | None]]:
    """Each target's arguments on top of those of the targets that it inherits from."""

    def collect(name: str, depth: int) -> dict[str, str | None]:
        facts = targets.get(name) or {}
        found: dict[str, str | None] = {}
        for parent in (facts.get("inherits") or ()) if depth < _DEPTH else ():
            found |= collect(parent, depth + 1)
        written = {key: value for key, value in (facts.get("args") or {}).items() if value is not None}
        return found | _pairs(written)

    return {name: collect(name, 0) for name in targets}


def _pairs(written: object) -> dict[str, str | None]:
    """Arguments in either form; None takes the environment's, one named by a variable is left out."""
    if isinstance(written, list):
        split = (str(item).partition("=") for item in written)
        written = {name: value if equals else None for name, equals, value in split}
    pairs: dict[str, str | None] = {}
    for name, value in written.items() if isinstance(written, dict) else ():
        text = str(value).lower() if isinstance(value, bool) else _DEFAULTED.sub(r"\1", str(value))
        if value is None or "$" not in text:
            pairs[str(name)] = None if value is None else text
    return pairs
