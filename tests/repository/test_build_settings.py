"""Dockerfiles named by platform settings and by calls in code."""

from __future__ import annotations

import pytest

from dockfix.repository.builds import find_builds
from dockfix.repository.manifests import read_manifests

CDK = 'new DockerImageAsset(this, "x", { directory: %s, file: "x-dockerfile", target: "run" });\n'


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("fly.toml", '[build]\ndockerfile = "deploy/web"\n', [("deploy/web", "", "")]),
        (
            "api/fly.staging.toml",
            '[build]\ndockerfile = "Web"\nbuild-target = "prod"\n',
            [("api/Web", "api", "prod")],
        ),
        ("railway.json", '{"build": {"dockerfilePath": "x/Web"}}', [("x/Web", "", "")]),
        ("railway.toml", '[build]\ndockerfilePath = "x/Web"\n', [("x/Web", "", "")]),
        (
            "render.yaml",
            "services:\n  - {dockerfilePath: ./api/Web, dockerContext: ./api}\n  - {type: pserv}\n",
            [("api/Web", "api", "")],
        ),
        ("heroku.yml", "build:\n  docker:\n    web: web/Web\n", [("web/Web", "web", "")]),
        ("lib/x-stack.ts", CDK % "__dirname", [("lib/x-dockerfile", "lib", "run")]),
        ("lib/stack.ts", CDK % 'path.join(__dirname, "../api")', [("api/x-dockerfile", "api", "run")]),
        (
            "lib/stack.ts",
            CDK % '"api"',
            [("api/x-dockerfile", "api", "run"), ("lib/api/x-dockerfile", "lib/api", "run")],
        ),
        (
            "lib/stack.ts",
            'ecs.ContainerImage.fromAsset(path.join(__dirname, "api"), { file: "Web", });',
            [("lib/api/Web", "lib/api", "")],
        ),
        (
            "stack.py",
            'image = ecs.ContainerImage.from_asset("./api", file="Web")\n',
            [("api/Web", "api", "")],
        ),
        ("stack.py", 'client.images.build(path="api", dockerfile="Web")\n', [("api/Web", "api", "")]),
        ("stack.py", 'Code.from_image_asset("./api", target="run")\n', [("api/Dockerfile", "api", "run")]),
        ("lib/stack.ts", CDK % "`${root}/api`", [("$/api/x-dockerfile", "$/api", "run")]),
        ("lib/stack.ts", CDK % "somewhere", [("$/x-dockerfile", "$", "run")]),
        ("lib/stack.ts", CDK % "path.join(__dirname, props.place)", [("$/x-dockerfile", "$", "run")]),
        (
            "lib/stack.ts",
            'new DockerImageAsset(this, "A", { directory: ".", file: props.file, target });',
            [("$", "", "$"), ("lib/$", "lib", "$")],
        ),
        ("lib/stack.ts", "ecs.ContainerImage.fromAsset(props.place)", [("$/Dockerfile", "$", "")]),
        ("lib/stack.ts", "lambda.Code.fromAsset(props.place)", []),
        ("stack.py", "client.images.build(path=place, target=stage)", [("$/Dockerfile", "$", "$")]),
        ("stack.py", "client.images.build(fileobj=data)", []),
        (
            ".devcontainer/devcontainer.json",
            '{ // ours\n"build": {"dockerfile": "../Dockerfile", "context": "..", "target": "${T}",},}',
            [("Dockerfile", "", "$")],
        ),
        (
            ".devcontainer/devcontainer.json",
            '{"dockerFile": "Dockerfile", "context": ".."}',
            [(".devcontainer/Dockerfile", "", "")],
        ),
        (".devcontainer/devcontainer.json", '{"image": "python"}', []),
        ("fly.toml", "[build\ndockerfile = 1\n", []),
    ],
)
def test_what_they_name(name: str, text: str, found: list[tuple[str, str, str]]) -> None:
    builds = find_builds(name, text)
    assert [(one.dockerfile, one.context, one.target) for one in builds] == found


CODE = """
from pathlib import Path

HERE = Path(__file__).parent
BELOW = HERE.parent / "apps"
TWICE = HERE
TWICE = BELOW
"""


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ('images.build(path=str(BELOW / "web"))', [("apps/web/Dockerfile", "apps/web")]),
        ('images.build(path=BELOW.joinpath("web").as_posix())', [("apps/web/Dockerfile", "apps/web")]),
        ('images.build(path=str(Path(__file__).resolve().parents[1]))', [("Dockerfile", "")]),
        ('images.build(path=f"{HERE}/web", dockerfile="x/Web")', [("infra/web/x/Web", "infra/web")]),
        ('images.build(path=str(HERE) + "/web")', [("infra/web/Dockerfile", "infra/web")]),
        ('images.build(path="web")', [("web/Dockerfile", "web"), ("infra/web/Dockerfile", "infra/web")]),
        ('images.build(path=str(TWICE / "web"))', [("$/Dockerfile", "$")]),
        ('images.build(path=f"a/{b}")', [("a/$/Dockerfile", "a/$"), ("infra/a/$/Dockerfile", "infra/a/$")]),
        ('images.build(path=str(HERE / ".." / ".." / "web"))', []),
        ('lambda_.Code.from_asset("web")', []),
        ('ContainerImage.from_asset("/srv/web")', []),
        ('Code.from_docker_build(BELOW)', [("apps/Dockerfile", "apps")]),
    ],
)  # fmt: skip
def test_paths_in_python_code_are_evaluated(call: str, expected: list[tuple[str, str]]) -> None:
    found = find_builds("infra/build.py", f"{CODE}{call}\n")
    assert [(one.dockerfile, one.context) for one in found] == expected


def test_images_that_code_in_typescript_only_copies_from_are_not_started() -> None:
    text = 'const a = 1;\nlambda.Code.fromDockerBuild(path.join(__dirname, "layer"), { file: "Geo" });\n'
    (one,) = read_manifests([("lib/stack.ts", text)])
    assert (one.place, one.kind, one.dockerfile) == ("lib/stack.ts:2", "copy", "lib/layer/Geo")
