"""The build contexts of `fixtures/unfinished`: images that run as a user already, which cannot work so."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from contexts import lay_out

ROOT: Final = Path(__file__).parents[2] / "fixtures" / "unfinished"


@dataclass(frozen=True)
class UnfinishedMove:
    """One folder: `line` and `says` are of the only review, `verdict` is what a proof shows."""

    name: str
    facts: Mapping[str, Any]

    @property
    def line(self) -> int:
        """The line of the finding."""
        return int(self.facts["line"])

    @property
    def says(self) -> str:
        """A part of its message."""
        return str(self.facts["says"])

    @property
    def verdict(self) -> str:
        """The verdict on the rewrite: where the original only works badly, there is nothing to repair."""
        return str(self.facts.get("verdict", "repaired"))

    @property
    def expected(self) -> str:
        """The Dockerfile with the edits that take the denial away, and no others."""
        return (ROOT / self.name / "expected.Dockerfile").read_text(encoding="utf-8")

    def lay_out(self, folder: Path) -> Path:
        """Copy it to `folder`; returns the path of its Dockerfile."""
        context = folder / self.name
        lay_out(ROOT / self.name, context, self.facts.get("context", {}), "case.toml")
        (context / "expected.Dockerfile").unlink()
        return context / "Dockerfile"


def find_unfinished() -> tuple[UnfinishedMove, ...]:
    """All of them, by name."""
    files = sorted(ROOT.glob("*/case.toml"))
    return tuple(
        UnfinishedMove(file.parent.name, tomllib.loads(file.read_text(encoding="utf-8"))) for file in files
    )
