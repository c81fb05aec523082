"""The configuration of an image, as an engine or a registry shows it."""

from __future__ import annotations

import pytest
from base_facts import DIGEST, image

from dockfix.inspection.configuration import UnreadableError, read_configuration, read_json

CONFIG = {
    "User": "app",
    "WorkingDir": "/srv",
    "Env": ["PATH=/bin", "EMPTY=", "API_TOKEN=abc", "GPG_KEY=1", "http_proxy=http://me:secret@proxy", "odd"],
    "Volumes": {"/b": {}, "/a": {}},
    "ExposedPorts": {"80/tcp": {}},
    "Entrypoint": ["/entry"],
    "Cmd": "serve",
    "Shell": ["/bin/bash", "-c"],
    "OnBuild": ["COPY . /srv"],
}


def test_every_setting_arrives_without_secrets() -> None:
    assert read_configuration(CONFIG, DIGEST) == image(
        user="app",
        workdir="/srv",
        env={"PATH": "/bin", "EMPTY": ""},
        volumes=("/a", "/b"),
        ports=("80/tcp",),
        entrypoint=("/entry",),
        command=("serve",),
        shell=("/bin/bash", "-c"),
        onbuild=("COPY . /srv",),
    )


def test_an_image_without_settings() -> None:
    assert read_configuration({"Env": None, "Cmd": None, "Volumes": None}, DIGEST) == image()


@pytest.mark.parametrize(
    "config",
    [None, [], {"User": 1}, {"User": "a\nb"}, {"Cmd": [1]}, {"Volumes": {"../x": {}}}, {"Cmd": ["x" * 5000]}],
)
def test_what_cannot_be_recorded_is_an_error(config: object) -> None:
    with pytest.raises(UnreadableError):
        read_configuration(config, DIGEST)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000])
def test_what_is_no_json_is_an_error(text: str) -> None:
    with pytest.raises(UnreadableError, match="not JSON"):
        read_json(text)
