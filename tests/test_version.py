from __future__ import annotations

import tomllib
from pathlib import Path

from dockfix import __version__


def test_version_is_that_of_the_project() -> None:
    with (Path(__file__).parents[1] / "pyproject.toml").open("rb") as file:
        assert tomllib.load(file)["project"]["version"] == __version__
