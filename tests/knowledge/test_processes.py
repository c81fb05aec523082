from __future__ import annotations

import pytest

from dockfix.knowledge.processes import find_installer, process_need_of


@pytest.mark.parametrize(
    ("line", "installer"),
    [
        ("pip install -r requirements.txt", "pip"),
        ("/opt/venv/bin/pip3.12 install x", "pip3.12"),
        ("python3 -m pip install -U x", "pip"),
        ("uv pip install x", "uv"),
        ("uv sync --frozen", "uv"),
        ("conda env update -f env.yml", "conda"),
        ("poetry install", "poetry"),
        ("npm install -g serve", "npm"),
        ("pip install --user x", ""),
        ("pip install --target=/tmp/x x", ""),
        ("pip freeze", ""),
        ("uv run main.py", ""),
        ("poetry run python main.py", ""),
        ("npm install", ""),
        ("pipx install x", ""),
        ("", ""),
    ],
)
def test_what_installs_for_everybody(line: str, installer: str) -> None:
    assert find_installer(line.split()) == installer


@pytest.mark.parametrize(
    ("line", "needs_root"),
    [
        ("apk info", False),
        ("apt list --installed", False),
        ("/sbin/apk info -v x", False),
        ("apk add x", True),
        ("apk -U add x", True),
        ("apk infos", True),
        ("apk", True),
        ("dnf install x", True),
    ],
)
def test_questions_about_packages_need_no_root(line: str, needs_root: bool) -> None:
    assert bool(process_need_of(line)) is needs_root
