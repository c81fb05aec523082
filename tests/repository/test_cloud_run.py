"""The starts and mounts that Google Cloud Run gives an image."""

from __future__ import annotations

import pytest

from dockfix.context import Deployment
from dockfix.repository.manifests import read_manifests

MOUNT = "--add-volume-mount=volume=v,mount-path=/mnt/v"


def read(line: str, path: str = "deploy.sh") -> tuple[Deployment, ...]:
    return read_manifests([(path, line)])


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ("type=cloud-storage,bucket=b", "bare"),
        ("type=cloud-storage,bucket=b,mount-options='implicit-dirs;uid=1000'", "open"),
        ("type=cloud-storage,bucket=b,mount-options='dir-mode=777'", "open"),
        ("type=cloud-storage,bucket=b,mount-options='uid=0;dir-mode=755'", "bare"),
        ("type=in-memory,size-limit=64Mi", "bare"),
        ("type=nfs,location=10.0.0.2:/exports/v", "/exports/v"),
        ("type=cloud-storage,bucket=b,readonly=true", "none"),
        ("type=secret,secret=s", "none"),
    ],
)
def test_who_owns_a_volume(volume: str, expected: str) -> None:
    (found,) = read(f"gcloud run deploy web --image=web --add-volume=name=v,{volume} {MOUNT}")
    kinds = [
        mount.source or ("open" if mount.is_open else "bare" if mount.is_bare else "")
        for mount in found.mounts
    ]
    assert kinds == ([] if expected == "none" else [expected])


def test_a_volume_that_an_earlier_command_added() -> None:
    (found,) = read(f"gcloud run services update web --image web {MOUNT}")
    assert [(mount.target.value, mount.is_bare) for mount in found.mounts] == [("/mnt/v", True)]


def test_the_start_of_a_container() -> None:
    (found,) = read(
        "gcloud beta run jobs deploy nightly --image web:1 --command=python --args=^:^-m:jobs \\\n"
        "  --set-env-vars=A=b,C=d --quiet --port 80\n"
    )
    assert (found.kind, found.image, found.line) == ("cloud run", "web:1", 1)
    assert (found.entrypoint, found.command) == (("python",), ("-m", "jobs"))
    assert found.environment == (("PORT", "80"), ("A", "b"), ("C", "d"))
    assert [port.value for port in found.ports] == ["80"]


def test_containers_beside_each_other() -> None:
    web, proxy = read(
        f"gcloud run deploy shop --container web --image web {MOUNT} --container proxy --image proxy"
        " --add-volume=name=v,type=in-memory"
    )
    assert (web.name, web.image, len(web.mounts)) == ("web", "web", 1)
    assert (proxy.name, proxy.image, proxy.mounts) == ("proxy", "proxy", ())


@pytest.mark.parametrize(
    ("path", "line", "expected"),
    [
        (".github/workflows/ship.yml", "gcloud run deploy --source . web", ["Dockerfile"]),
        ("ship/run.sh", "gcloud run deploy web --source=api", ["ship/api/Dockerfile", "api/Dockerfile"]),
        ("run.sh", "cd api && gcloud run deploy web --source .", ["api/Dockerfile"]),
        ("run.sh", "gcloud run services describe web", []),
        ("run.sh", "gcloud run deploy web", []),
    ],
)
def test_what_a_source_folder_names(path: str, line: str, expected: list[str]) -> None:
    assert [one.dockerfile for one in read(line, path)] == expected


WORKFLOW = """\
on: push
jobs:
  ship:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: google-github-actions/deploy-cloudrun@v2
        with:
          service: web
          image: europe-docker.pkg.dev/${{ vars.PROJECT }}/shop/web:${{ github.sha }}
          env_vars: |
            STATE=/mnt/v
            MODE=fast
          flags: >-
            --port=8080 --add-volume=name=v,type=cloud-storage,bucket=b
            --add-volume-mount=volume=v,mount-path=/mnt/v
"""


def test_the_action_of_a_workflow() -> None:
    (found,) = read(WORKFLOW, ".github/workflows/ship.yml")
    assert (found.line, found.image) == (7, "$/web")
    assert found.environment == (("PORT", "8080"), ("STATE", "/mnt/v"), ("MODE", "fast"))
    assert [(mount.target.value, mount.is_bare) for mount in found.mounts] == [("/mnt/v", True)]


def test_an_action_that_deploys_a_folder() -> None:
    text = WORKFLOW.replace("image: europe-docker.pkg.dev/${{ vars.PROJECT }}/shop/web", "source: ./web #")
    assert [one.dockerfile for one in read(text, ".github/workflows/ship.yml")] == ["web/Dockerfile"]


SERVICE = """\
apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  annotations: {{run.googleapis.com/launch-stage: BETA}}
spec:
  template:
    spec:
      containers:
        - image: web
          volumeMounts: [{{name: v, mountPath: /mnt/v}}]
      volumes: [{{name: v, {volume}}}]
"""


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ("emptyDir: {medium: Memory}", (False, True, False, "")),
        ("csi: {driver: gcsfuse.run.googleapis.com}", (False, True, False, "")),
        ("csi: {driver: gcsfuse.run.googleapis.com, readOnly: true}", (True, True, False, "")),
        ("csi: {volumeAttributes: {mountOptions: 'uid=1000,gid=1000'}}", (False, False, True, "")),
        ("nfs: {server: 10.0.0.2, path: /exports}", (False, False, False, "/exports")),
        ("secret: {secretName: s}", (True, False, False, "")),
    ],
)
def test_volumes_of_a_service_in_a_file(volume: str, expected: tuple[bool, bool, bool, str]) -> None:
    (found,) = read(SERVICE.format(volume=volume), "service.yaml")
    (mount,) = found.mounts
    assert (mount.read_only, mount.is_bare, mount.is_open, mount.source) == expected
