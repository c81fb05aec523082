"""Registries are asked with the tools that are installed, one after another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from base_facts import DIGEST, image

from dockfix.inspection.configuration import UnreadableError
from dockfix.inspection.registries import ask_registry, find_tools

CONFIG = {"config": {"User": "app"}}
BUILDX = {"name": "x", "manifest": {"digest": DIGEST}, "image": CONFIG}


def install(folder: Path, name: str, *answers: tuple[str, str]) -> None:
    """A program that answers calls whose arguments contain a text, notes them all, and fails otherwise."""
    cases = "".join(f"  *'{asked}'*) printf '%s\\n' '{answer}' ;;\n" for asked, answer in answers)
    program = folder / name
    program.write_text(
        f'#!/bin/sh\necho "$0 $*" >>"{folder}/calls"\ncase "$*" in\n{cases}'
        "  *) echo first >&2; echo 'denied: log in' >&2; exit 1 ;;\nesac\n"
    )
    program.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sh").symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_buildx_shows_configuration_and_digest(programs: Path) -> None:
    install(programs, "docker", ("buildx imagetools inspect", json.dumps(BUILDX)))
    assert ask_registry("acme/app:1", tuple(find_tools())) == image(user="app")


def test_of_several_platforms_linux_amd64_is_read(programs: Path) -> None:
    images = {"linux/arm64": {"config": {"User": "arm"}}, "linux/amd64": CONFIG}
    install(programs, "docker", ("imagetools", json.dumps({**BUILDX, "image": images})))
    assert ask_registry("acme/app:1", tuple(find_tools())).user == "app"
    install(programs, "docker", ("imagetools", json.dumps({**BUILDX, "image": {"linux/s390x": CONFIG}})))
    assert ask_registry("acme/app:1", tuple(find_tools())).user == "app"


def test_skopeo_is_asked_if_buildx_cannot_answer(programs: Path) -> None:
    install(programs, "docker")
    install(programs, "skopeo", ("{{.Digest}} docker://acme/app:1", DIGEST), ("--config", json.dumps(CONFIG)))
    assert ask_registry("acme/app:1", tuple(find_tools())) == image(user="app")


def test_crane_is_asked_without_the_others(programs: Path) -> None:
    install(
        programs,
        "crane",
        ("digest acme/app:1", DIGEST),
        ("config --platform linux/amd64", json.dumps(CONFIG)),
    )
    assert ask_registry("acme/app:1", tuple(find_tools())) == image(user="app")


def test_the_reason_is_the_last_line_of_the_last_tool(programs: Path) -> None:
    install(programs, "docker")
    install(programs, "crane")
    with pytest.raises(UnreadableError, match=r"^crane: denied: log in$"):
        ask_registry("acme/app:1", tuple(find_tools()))


def test_without_a_tool_the_reason_names_them() -> None:
    with pytest.raises(UnreadableError, match="install docker buildx, skopeo or crane"):
        ask_registry("acme/app:1", ())


@pytest.mark.parametrize(
    "answer",
    [
        "[]",
        "{}",
        "null",
        "no json",
        json.dumps({**BUILDX, "manifest": {}}),
        json.dumps({**BUILDX, "image": {"a": 1}}),
    ],
)
def test_an_answer_that_says_nothing_is_an_error(programs: Path, answer: str) -> None:
    install(programs, "docker", ("imagetools", answer))
    with pytest.raises(UnreadableError, match=r"docker: the (answer|image) "):
        ask_registry("acme/app:1", tuple(find_tools()))


def test_only_configurations_are_asked_for(programs: Path) -> None:
    install(programs, "docker", ("imagetools", json.dumps(BUILDX)))
    ask_registry("acme/app:1", tuple(find_tools()))
    call = (programs / "calls").read_text().removeprefix(f"{programs}/")
    assert call == "docker buildx imagetools inspect --format {{json .}} acme/app:1\n"
