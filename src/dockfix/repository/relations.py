"""Which image of a repository builds on which, and what that implies for a Dockerfile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from dockfix.checks import codes
from dockfix.files.candidates import Candidate
from dockfix.options import Options
from dockfix.results import Finding

SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Relations:
    """Which image builds on which, and the options of each candidate, adjusted accordingly.

    `children` are the paths of the files whose stages are built on each image that is still root's,
    `copiers` of those that copy from it what may move, by the absolute path of its Dockerfile. It
    `is_whole` unless facts about a base could not be found within the limits.
    """

    candidates: Sequence[Candidate]
    options: list[Options]
    children: Mapping[str, Sequence[str]]
    copiers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    is_whole: bool = True

    def reasons(self) -> Iterator[Finding | None]:
        """For each candidate, why it must keep root for the images that build on it, or None."""
        for candidate in self.candidates:
            if children := self.children.get(candidate.real):
                message = f"the base of {_listed(children)}, whose steps run as this image's user"
                yield Finding(
                    codes.BASE_OF_OTHERS, 1, message, "they get the user, and this image keeps root"
                )
            elif copiers := self.copiers.get(candidate.real):
                message = f"{_listed(copiers)} copies from this image what its user would get elsewhere"
                yield Finding(codes.BASE_OF_OTHERS, 1, message, "this image keeps root")
            else:
                yield None


def _listed(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return f"{', '.join(sorted(paths)[:SHOWN])}{more}"
