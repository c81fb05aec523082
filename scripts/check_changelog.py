"""Hold CHANGELOG.md to its format; with a tag, hold the release to its changelog and print its notes.

    python scripts/check_changelog.py            # the format alone
    python scripts/check_changelog.py v0.2.0     # and: the newest section is 0.2.0's, nothing is unreleased

Exit code 1 and a line for each problem where something is wrong.
"""

from __future__ import annotations

import datetime
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
# keepachangelog.com, version 1.1.0.
KINDS: Final = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
_HEADING: Final = re.compile(r"^## (.*)$", re.MULTILINE)
_RELEASE: Final = re.compile(r"\[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d{2}-\d{2})")
_GROUP: Final = re.compile(r"^### (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Section:
    """What stands below one heading of the second level."""

    title: str
    body: str

    @property
    def version(self) -> tuple[int, int, int] | None:
        """The release's number; None where the heading is not a release's."""
        match = _RELEASE.fullmatch(self.title)
        return (int(match[1]), int(match[2]), int(match[3])) if match else None

    @property
    def date(self) -> datetime.date | None:
        """The day of the release; None where the heading gives no possible one."""
        match = _RELEASE.fullmatch(self.title)
        try:
            return datetime.date.fromisoformat(match[4]) if match else None
        except ValueError:
            return None


def read_sections(text: str) -> list[Section]:
    """The sections of a changelog, newest first."""
    parts = _HEADING.split(text)[1:]
    return [Section(title.strip(), body.strip()) for title, body in zip(parts[::2], parts[1::2], strict=True)]


def find_format_problems(sections: Sequence[Section]) -> Iterator[str]:
    """What keeps the sections from being a changelog."""
    if not sections or sections[0].title != "[Unreleased]":
        yield "the first section is not [Unreleased]"
    releases = sections[1:]
    for section in releases:
        if section.version is None or section.date is None:
            yield f"'{section.title}' is not '[MAJOR.MINOR.PATCH] - YYYY-MM-DD'"
        elif not section.body:
            yield f"{section.title} is empty"
    for newer, older in pairwise(releases):
        if newer.version and older.version and newer.version <= older.version:
            yield f"{newer.title} stands above {older.title}"
        if newer.date and older.date and newer.date < older.date:
            yield f"{newer.title} is dated before {older.title}"
    for section in sections:
        yield from _find_group_problems(section)


def _find_group_problems(section: Section) -> Iterator[str]:
    before, *parts = _GROUP.split(section.body)
    if before.strip():
        yield f"{section.title} has text outside of {', '.join(KINDS)}"
    for kind, body in zip(parts[::2], parts[1::2], strict=True):
        if kind not in KINDS:
            yield f"{section.title} has a group '{kind}': {', '.join(KINDS)} are known"
        if not body.strip():
            yield f"{section.title} has nothing under '{kind}'"


def find_release_problems(sections: Sequence[Section], tag: str, version: str) -> Iterator[str]:
    """What keeps `tag` from being released, when pyproject.toml gives `version`."""
    if tag != f"v{version}":
        yield f"the tag is {tag}, but pyproject.toml has version {version}"
    if sections and sections[0].body:
        yield f"{sections[0].title} is not empty: its entries belong to {tag}"
    newest = sections[1].title if len(sections) > 1 else "nothing"
    if not newest.startswith(f"[{version}]"):
        yield f"the newest release is {newest}, not {version}"


def main(arguments: Sequence[str]) -> int:
    """Check, and print the problems, or the notes of the release that the tag names."""
    sections = read_sections((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    problems = list(find_format_problems(sections))
    if arguments:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        problems += find_release_problems(sections, arguments[0], project["version"])
    for problem in problems:
        print(f"CHANGELOG.md: {problem}", file=sys.stderr)
    if arguments and not problems:
        print(sections[1].body)
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
