"""Dockerfiles named by platform settings and by calls in code."""

from __future__ import annotations

import pytest

from dockfix.repository.builds import find_builds

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
