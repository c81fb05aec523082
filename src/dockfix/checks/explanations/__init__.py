"""The explanations of codes: for each row of the registry, a Markdown file of the same name.

A file contains the description, then `## What to do`, `## Turn it off` if it differs from the default of
its kind, and `## Source`: where the fact behind the code is documented.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from dockfix.results import Code, Kind

PAGES: Final = "https://github.com/dockfix/dockfix/blob/main/docs/codes"
_GUIDES: Final = {
    "existing-volumes": "how-to/volumes.md",
    "named-user": "how-to/kubernetes.md",
    "numeric-user": "how-to/kubernetes.md",
    "manifest-user": "how-to/kubernetes.md",
    "manifest-read-only": "how-to/kubernetes.md",
    "unknown-base": "how-to/private-bases.md",
    "base-of-others": "how-to/monorepo.md",
    "not-proven": "how-to/verify.md",
    "rewrite-breaks": "how-to/verify.md",
    "nothing-read": "reference/what-is-read.md",
}
_TITLE: Final = re.compile(r"^## (.+)\n", re.MULTILINE)
_OFF: Final = {
    Kind.CHANGE: (
        "`# dockfix: ignore` in the file keeps it as it is; `--exclude PATTERN` leaves it out of the run."
    ),
    Kind.REFUSAL: "A refusal cannot be overridden. `--exclude PATTERN` leaves the file out of the run.",
    Kind.REVIEW: (
        "`--accept CODE`, `accept` in the configuration or `# dockfix: accept[CODE]` in the file makes the"
        " change; `--unsafe` accepts all."
    ),
    Kind.NOTE: "A note does not hold a change back. `--quiet` hides notes.",
    Kind.FAILURE: "`--exclude PATTERN` leaves the file out of the run.",
    Kind.GUARANTEE: ("A guarantee does not apply if `--ignore` leaves out a transform that it depends on."),
    Kind.TRANSFORM: (
        "`--ignore NAME`, `ignore = [...]` in the configuration, or `# dockfix: ignore[NAME]` in the file"
        " leave it out."
    ),
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """The Markdown of a code: what it means and why it matters, what to do, how to turn it off, source."""

    description: str
    advice: str
    off: str
    source: str

    def sections(self) -> Iterator[tuple[str, str]]:
        """The titles and texts of the sections after the description."""
        yield "What to do", self.advice
        yield "Turn it off", self.off
        yield "Source", self.source


def read_explanation(code: Code) -> Explanation:
    """The explanation of a row of the registry."""
    text = (files(__name__) / f"{code.name}.md").read_text(encoding="utf-8")
    return parse_explanation(text, code.kinds[0])


def parse_explanation(text: str, kind: Kind) -> Explanation:
    """Parse an explanation file. Raises KeyError if a section is missing."""
    description, *rest = _TITLE.split(text)
    parts = {title: body.strip() for title, body in zip(rest[::2], rest[1::2], strict=True)}
    off = parts.get("Turn it off", _OFF[kind])
    return Explanation(description.strip(), parts["What to do"], off, parts["Source"])


def explain_transform(doc: str) -> Explanation:
    """The explanation in a transform's docstring: a summary, paragraphs, and `Source:` at the end."""
    description, _, source = doc.partition("\n\n")[2].rpartition("\n\nSource: ")
    advice = "Nothing: it is part of the complete fix."
    return Explanation(description, advice, _OFF[Kind.TRANSFORM], source)


def guide_of(code: Code) -> str:
    """The page below docs/ that goes through what a code asks for, "" where there is none."""
    return _GUIDES.get(code.name, "")


def guide_address(code: Code) -> str:
    """The address of that page, "" where there is none."""
    guide = guide_of(code)
    return f"{PAGES.removesuffix('/codes')}/{guide}" if guide else ""


def page_of(code: Code) -> str:
    """The URL of the code's page in the documentation."""
    return f"{PAGES}/{code.name}.md"
