from __future__ import annotations

import pytest

from dockfix.files.candidates import Build
from dockfix.repository.arguments import UNKNOWN
from dockfix.repository.builds import find_builds, reads_builds
from dockfix.repository.image_names import image_names

COMPOSE = """
x-common: &common
  restart: always
services:
  web:
    <<: *common
    image: registry.example.org:5000/acme/web:${TAG:-latest}
    build:
      context: ./web
      dockerfile: ../docker/web.txt
      target: runtime
      additional_contexts:
        base: service:base
        src: ./src
  base:
    build: base
    image: acme/base
  inline:
    build:
      dockerfile_inline: FROM scratch
  remote:
    build: https://github.com/acme/x.git#main
  unknown:
    build:
      context: ${DIR}
  pulled:
    image: redis
"""
BAKE_HCL = """
# comment with target "no" {
variable "TAG" { default = "latest" }
target "_common" {
  context = "src"
  args = { A = "1", B = "${TAG}" }
}
target "app" {
  inherits = ["_common"]
  dockerfile = "docker/App.Dockerfile"
  target = "prod"
  tags = ["acme/app:${TAG}", "ghcr.io/acme/app"]
  contexts = { base = "target:base" }
}
target "base" {
  context = "."
}
"""
BAKE_JSON = '{"target": {"app": {"context": "api", "tags": ["acme/api:1"]}}}'
SKAFFOLD = """
apiVersion: skaffold/v4beta6
build:
  artifacts:
    - image: acme/worker
      context: worker
      docker: {dockerfile: Dockerfile.prod, target: run}
    - image: acme/plain
"""
WORKFLOW = """
on: push
jobs:
  build:
    steps:
      - uses: docker/build-push-action@v6
        with:
          context: ./api
          file: ./api/deploy/Dockerfile
          target: final
          tags: |
            ghcr.io/acme/api:${{ github.sha }}
            ghcr.io/${{ github.repository }}:latest
      - uses: docker/build-push-action@v6
        with: {context: "{{defaultContext}}:sub"}
      - run: |
          docker buildx build --push -f jobs/build.txt \\
            -t acme/jobs:$TAG --build-arg X=1 . && echo done
"""
SCRIPT = "set -e\ndocker build -t acme/tool --target=run ../tool\nexit\n"

CASES = {
    "compose": (
        "deploy/docker-compose.yml",
        COMPOSE,
        [
            Build(
                "",
                "deploy/docker/web.txt",
                "deploy/web",
                "runtime",
                ("registry.example.org:5000/acme/web",),
                "web",
                (("base", "base"),),
            ),
            Build("", "deploy/base/Dockerfile", "deploy/base", "", ("acme/base",), "base"),
            Build("", f"{UNKNOWN}/Dockerfile", UNKNOWN, name="unknown"),
        ],
    ),
    "bake in HCL": (
        "docker-bake.hcl",
        BAKE_HCL,
        [
            Build("", "src/Dockerfile", "src", name="_common"),
            Build(
                "",
                "src/docker/App.Dockerfile",
                "src",
                "prod",
                ("acme/app", "ghcr.io/acme/app"),
                "app",
                (("base", "base"),),
            ),
            Build("", "Dockerfile", "", name="base"),
        ],
    ),
    "bake in JSON, run beside itself or at the top": (
        "x/docker-bake.json",
        BAKE_JSON,
        [
            Build("", "x/api/Dockerfile", "x/api", "", ("acme/api",), "app"),
            Build("", "api/Dockerfile", "api", "", ("acme/api",), "app"),
        ],
    ),
    "skaffold": (
        "skaffold.yaml",
        SKAFFOLD,
        [
            Build("", "worker/Dockerfile.prod", "worker", "run", ("acme/worker",)),
            Build("", "Dockerfile", "", "", ("acme/plain",)),
        ],
    ),
    "workflow": (
        ".github/workflows/ci.yml",
        WORKFLOW,
        [
            Build("", "api/deploy/Dockerfile", "api", "final", ("ghcr.io/acme/api",)),
            Build("", "sub/Dockerfile", "sub"),
            Build("", "jobs/build.txt", "", "", ("acme/jobs",)),
        ],
    ),
    "script, beside itself or at the top": (
        "ci/build.sh",
        SCRIPT,
        [Build("", "tool/Dockerfile", "tool", "run", ("acme/tool",))],
    ),
    "makefile": (
        "Makefile",
        "image:\n\tpodman build -f Containerfile.ci .\n",
        [Build("", "Containerfile.ci", "")],
    ),
    "broken yaml": ("compose.yml", "services:\n  web: [build: :\n", []),
    "yaml of another kind": ("compose.yml", "- build\n- target\n", []),
    "broken json": ("docker-bake.json", '{"target":', []),
    "broken hcl": ("docker-bake.hcl", 'target "x" { context = ', []),
}


