"""How a repository builds a Dockerfile, so that a proof builds it in the same ways."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dockfix.repository.arguments import UNKNOWN
from dockfix.verify.services import ALONE, Company, find_company

if TYPE_CHECKING:
    from dockfix.files.candidates import Build, Candidate
    from dockfix.options.request import VerifyOptions


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to build: the context, the stage, the arguments; None is the engine's default.

    The values of the arguments in `left_out` are known only during the build. `company` is what the
    image is started with, and `offered` what it could be.
    """

    context: Path | None = None
    target: str | None = None
    build_args: Mapping[str, str | None] = field(default_factory=dict)
    left_out: tuple[str, ...] = field(default=(), compare=False)
    company: Company = ALONE
    offered: Company = field(default=ALONE, compare=False)

    def __str__(self) -> str:
        named = [
            f"context {self.context}" if self.context else "",
            f"target {self.target}" if self.target else "",
            f"arguments {', '.join(self.build_args)}" if self.build_args else "",
            f"without {', '.join(self.left_out)}" if self.left_out else "",
        ]
        return ", ".join(filter(None, named)) or "nothing given"

    def is_less_than(self, other: Recipe) -> bool:
        """Whether its arguments are incomplete, and the other recipe has all of them and more."""
        if (self.context, self.target) != (other.context, other.target):
            return False
        own = self.build_args.items()
        return (not own or bool(self.left_out)) and own < other.build_args.items()


def find_recipes(candidate: Candidate, stages: Iterable[str], options: VerifyOptions) -> list[Recipe]:
    """The distinct ways in which the candidate's builds build it; the `options` override them.

    `stages` are the names in the file, in lower case: a target in the options that is not one of them is
    not meant for this file. Without builds there is one default recipe.
    """
    stated = [recipe for build in candidate.builds for recipe in _read(build, candidate.real, options)]
    if options.context is not None:
        stated = [replace(recipe, context=None) for recipe in stated]
    recipes = stated or [Recipe()]
    names = set(stages)
    if targets := [target for target in options.targets if target.lower() in names]:
        recipes = [replace(recipe, target=target) for recipe in recipes for target in targets]
    distinct = [recipe for at, recipe in enumerate(recipes) if recipe not in recipes[:at]]
    return [recipe for recipe in distinct if not any(map(recipe.is_less_than, distinct))]


def find_context_above(candidate: Candidate, text: str) -> Path | None:
    """The folder above the Dockerfile that has what it copies, if no caller names one; None for its own."""
    from dockfix.files.context_search import describe_found

    folder = os.path.dirname(candidate.real)
    found = describe_found(
        candidate.path, text, candidate.folders, folder, candidate.root, alone=candidate.alone
    )
    inner = f"/{found.file}"
    above = candidate.real.removesuffix(inner)
    return None if above in (candidate.real, folder) else Path(above)


def _read(build: Build, dockerfile: str, options: VerifyOptions) -> Iterator[Recipe]:
    """The recipe of one build, unless its context does not exist or a link leads to the file.

    An argument without a value, which the engine would take from this environment, is left out: only the
    `options` may hand on what this environment holds.
    """
    inner = f"/{build.dockerfile}"
    if not dockerfile.endswith(inner):
        return
    root = Path(dockerfile.removesuffix(inner))
    context = root / build.context
    if context.is_dir():
        known = {name: value for name, value in build.arguments if value not in (UNKNOWN, None)}
        unknown = tuple(
            name for name, _ in build.arguments if name not in known and name not in options.build_args
        )
        company = find_company(root, build)
        target = None if build.target == UNKNOWN else build.target or None
        yield Recipe(context, target, known, unknown, company if options.with_services else ALONE, company)
