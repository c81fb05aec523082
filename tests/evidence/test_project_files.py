"""Where pyproject.toml says that a project has its packages."""

from __future__ import annotations

import pytest

from dockfix.evidence.project_files import find_package_folders


@pytest.mark.parametrize(
    ("text", "folders"),
    [
        ('[tool.poetry]\npackages = [{include = "shop", from = "lib"}, {include = "stock"}]', ["lib"]),
        ('[tool.setuptools.packages.find]\nwhere = ["lib", "more"]', ["lib", "more"]),
        ('[tool.setuptools]\npackages = ["shop"]\n[tool.setuptools.package-dir]\n"" = "lib"', ["lib"]),
        ('[tool.hatch.build.targets.wheel]\npackages = ["lib/shop"]', ["lib"]),
        ('[tool.hatch.build.targets.wheel]\nsources = ["lib"]', ["lib"]),
        ('[tool]\npoetry = 1\nsetuptools = ["a"]', []),
        ("[tool.poetry]\npackages = [1, {from = 2}]", []),
        ("not TOML at all", []),
        ("", []),
    ],
)
def test_folders_of_packages(text: str, folders: list[str]) -> None:
    assert list(find_package_folders(text)) == folders