@pytest.mark.parametrize(("name", "text", "builds"), CASES.values(), ids=CASES)
def test_builds_that_a_file_asks_for(name: str, text: str, builds: list[Build]) -> None:
    found = find_builds(name, text)
    assert all(build.source == name for build in found)
    assert [
        Build("", one.dockerfile, one.context, one.target, one.images, one.name, one.contexts)
        for one in found
    ] == builds


ACTION = """
jobs:
  build:
    steps:
      - uses: docker/build-push-action@v6
        with:
          build-args: |
            # the one that is supported longest
            PYTHON=3.12
            "EXTRAS=api,""db"" "
            SHA=${{ github.sha }}
            TOKEN
"""
ARGUMENTS = {
    "compose, mapping": (
        "compose.yml",
        "services: {a: {build: {args: {A: 1, B: true, C: , D: '${D:-x}', E: $E, F: ''}}}}",
        {"A": "1", "B": "true", "C": None, "D": "x", "E": UNKNOWN, "F": ""},
    ),
    "compose, list": ("compose.yml", "services: {a: {build: {args: [A=b=c, B]}}}", {"A": "b=c", "B": None}),
    "skaffold": (
        "skaffold.yaml",
        "build: {artifacts: [{docker: {buildArgs: {A: x, B: '{{.TAG}}', C: null}}}]}",
        {"A": "x", "B": UNKNOWN, "C": None},
    ),
    "action": (
        ".github/workflows/a.yml",
        ACTION,
        {"PYTHON": "3.12", "EXTRAS": 'api,"db" ', "SHA": UNKNOWN, "TOKEN": None},
    ),
    "command of a workflow": (
        ".github/workflows/a.yml",
        "jobs:\n a:\n  steps:\n  - run: docker build --build-arg SHA=${{ github.sha }} "
        "--build-arg=A=1 ${{ github.workspace }}\n",
        {"SHA": UNKNOWN, "A": "1"},
    ),
    "script": (
        "build.sh",
        "docker build --build-arg A='a b' --build-arg B=$B --build-arg C=$(git log -1) \\\n"
        '  --build-arg "D=`date +%s`" --build-arg E="${E:-e}" --build-arg F .',
        {"A": "a b", "B": UNKNOWN, "C": UNKNOWN, "D": UNKNOWN, "E": "e", "F": None},
    ),
    "makefile": (
        "Makefile",
        "image:\n\tdocker build -t $(NAME) --build-arg A=$(A) --build-arg B=2 .\n",
        {"A": UNKNOWN, "B": "2"},
    ),
    "bake in HCL": (
        "docker-bake.hcl",
        'target "a" { args = { A = "${TAG}", B = "2", C = version } }\n',
        {"A": UNKNOWN, "B": "2", "C": UNKNOWN},
    ),
    "of no form": ("compose.yml", "services: {a: {build: {args: 3}}}", {}),
}


