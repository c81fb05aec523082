"""Which image of a repository builds on which, and what that implies for a Dockerfile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dockfix.checks import codes
from dockfix.files.candidates import Candidate
from dockfix.options import Options
from dockfix.results import Finding

SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Relations:
    """Which image builds on which, and the options of each candidate, adjusted accordingly.

    It `is_whole` unless facts about a base could not be found within the limits.
    """

    candidates: Sequence[Candidate]
    options: list[Options]
    children: Mapping[str, Sequence[str]]
    is_whole: bool = True

    def reasons(self) -> Iterator[Finding | None]:
        """For each candidate, why it must keep root for the images that build on it, or None."""
        for candidate in self.candidates:
            children = self.children.get(candidate.real)
            yield _keeps_root(children) if children else None


def _keeps_root(children: Sequence[str]) -> Finding:
    more = f" and {len(children) - SHOWN} more" if len(children) > SHOWN else ""
    message = f"the base of {', '.join(sorted(children)[:SHOWN])}{more}, whose steps run as this image's user"
    return Finding(codes.BASE_OF_OTHERS, 1, message, "they get the user, and this image keeps root")
