from __future__ import annotations

import pytest
from sample_manifests import COMPOSE, POD

from dockfix.edits import apply_edits
from dockfix.repository.manifest_edits import edit_manifest
from dockfix.repository.manifests import read_manifests


@pytest.mark.parametrize(
    ("path", "text", "changes"),
    [
        (
            "compose.yml",
            COMPOSE,
            [("user: root  #", "user: 10001:10001  #"), ("models:/root/.cache/", "models:/home/app/.cache/")],
        ),
        ("web.yaml", POD, [("/root/conf  #", "/home/app/conf  #"), ("runAsUser: 0", "runAsUser: 10001")]),
    ],
)
def test_edits_follow_the_user_and_leave_the_rest(
    path: str, text: str, changes: list[tuple[str, str]]
) -> None:
    expected = text
    for before, after in changes:
        expected = expected.replace(before, after)
    found = read_manifests([(path, text)])
    edits = edit_manifest(found, text, user="app", ids="10001:10001", home="/home/app")
    assert apply_edits(text, edits) == expected


@pytest.mark.parametrize(
    "written",
    [
        "user: &me root",
        "user: !!str root",
        "user: ${WHO:-root}",
        "volumes: [&one data:/root/x]",
        'volumes: ["data:/root/\\u0078"]',
        "volumes:\n      - >-\n        data:/root/x",
        "volumes:\n      - |\n        data:/root/x",
        "volumes: [data:/root/../etc]",
    ],
)
def test_what_does_not_stand_there_as_it_reads_stays(written: str) -> None:
    text = f"services:\n  web:\n    build: web\n    {written}\n"
    found = read_manifests([("compose.yml", text)])
    assert found[0].is_root or found[0].mounts
    assert edit_manifest(found, text, user="app", ids="", home="/home/app") == ()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (
            "compose.yml",
            "x-base: &base\n  user: root\n  volumes: [data:/root/x]\nservices:\n"
            "  web:\n    <<: *base\n    build: web\n  db:\n    <<: *base\n    image: redis\n",
        ),
        (
            "compose.yml",
            "services:\n  web:\n    build: web\n    volumes:\n      - &cache\n        source: a\n"
            "        target: /root/x\n  db:\n    image: redis\n    volumes:\n      - *cache\n",
        ),
        (
            "pod.yaml",
            "kind: Pod\nspec:\n  securityContext: {runAsUser: 0}\n"
            "  initContainers: [{image: busybox, name: a}]\n  containers: [{image: web, name: web}]\n",
        ),
    ],
)
def test_what_another_container_shares_stays(path: str, text: str) -> None:
    found = read_manifests([(path, text)])
    own = [one for one in found if one.name == "web"]
    others = [one for one in found if one.name != "web"]
    assert others
    assert edit_manifest(own, text, user="app", ids="1:1", home="/home/app") != ()
    assert edit_manifest(own, text, user="app", ids="1:1", home="/home/app", others=others) == ()


def test_without_numbers_compose_names_the_user_and_kubernetes_stays() -> None:
    texts = [
        apply_edits(
            text, edit_manifest(read_manifests([(path, text)]), text, user="app", ids="", home="/home/app")
        )
        for path, text in (("compose.yml", COMPOSE), ("web.yaml", POD))
    ]
    assert "user: app  #" in texts[0]
    assert "runAsUser: 0" in texts[1]
