"""What Home Assistant's Supervisor mounts into the image of an add-on."""

from __future__ import annotations

import pytest

from dockfix.context import Mount
from dockfix.repository.manifests import read_manifests

ADD_ON = "slug: tides\nversion: '1'\narch: [amd64]\n"


def mounts(text: str, name: str = "tides/config.yaml") -> list[Mount]:
    return list(read_manifests([(name, text)])[0].mounts)


def test_the_own_folder_has_the_options() -> None:
    (own,) = mounts(ADD_ON)
    assert (own.target.value, own.target.line) == ("/data", 1)
    assert own.is_private
    assert not own.takes_owner


@pytest.mark.parametrize(
    ("row", "place", "read_only"),
    [
        ("share", "/share", True),
        ("share:rw", "/share", False),
        ("ssl:ro", "/ssl", True),
        ("config:rw", "/config", False),
        ("addon_config:rw", "/config", False),
        ("all_addon_configs:rw", "/addon_configs", False),
        ("{type: homeassistant_config, read_only: false}", "/homeassistant", False),
        ("{type: media}", "/media", True),
        ("{type: backup, read_only: False, path: /kept}", "/kept", False),
    ],
)
def test_folders_of_map(row: str, place: str, read_only: bool) -> None:
    found = mounts(f"{ADD_ON}map:\n  - {row}\n")[0]
    assert (found.target.value, found.target.line, found.read_only) == (place, 5, read_only)
    assert found.is_bare


def test_what_maps_no_known_folder() -> None:
    assert len(mounts(f"{ADD_ON}map: [elsewhere, {{}}, 3]\n")) == 1


def test_images_of_each_architecture() -> None:
    text = "slug: t\nversion: '1'\narch: [amd64, armv7]\nimage: ghcr.io/x/{arch}-t\n"
    found = read_manifests([("a/config.yml", text)])
    assert [one.dockerfile for one in found if one.dockerfile] == [
        "a/Dockerfile",
        "a/Dockerfile.amd64",
        "a/Dockerfile.armv7",
    ]
    assert [one.image for one in found if one.image] == ["ghcr.io/x/amd64-t", "ghcr.io/x/armv7-t"]


@pytest.mark.parametrize(
    "text", ["version: '1'\narch: [amd64]\n", "slug: t\nversion: '1'\n", "- slug\n", "slug: [\n", ""]
)
def test_configuration_of_another_kind(text: str) -> None:
    assert read_manifests([("config.yaml", text)]) == ()
    assert read_manifests([("config.json", text)]) == ()
