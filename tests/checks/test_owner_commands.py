"""The one command that a message about a mount names, for a user and for every uid of group 0."""

from __future__ import annotations

import pytest

from dockfix import Changed, Options, fix
from dockfix.context import Context
from dockfix.repository.manifests import read_manifests

DOCKERFILE = 'FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nVOLUME /data\nCMD ["python", "main.py"]\n'
COMPOSE = 'services:\n  web:\n    build: .\n    volumes: ["{}"]\n'
GROUP = "-c 'chgrp -R 0 {0} && chmod -R g=u {0}'"


def helps(options: Options, volume: str) -> list[str]:
    """What the findings about mounts of a compose service say to do."""
    deployments = read_manifests([("compose.yaml", COMPOSE.format(volume))])
    result = fix(DOCKERFILE, options, Context(deployments=deployments))
    assert isinstance(result, Changed)
    found = (*result.reviews, *result.notes)
    return [one.help for one in found if one.code in ("existing-volumes", "manifest-mount")]


@pytest.mark.parametrize(
    ("options", "program", "words"),
    [
        (Options(), "chown", "-R appuser {0}"),
        (Options(user="web", uid=4000), "chown", "-R web {0}"),
        (Options(any_uid=True), "sh", GROUP),
    ],
)
@pytest.mark.parametrize(
    ("volume", "place", "before"),
    [
        ("store:/data", "/data", "once: "),
        ("cache:/root/.cache/models", "{home}/.cache/models", "mount it at {home}/.cache/models; once: "),
    ],
)
def test_a_service_gets_the_command_of_its_user(
    options: Options, program: str, words: str, volume: str, place: str, before: str
) -> None:
    home = f"/home/{options.user}"
    place, before = place.format(home=home), before.format(home=home)
    run = f"docker compose run --rm -u 0 --entrypoint {program} web {words.format(place)}"
    assert before + run in helps(options, volume)


@pytest.mark.parametrize(
    ("options", "program", "words"),
    [(Options(), "chown", "-R appuser {0}"), (Options(any_uid=True), "sh", GROUP)],
)
def test_a_volume_that_no_manifest_names_gets_one_too(options: Options, program: str, words: str) -> None:
    expected = f"once: docker run --rm -u 0 -v VOLUME:/data --entrypoint {program} IMAGE {words}"
    assert expected.format("/data") in helps(options, "./other:/other")
