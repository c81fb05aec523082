from __future__ import annotations

import pytest

from dockfix.edits import apply_edits
from dockfix.repository.contradictions import edit_manifest, find_contradictions
from dockfix.repository.manifests import Deployment, can_be_manifest, read_manifests

COMPOSE = """\
x-common: &common
  user: root  # for now
services:
  web:
    <<: *common
    build: ./web
    ports: ["80:8000", "${PORT:-443}:443/tcp"]
    volumes:
      - ./data:/srv/data   # uploads
      - models:/root/.cache/huggingface
      - type: bind
        source: /etc/web
        target: /etc/web
        read_only: true
    read_only: true
    command: uvicorn main:app --port 8000
  job:
    build:
      context: .
      dockerfile: docker/job.Dockerfile
    user: "${UID:-1000}"
    privileged: yes
  db:
    image: postgres:16
"""

POD = """\
apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      securityContext:
        runAsNonRoot: true
      containers:
        - name: web
          image: registry.example/team/web:1.2
          ports:
            - containerPort: 80
          volumeMounts:
            - {name: data, mountPath: /srv/data}
            - name: conf
              mountPath: /root/conf  # settings
        - name: sidecar
          image: other
          securityContext: {runAsUser: 0, readOnlyRootFilesystem: true}
      volumes:
        - name: data
          persistentVolumeClaim: {claimName: data}
        - name: conf
          configMap: {name: conf}
"""


def by_name(path: str, text: str) -> dict[str, Deployment]:
    return {one.name: one for one in read_manifests([(path, text)])}


def test_a_compose_service_is_read_with_its_lines() -> None:
    services = by_name("deploy/compose.yml", COMPOSE)
    web, job, db = services["web"], services["job"], services["db"]
    assert web.dockerfile == "deploy/web/Dockerfile"
    assert web.user is not None
    assert (web.user.value, web.user.line, web.is_root) == ("root", 2, True)
    assert [(port.value, port.line) for port in web.ports] == [("8000", 7), ("443", 7)]
    assert [(one.target.value, one.source, one.is_bind, one.read_only) for one in web.mounts] == [
        ("/srv/data", "./data", True, False),
        ("/root/.cache/huggingface", "models", False, False),
        ("/etc/web", "/etc/web", True, True),
    ]
    assert web.command == ("uvicorn", "main:app", "--port", "8000")
    assert (job.dockerfile, job.is_root, job.privileged is not None) == (
        "deploy/docker/job.Dockerfile",
        False,
        True,
    )
    assert (db.dockerfile, db.image) == ("", "postgres:16")


def test_a_pod_is_read_with_what_it_gives_its_containers() -> None:
    containers = by_name("k8s/web.yaml", POD)
    web, sidecar = containers["web"], containers["sidecar"]
    assert (web.needs_number, web.is_root, [port.value for port in web.ports]) == (True, False, ["80"])
    assert [(one.target.value, one.read_only) for one in web.mounts] == [
        ("/srv/data", False),
        ("/root/conf", True),
    ]
    assert (sidecar.is_root, sidecar.needs_number, sidecar.read_only is not None) == (True, False, True)


@pytest.mark.parametrize(
    ("image", "dockerfile", "expected"),
    [
        ("registry.example/team/web:1.2", "services/web/Dockerfile", True),
        ("web@sha256:1", "web/docker/Dockerfile", True),
        ("web", "web.Dockerfile", True),
        ("web", "docker/Dockerfile.web", True),
        ("web", "services/api/Dockerfile", False),
        ("", "Dockerfile", False),
    ],
)
def test_an_image_is_matched_to_its_dockerfile_by_name(image: str, dockerfile: str, expected: bool) -> None:
    assert Deployment("a.yaml", 1, "kubernetes", "x", image).runs(dockerfile) is expected


def test_helm_values_say_whom_the_chart_runs_as() -> None:
    text = "web:\n  image:\n    repository: team/web\n  podSecurityContext:\n    runAsNonRoot: true\n"
    (one,) = read_manifests([("chart/values.yaml", text)])
    assert (one.kind, one.image, one.needs_number) == ("helm", "team/web", True)


def test_a_dev_container_names_its_dockerfile() -> None:
    text = (
        '{\n  // comment\n  "build": {"dockerfile": "../Dockerfile", /* x */},\n  "remoteUser": "root",\n}\n'
    )
    (one,) = read_manifests([(".devcontainer/devcontainer.json", text)])
    assert (one.kind, one.dockerfile, one.line, one.is_root) == ("devcontainer", "Dockerfile", 3, True)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("compose.yml", "services: [\n"),
        ("compose.yml", "services:\n"),
        ("templates/web.yaml", "{{- if .Values.a }}\ncontainers:\n{{- end }}\n"),
        ("devcontainer.json", "{"),
        ("devcontainer.json", "[]"),
        ("a.yaml", "containers: 3\nsecurityContext: 4\n"),
        ("ci.yml", "on: push\n"),
        ("compose.yml", "services:\n  web: 3\n"),
    ],
)
def test_what_is_no_manifest_says_nothing(path: str, text: str) -> None:
    assert read_manifests([(path, text)]) == ()


def test_contradictions_are_said_once_with_file_and_line() -> None:
    web = by_name("compose.yml", COMPOSE)["web"]
    pod = by_name("web.yaml", POD)["web"]
    found = find_contradictions(
        [web, pod, web], user="app", home="/home/app", written=("/srv/data", "/var/log/web")
    )
    assert [(one.code, one.message.split(" ")[0]) for one in found] == [
        ("manifest-user", "compose.yml:2"),
        ("existing-volumes", "compose.yml:9"),
        ("manifest-mount", "compose.yml:10"),
        ("manifest-read-only", "compose.yml:15"),
        ("named-user", "web.yaml:7"),
        ("low-port", "web.yaml:12"),
        ("manifest-group", "web.yaml:14"),
        ("manifest-mount", "web.yaml:16"),
    ]


def test_a_numeric_user_passes_run_as_non_root() -> None:
    pod = by_name("web.yaml", POD)["web"]
    codes = [one.code for one in find_contradictions([pod], user="10001:10001", home="/home/app")]
    assert "named-user" not in codes


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
        "volumes: [&one a:/root/x]",
        'volumes: ["a:/root/\\u0078"]',
        "volumes:\n      - >-\n        a:/root/x",
        "volumes:\n      - |\n        a:/root/x",
        "volumes: [a:/root/../etc]",
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
            "x-base: &base\n  user: root\n  volumes: [a:/root/x]\nservices:\n"
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


def test_kinds_of_files() -> None:
    names = ["compose.yml", "a/values.yaml", ".devcontainer/devcontainer.json", "package.json", "a.py"]
    assert [can_be_manifest(name) for name in names] == [True, True, True, False, False]