@pytest.mark.parametrize(("name", "text", "arguments"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_arguments_that_a_build_is_given(name: str, text: str, arguments: dict[str, str | None]) -> None:
    (build,) = find_builds(name, text)
    assert dict(build.arguments) == arguments
    assert (build.dockerfile, build.context) == ("Dockerfile", "")


def test_a_target_of_bake_has_the_arguments_that_it_inherits() -> None:
    text = """
    target "one" { args = { A = "1", B = "1" } }
    target "two" {
      inherits = ["one"]
      args = { B = version }
    }
    target "three" {
      inherits = ["two"]
      args = { C = "3" }
    }
    """
    found = {build.name: dict(build.arguments) for build in find_builds("docker-bake.hcl", text)}
    assert found == {
        "one": {"A": "1", "B": "1"},
        "two": {"A": "1", "B": UNKNOWN},
        "three": {"A": "1", "B": UNKNOWN, "C": "3"},
    }


@pytest.mark.parametrize(
    ("tags", "names"),
    [
        (["acme/x:1"], ("acme/x",)),
        (["localhost:5000/x@sha256:0a"], ("localhost:5000/x",)),
        (["a:1,b:2\nc"], ("a", "b", "c")),
        (["acme/x:${TAG}-slim", "acme/$NAME:1", "${{ env.R }}/y"], ("acme/x", "acme/$", "$/y")),
        (["$HOST:5000/acme/x:1", "acme/$TEAM/x"], ("$/x",)),
        (["${REGISTRY:-acme}/x"], ("acme/x",)),
        ([""], ()),
    ],
)
def test_names_in_tags(tags: list[str], names: tuple[str, ...]) -> None:
    assert image_names(tags) == names


@pytest.mark.parametrize(
    ("name", "reads"),
    [
        ("docker-compose.override.yaml", True),
        ("a/compose.yml", True),
        ("docker-bake.override.hcl", True),
        (".github/workflows/x.yml", True),
        ("a/.github/workflows/x.yml", False),
        ("scripts/build.sh", True),
        ("Makefile", True),
        ("package.json", True),
        ("setup.json", False),
        ("values.yaml", False),
    ],
)
def test_files_that_may_tell(name: str, reads: bool) -> None:
    assert reads_builds(name) is reads


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "tox.ini",
            "[testenv]\ncommands = docker build -f {toxinidir}/Dockerfile --target prod {toxinidir}\n",
        ),
        ("tox.ini", "[testenv]\ncommands = docker build --target prod {tox_root}\n"),
        ("Jenkinsfile", "node {\n  sh 'docker build --target prod .'\n}\n"),
        ("build.sh", "/kaniko/executor --context dir://. --target prod\n"),
        (
            "cloudbuild.yaml",
            "steps: [{name: kaniko-project/executor, args: ['--context=dir:///workspace', --target=prod]}]",
        ),
        ("heroku.yml", "build: {docker: {web: {dockerfile: Dockerfile, target: prod}}}\n"),
    ],
)
def test_a_folder_of_the_repository_is_named_in_each_tool_s_way(name: str, text: str) -> None:
    found = [(one.dockerfile, one.context, one.target) for one in find_builds(name, text)]
    assert ("Dockerfile", "", "prod") in found


def test_a_workflow_that_only_calls_an_action_of_the_repository_is_read() -> None:
    workflow = "on: push\njobs: {a: {steps: [{uses: ./.github/actions/image}]}}\n"
    action = "runs: {using: composite, steps: [{run: docker build --target prod .}]}\n"
    files = {".github/actions/image/action.yml": action}
    found = find_builds(".github/workflows/ci.yml", workflow, files.get)
    assert [(one.dockerfile, one.target) for one in found] == [("Dockerfile", "prod")]


def test_a_workflow_made_of_aliases_is_read_once() -> None:
    rows = [f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9)}]\n" for at in range(1, 40)]
    text = "a0: &a0 ['docker build .']\n" + "".join(rows)
    assert len(find_builds("cloudbuild.yaml", text)) == 1
    job = "jobs: {a: {env: {X: *a39}, steps: [{run: docker build ., env: {Y: *a38}}]}}\n"
    assert len(find_builds(".github/workflows/build.yml", text + job)) == 1
    assert len(find_builds(".gitlab-ci.yml", text + "x: {script: [*a39]}\n")) == 1


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("TARGET", "prod"),
        ('"${TARGET}"', "prod"),
        ('"$${TARGET}"', UNKNOWN),  # the text `${TARGET}`, which no stage is called
        ('upper("${TARGET}-x")', "PROD-X"),
        ('TARGET == "prod" ? "run" : "dev"', "run"),
        ('NONE == "prod" ? "run" : "dev"', UNKNOWN),
        ('NONE == "prod" ? "run" : "run"', "run"),
        ("NONE", UNKNOWN),
        ("nobody_declares_it", UNKNOWN),
        ('"${TARGET}-${NONE}"', UNKNOWN),
        ("OTHER", "prod-2"),
        ("LOOP", UNKNOWN),
        ("timestamp()", UNKNOWN),
        ('["a", "b"][1]', "b"),
        ('[for one in ["a", "b"] : one if one != "a"][0]', "b"),
        ('{ a = "x" }["a"]', "x"),
        ("STAGES.web", "run"),
        ('"%{ if TARGET == "prod" }run%{ else }dev%{ endif }"', "run"),
        ('"a\\u0062\\"{"', 'ab"{'),
        ("(TARGET)", "prod"),
        ("null", ""),
        ("own(TARGET)", "prod!"),
        ("own()", UNKNOWN),
    ],
)
def test_the_stage_of_a_bake_target_is_the_value_of_its_expression(written: str, value: str) -> None:
    text = f"""
    variable "TARGET" {{ default = "prod" }}
    variable "NONE" {{}}
    variable "OTHER" {{ default = "${{TARGET}}-${{1 + 1}}" }}
    variable "LOOP" {{ default = "${{LOOP}}" }}
    variable "STAGES" {{ default = {{ web = "run" }} }}
    function "own" {{
      params = [one]
      result = "${{one}}!"
    }}
    target "app" {{
      target = {written}
    }}
    """
    assert [build.target for build in find_builds("docker-bake.hcl", text)] == [value]


