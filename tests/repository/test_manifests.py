from __future__ import annotations

import pytest
from sample_manifests import COMPOSE, POD, by_name

from dockfix.context import ACTION
from dockfix.repository.manifests import can_be_manifest, read_manifests, split_manifest


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


def test_a_volume_of_two_images_is_shared() -> None:
    text = (
        "services:\n"
        "  web: {build: web, volumes: ['files:/files', 'own:/own', 'mine:/mine', './a:/a']}\n"
        "  worker: {build: web, volumes: ['files:/files', 'mine:/mine']}\n"
        "  thumbs:\n"
        "    build: thumbs\n"
        "    volumes: [{type: volume, source: files, target: /in}, 'own:/own:ro', './a:/a']\n"
        "  proxy: {image: nginx, volumes: ['mine:/mine']}\n"
    )
    services = by_name("compose.yaml", text)
    shared = {name: [one.source for one in services[name].mounts if one.is_shared] for name in services}
    assert shared == {"web": ["files"], "worker": ["files"], "thumbs": ["files", "own"], "proxy": ["mine"]}


def test_a_pod_is_read_with_what_it_gives_its_containers() -> None:
    containers = by_name("k8s/web.yaml", POD)
    web, sidecar = containers["web"], containers["sidecar"]
    assert (web.needs_number, web.is_root, [port.value for port in web.ports]) == (True, False, ["80"])
    assert [(one.target.value, one.read_only) for one in web.mounts] == [
        ("/srv/data", False),
        ("/root/conf", True),
    ]
    assert (sidecar.is_root, sidecar.needs_number, sidecar.read_only is not None) == (True, False, True)


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


def test_hooks_of_a_dev_container_run_as_its_user() -> None:
    text = (
        '{"build": {"dockerfile": "Dockerfile"}, "postCreateCommand": "pip install -e .",'
        ' "postStartCommand": {"a": ["touch", "/a"], "b": "touch /b"}}'
    )
    (one,) = read_manifests([(".devcontainer/devcontainer.json", text)])
    assert one.checks == (
        ("/bin/sh", "-c", "pip install -e ."),
        ("touch", "/a"),
        ("/bin/sh", "-c", "touch /b"),
    )


def test_hooks_of_a_service_run_as_its_user() -> None:
    text = (
        "services:\n  web:\n    build: .\n"
        "    post_start:\n      - command: chown a /a\n        user: root\n      - command: [touch, /a]\n"
        "    pre_stop:\n      - command: touch /b\n"
    )
    (one,) = read_manifests([("compose.yml", text)])
    assert one.checks == (("touch", "/a"), ("touch", "/b"))


@pytest.mark.parametrize(
    ("image", "dockerfile", "name"),
    [
        ("Dockerfile", ".github/actions/x/Dockerfile", ""),
        ("../../../docker/x.Dockerfile", "docker/x.Dockerfile", ""),
        ("docker://ghcr.io/shop/x:v1", "", "ghcr.io/shop/x:v1"),
    ],
)
def test_a_docker_action_names_its_image(image: str, dockerfile: str, name: str) -> None:
    text = f"name: x\nruns:\n  using: docker\n  image: {image}\n"
    (one,) = read_manifests([(".github/actions/x/action.yml", text)])
    assert (one.kind, one.dockerfile, one.image, one.line) == (ACTION, dockerfile, name, 4)


def test_steps_of_workflows_run_images() -> None:
    text = (
        "kind: Workflow\nspec:\n  templates:\n"
        "    - container: {image: shop/a, command: [sh, -c], args: ['touch /a']}\n"
        "    - script:\n        image: shop/b\n        command: [bash]\n        source: touch /b\n"
        "---\nkind: Task\nspec:\n  steps:\n    - image: shop/c\n      script: touch /c\n"
    )
    found = read_manifests([("flow.yaml", text)])
    assert [(one.image, one.entrypoint, one.command) for one in found] == [
        ("shop/a", ("sh", "-c"), ("touch /a",)),
        ("shop/b", ("bash", "-c", "touch /b"), ()),
        ("shop/c", ("sh", "-c", "touch /c"), ()),
    ]


def test_other_actions_run_no_image() -> None:
    text = "runs:\n  using: composite\n  steps: [{run: docker build -t image .}]\n"
    assert read_manifests([("action.yml", text)]) == ()


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
def test_what_is_not_a_manifest_has_no_deployments(path: str, text: str) -> None:
    assert read_manifests([(path, text)]) == ()


def test_kinds_of_files() -> None:
    names = ["compose.yml", "a/values.yaml", ".devcontainer/devcontainer.json", "package.json", "a.json"]
    assert [can_be_manifest(name) for name in names] == [True, True, True, True, False]


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("package.json", '{\n"scripts": {\n"start": "docker run --rm acme/api serve"}}', 3),
        ("tox.ini", "[testenv]\ncommands =\n  docker run --rm -v {toxinidir}:/src acme/api serve\n", 3),
        ("Jenkinsfile", "node {\n  sh 'docker run --rm acme/api serve'\n}\n", 2),
        (
            ".github/actions/try/action.yml",
            "runs:\n  using: composite\n  steps:\n    - run: docker run --rm acme/api serve\n",
            4,
        ),
    ],
)
def test_images_are_run_by_what_holds_scripts(path: str, text: str, line: int) -> None:
    (found,) = read_manifests([(path, text)])
    assert (found.image, found.command, found.line) == ("acme/api", ("serve",), line)


FIRST, SECOND = "spec:\n  containers: [{name: a}]\n---\n", "spec:\n  containers: [{name: b}]\n"
TWO = f"kind: A\n---\n{FIRST}{SECOND}"


@pytest.mark.parametrize(
    ("path", "text", "parts"),
    [
        (
            "k8s/web.yaml",
            TWO,
            [FIRST, SECOND],
        ),
        ("compose.yml", "services:\n  a:\n    image: x\n", ["services:\n  a:\n    image: x\n"]),
        # What is not parsed by parts: a template is rendered, and settings and scripts are read as a whole.
        ("chart/templates/web.yaml", TWO + "{{ .Values.x }}\n", []),
        ("fly.toml", "[processes]\nweb = 'a'\n", []),
        (".github/workflows/x.yml", TWO, []),
    ],
)
def test_a_manifest_is_split_into_the_parts_that_are_parsed(path: str, text: str, parts: list[str]) -> None:
    found = list(split_manifest(path, text))
    assert [part.text for part in found] == parts
    assert all(text.startswith(part.text, part.start) for part in found)
    assert [part.line for part in found] == [text.count("\n", 0, part.start) for part in found]
