"""Documents are consistent: links, paths, the table of packages, and the vocabulary of the README."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from scripts.show_imports import FACADE, LAYERS

ROOT: Final = Path(__file__).parent.parent
DOCUMENTS: Final = [
    *ROOT.glob("*.md"),
    *ROOT.glob(".github/*.md"),
    *ROOT.glob("docs/**/*.md"),
    ROOT / "fixtures/README.md",
]
_LINK: Final = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_ANCHOR: Final = re.compile(r"\]\(([^)#\s:]*)#([^)]+)\)")
_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)
_CODE: Final = re.compile(r"`([^`\n]+)`")
# A path from the root of the repository, with no place for a name of one's own in it.
_PATH: Final = re.compile(r"(?:\.ci|\.github|docs|fixtures|scripts|src|tests)/[a-z0-9_./-]+|[A-Z]+\.md")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_to_files(document: Path) -> None:
    links = [link for link in _LINK.findall(document.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_paths_that_are_named_exist(name: str) -> None:
    words = _CODE.findall((ROOT / name).read_text(encoding="utf-8"))
    paths = {word for word in words if _PATH.fullmatch(word)}
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


def test_contributing_lists_the_packages_in_the_order_of_their_layers() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Where things live")[2]
    table = table.partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)(?:/|\.py)` \|", table, re.MULTILINE)
    packages = {path.parent.name for path in (ROOT / "src" / "dockfix").glob("*/__init__.py")}
    assert packages <= set(rows)
    levels = {part: level for level, parts in enumerate(LAYERS) for part in parts if part != FACADE}
    assert [levels[row] for row in rows] == sorted(levels[row] for row in rows)


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) < 900


def test_links_to_headings_lead_to_headings() -> None:
    missing = []
    for document in DOCUMENTS:
        for target, anchor in _ANCHOR.findall(document.read_text(encoding="utf-8")):
            path = document.parent / target if target else document
            headings = _HEADING.findall(path.read_text(encoding="utf-8"))
            if anchor not in {_slug(heading) for heading in headings}:
                missing.append((document.name, target, anchor))
    assert missing == []


def _slug(heading: str) -> str:
    """The anchor of a heading, as GitHub and Python-Markdown make it."""
    return re.sub(r"[^\w\s-]", "", heading.lower()).strip().replace(" ", "-")
