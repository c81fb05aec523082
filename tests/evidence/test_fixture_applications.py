from __future__ import annotations

from pathlib import Path

import pytest

from dockfix.evidence.python.sources import read_sources
from dockfix.syntax.parser import parse

APPLICATIONS = Path(__file__).parents[2] / "fixtures" / "evidence"


def text_of(path: Path) -> str | None:
    return path.read_text() if path.is_file() else None


@pytest.mark.parametrize("name", sorted(path.name for path in APPLICATIONS.iterdir() if path.is_dir()))
def test_an_application_says_what_its_fixture_expects(name: str) -> None:
    folder = APPLICATIONS / name
    tree = parse((folder / "Dockerfile").read_text())
    reading = read_sources(tree, lambda path: text_of(folder / path))
    assert "".join(f"{one}\n" for one in reading.claims) == (folder / "expected.txt").read_text()
    assert reading.start_known