def test_a_heredoc_in_a_bake_file_is_text() -> None:
    text = 'target "a" {\n  dockerfile-inline = <<EOT\ntarget "b" {}\n}\nEOT\n}\ntarget "c" {}\n'
    assert [build.name for build in find_builds("docker-bake.hcl", text)] == ["c"]


BAKED = 'variable "STAGE" {}\ntarget "web" {\n  dockerfile = "web/Dockerfile"\n  target = STAGE\n}\n'
MORE = """
variable "STAGE" { default = "dev" }
target "web" { context = "src" }
target "job" { target = "job" }
"""


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("docker buildx bake -f a.hcl -f b.hcl", [("web", "src", "dev"), ("job", "", "job")]),
        ("docker buildx bake --file=b.hcl --file=a.hcl", [("web", "src", "$"), ("job", "", "job")]),
        ("STAGE=prod docker buildx bake -f a.hcl web", [("web", "", "prod")]),
        ("export STAGE=prod\ndocker buildx bake -f a.hcl", [("web", "", "prod")]),
        ("docker buildx bake -f a.hcl --set web.target=run --set '*.context=x'", [("web", "x", "run")]),
        ("docker buildx bake -f gone.hcl", []),
    ],
)
def test_bake_files_are_read_as_a_command_names_them(command: str, found: list[tuple[str, str, str]]) -> None:
    builds = find_builds("build.sh", f"#!/bin/sh\n{command}\n", {"a.hcl": BAKED, "b.hcl": MORE}.get)
    assert [(one.name, one.context, one.target) for one in builds] == found


def test_bake_files_that_an_action_names_are_read_together() -> None:
    workflow = """
on: push
env: {STAGE: prod}
jobs:
  x:
    steps:
      - uses: docker/bake-action@v6
        with:
          workdir: deploy
          files: |
            ./a.hcl
            b.hcl
          set: web.args.MODE=fast
"""
    files = {"deploy/a.hcl": BAKED, "deploy/b.hcl": MORE}
    builds = find_builds(".github/workflows/x.yml", workflow, files.get)
    assert [(one.source, one.name, one.dockerfile, one.context, one.target) for one in builds] == [
        ("deploy/a.hcl", "web", "deploy/src/web/Dockerfile", "deploy/src", "prod"),
        ("deploy/a.hcl", "job", "deploy/Dockerfile", "deploy", "job"),
    ]
    assert builds[0].arguments == (("MODE", "fast"),)


def test_references_of_a_pipeline_are_followed() -> None:
    text = """
.parts:
  variables: {FILE: web/Dockerfile}
  login: [docker login]
  script:
    - !reference [.parts, login]
    - docker build -f $FILE web
.circle:
  script: [!reference [.circle, script], docker build gone]
build:
  variables: !reference [.parts, variables]
  before_script: !reference [.circle, script]
  script:
    - !reference [.parts, script]
    - !reference [.parts, nothing]
"""
    builds = find_builds(".gitlab-ci.yml", text)
    assert [(one.dockerfile, one.context) for one in builds] == [
        ("gone/Dockerfile", "gone"),
        ("web/Dockerfile", "web"),
    ]


def test_the_tags_of_the_metadata_action_are_those_of_its_images() -> None:
    text = """
jobs:
  x:
    strategy:
      matrix: {part: [web, job]}
    steps:
      - id: meta
        uses: docker/metadata-action@v5
        with:
          images: |
            ghcr.io/${{ github.repository }}/${{ matrix.part }}
            name=docker.io/acme/${{ matrix.part }},enable=true
      - uses: docker/build-push-action@v6
        with: {context: "./${{ matrix.part }}", tags: "${{ steps.meta.outputs.tags }}"}
      - uses: docker/build-push-action@v6
        with: {context: other, tags: "${{ steps.gone.outputs.tags }}"}
"""
    builds = find_builds(".github/workflows/x.yml", text)
    assert [(one.context, one.images) for one in builds if one.images] == [
        ("web", ("$/web", "docker.io/acme/web")),
        ("job", ("$/job", "docker.io/acme/job")),
    ]
