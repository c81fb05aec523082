"""Read-only root file systems in compose files and Kubernetes manifests."""

from __future__ import annotations

import pytest

from dockfix.repository.manifests import read_manifests
from dockfix.repository.read_only_edits import make_read_only
from dockfix.writable import Content, Purpose, Writable

TMP = Writable("/tmp", Purpose.TEMPORARY, stands=True)
STATE = Writable("/app/state", Purpose.DATA)
UPLOADS = Writable("/app/uploads", Purpose.DATA, stands=True)
SEEDS = Writable("/app/seeds", Purpose.DATA, stands=True, content=Content.FILES)
PROGRAM = Writable("/app", Purpose.DATA, stands=True, content=Content.PROGRAM)


def edited(text: str, *writable: Writable, path: str = "compose.yaml", at: int = 0) -> str:
    return make_read_only(text, read_manifests([(path, text)])[at], writable)


SERVICE = "services:\n  web:\n    build: web\n"


def test_service_gets_the_setting_and_the_mounts() -> None:
    assert edited(SERVICE + "\n  db:\n    image: db\n", TMP, STATE, UPLOADS) == (
        SERVICE + "    read_only: true\n    tmpfs:\n      - /tmp\n      - /app/state:mode=1777\n"
        "    volumes:\n      - /app/uploads\n\n  db:\n    image: db\n"
    )


def test_lists_of_the_service_are_extended_in_their_style() -> None:
    text = (
        SERVICE
        + "    tmpfs:\n    - /run  # for sockets\n    volumes:\n    - data:/app/seeds\n    user: app  # app\n"
    )
    assert edited(text, TMP, UPLOADS, SEEDS) == (
        SERVICE + "    tmpfs:\n    - /run  # for sockets\n    - /tmp\n    volumes:\n    - data:/app/seeds\n"
        "    - /app/uploads\n    user: app  # app\n    read_only: true\n"
    )


def test_setting_that_is_off_is_switched_on_and_mounts_that_are_there_stay() -> None:
    text = SERVICE + "    read_only: false\n    tmpfs: /tmp\n"
    assert edited(text, TMP) == SERVICE + "    read_only: true\n    tmpfs: /tmp\n"


def test_last_line_without_an_end_and_windows_line_ends() -> None:
    assert edited(SERVICE.rstrip("\n"), TMP) == SERVICE + "    read_only: true\n    tmpfs:\n      - /tmp\n"
    windows = SERVICE.replace("\n", "\r\n")
    assert edited(windows, TMP) == windows + "    read_only: true\r\n    tmpfs:\r\n      - /tmp\r\n"


def test_last_word_is_a_block_of_text() -> None:
    text = SERVICE + "    command: |\n      a\n      b\n"
    assert edited(text, TMP) == text + "    read_only: true\n    tmpfs:\n      - /tmp\n"


@pytest.mark.parametrize(
    "text",
    [
        "services:\n  web: {build: web}\n",
        SERVICE + "    tmpfs: [/run]\n",
        SERVICE + "    tmpfs: /run\n",
        SERVICE + "    privileged: true\n",
        SERVICE + "    read_only: ${READ_ONLY:-false}\n",
        "x-all: &all\n  user: app\nservices:\n  web:\n    <<: *all\n    build: web\n",
        "x-all: &all [a:/b]\nservices:\n  web:\n    build: web\n    volumes: *all\n",
    ],
)
def test_unusual_layouts_and_privileged_services_stay(text: str) -> None:
    assert edited(text, TMP) == text


def test_program_that_a_volume_would_keep_is_not_covered() -> None:
    assert edited(SERVICE, TMP, PROGRAM) == SERVICE
    assert "- /app/seeds\n" in edited(SERVICE, SEEDS)
    mounted = SERVICE + "    volumes:\n      - .:/app\n"
    assert edited(mounted, PROGRAM) == mounted + "    read_only: true\n"


POD = """\
kind: Pod
spec:
  containers:
    - name: web
      image: web
      securityContext:
        runAsNonRoot: true
    - name: log
      image: log
"""


def test_container_gets_the_setting_and_volumes_of_its_own() -> None:
    assert edited(POD, TMP, STATE, path="pod.yaml") == POD.replace(
        "        runAsNonRoot: true\n",
        "        runAsNonRoot: true\n        readOnlyRootFilesystem: true\n      volumeMounts:\n"
        "        - name: web-tmp\n          mountPath: /tmp\n"
        "        - name: web-app-state\n          mountPath: /app/state\n",
    ) + (
        "  volumes:\n    - name: web-tmp\n      emptyDir: {}\n    - name: web-app-state\n      emptyDir: {}\n"
    )


def test_volumes_of_the_pod_are_extended() -> None:
    text = (
        "spec:\n  volumes:\n  - name: tmp\n    emptyDir: {}\n  containers:\n  - name: web\n    image: web\n"
        "    command: [a]\n    securityContext:\n      readOnlyRootFilesystem: false\n"
    )
    assert edited(text, TMP, path="pod.yaml") == (
        "spec:\n  volumes:\n  - name: tmp\n    emptyDir: {}\n  - name: tmp-writable\n    emptyDir: {}\n"
        "  containers:\n  - name: web\n    image: web\n    command: [a]\n    securityContext:\n"
        "      readOnlyRootFilesystem: true\n    volumeMounts:\n      - name: tmp-writable\n"
        "        mountPath: /tmp\n"
    )


def test_files_that_an_empty_directory_would_hide_stay() -> None:
    assert edited(POD, SEEDS, path="pod.yaml") == POD
