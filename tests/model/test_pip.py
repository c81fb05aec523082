from __future__ import annotations

import pytest

from dockfix.model.pip import PipCall, is_virtual, read_pip
from dockfix.syntax.shell import parse_script


def read(command: str) -> PipCall | None:
    return read_pip(parse_script(command).commands[0])


def call(command: str) -> PipCall:
    found = read(command)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("command", "action", "python"),
    [
        ("pip install flask", "install", "python"),
        ("pip3.12 install flask", "install", "python3.12"),
        ("/opt/venv/bin/pip install flask", "install", "/opt/venv/bin/python"),
        ("python -m pip install flask", "install", "python"),
        ("python3 -u -m pip --no-cache-dir install flask", "install", "python3"),
        ("pip --proxy install download flask", "download", "python"),
        ("pip -q freeze", "freeze", "python"),
    ],
)
def test_a_pip_call_is_read(command: str, action: str, python: str) -> None:
    found = call(command)
    assert (found.action.text, found.installs, found.python) == (action, action == "install", python)


@pytest.mark.parametrize(
    "command",
    ["pip", "pip --version", "pipx install flask", "python pip", "python -m venv pip", "A=b"],
)
def test_another_command_is_no_pip_call(command: str) -> None:
    assert read(command) is None


@pytest.mark.parametrize(
    ("arguments", "operands", "options"),
    [
        ("flask django", ("flask", "django"), set()),
        ("-r requirements.txt flask", ("flask",), {"-r"}),
        ("--target=/srv flask", ("flask",), {"--target"}),
        ("--index-url https://example.org/simple 'flask[async]>=3'", ("flask[async]>=3",), {"--index-url"}),
        ("--no-cache-dir -e . -U", (), {"--no-cache-dir", "-e", "-U"}),
    ],
)
def test_operands_are_told_from_values_of_options(
    arguments: str, operands: tuple[str, ...], options: set[str]
) -> None:
    found = call(f"pip install {arguments}")
    assert (found.operands, set(found.options)) == (operands, options)


@pytest.mark.parametrize(
    ("arguments", "place", "user"),
    [
        ("flask", False, False),
        ("--user flask", False, True),
        ("--target /srv flask", True, False),
        ("-t /srv flask", True, False),
        ("--prefix=/install flask", True, False),
        ("--dry-run flask", True, False),
    ],
)
def test_who_names_the_place(arguments: str, place: bool, user: bool) -> None:
    found = call(f"pip install {arguments}")
    assert (found.chooses_place, found.is_user_install) == (place, user)


@pytest.mark.parametrize(
    ("arguments", "bootstraps", "pinned"),
    [
        ("--upgrade pip", True, ""),
        ("-U pip setuptools wheel", True, ""),
        ("pip", True, None),
        ("pip==21.3.1", True, "21.3.1"),
        ("'pip<22'", True, ""),
        ("pip flask", False, None),
        ("-U pip -r requirements.txt", False, ""),
        ("flask", False, None),
        ("pipdeptree", False, None),
    ],
)
def test_pip_that_installs_itself(arguments: str, bootstraps: bool, pinned: str | None) -> None:
    found = call(f"pip install {arguments}")
    assert (found.only_bootstraps, found.pinned_pip()) == (bootstraps, pinned)


@pytest.mark.parametrize(
    ("program", "env", "expected"),
    [
        ("pip", {}, False),
        ("/usr/local/bin/pip", {}, False),
        ("/opt/venv/bin/pip", {}, True),
        ("pip", {"VIRTUAL_ENV": "/v"}, True),
        ("pip", {"PATH": "/app/.venv/bin:/usr/bin"}, True),
        ("pip", {"PATH": "/usr/bin:/app/.venv/bin"}, False),
        ("/usr/bin/pip", {"VIRTUAL_ENV": "/v"}, False),
    ],
)
def test_where_a_virtual_environment_is_used(program: str, env: dict[str, str], expected: bool) -> None:
    assert is_virtual(program, env) is expected
