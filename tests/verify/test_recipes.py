from __future__ import annotations

from pathlib import Path

import pytest

from dockfix.files.candidates import Build, Candidate
from dockfix.repository.builds import find_builds
from dockfix.results import Changed
from dockfix.runner.outcome import FileResult
from dockfix.verify import Recipe, VerifyOptions, find_recipes, stage_names
from dockfix.verify.cases import find_cases
from dockfix.verify.recipes import find_context_above
from dockfix.verify.services import ALONE

COMPOSE = """\
services:
  web:
    build:
      context: .
      dockerfile: docker/Dockerfile
      target: production
      args: {LEVEL: info, DEBUG: false, WORKERS: 2, TOKEN: , PORT: "${PORT:-8000}", HASH: "$HASH"}
  worker:
    build:
      context: .
      dockerfile: docker/Dockerfile
      target: production
      args: [LEVEL=debug, TOKEN]
"""
BAKE = """\
target "common" {
  context = "."
  dockerfile = "docker/Dockerfile"
  args = { LEVEL = "info", PORT = "80", HASH = git }
}
target "web" {
  inherits = ["common"]
  args = { PORT = "8000" }
}
"""
BAKE_JSON = '{"target": {"web": {"dockerfile": "docker/Dockerfile", "args": {"LEVEL": "info"}}}}'
WORKFLOW = """\
jobs:
  build:
    steps:
      - uses: docker/build-push-action@v6
        with: {context: ., file: docker/Dockerfile, target: production}
      - run: docker build -f docker/Dockerfile docker
"""
BARE: dict[str, str | None] = {}


def candidate(root: Path, *sources: tuple[str, str]) -> Candidate:
    (root / "docker").mkdir()
    builds: list[Build] = []
    for name, text in sources:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
        builds += find_builds(name, text)
    path = str(root / "docker" / "Dockerfile")
    return Candidate(path, path, builds=tuple(builds))


WEB = {"LEVEL": "info", "DEBUG": "false", "WORKERS": "2", "PORT": "8000"}
WORKER = {"LEVEL": "debug"}
CASES = {
    "nothing": ([], [(None, None, BARE)]),
    "compose": ([("compose.yml", COMPOSE)], [("", "production", WEB), ("", "production", WORKER)]),
    "bake": (
        [("docker-bake.hcl", BAKE)],
        [("", None, {"LEVEL": "info", "PORT": "80"}), ("", None, {"LEVEL": "info", "PORT": "8000"})],
    ),
    "bake in JSON": ([("docker-bake.json", BAKE_JSON)], [("", None, {"LEVEL": "info"})]),
    "workflow": ([(".github/workflows/a.yml", WORKFLOW)], [("", "production", BARE), ("docker", None, BARE)]),
    "both": (
        [(".github/workflows/a.yml", WORKFLOW), ("compose.yml", COMPOSE)],
        [("docker", None, BARE), ("", "production", WEB), ("", "production", WORKER)],
    ),
}


@pytest.mark.parametrize(("sources", "ways"), CASES.values(), ids=CASES.keys())
def test_ways_of_building_are_those_of_the_repository(
    sources: list[tuple[str, str]],
    ways: list[tuple[str | None, str | None, dict[str, str | None]]],
    tmp_path: Path,
) -> None:
    expected = [
        Recipe(None if place is None else tmp_path / place, target, arguments)
        for place, target, arguments in ways
    ]
    assert find_recipes(candidate(tmp_path, *sources), {"production"}, VerifyOptions()) == expected


def test_the_command_line_goes_before_the_repository(tmp_path: Path) -> None:
    found = candidate(tmp_path, (".github/workflows/a.yml", WORKFLOW))
    options = VerifyOptions(context=Path("elsewhere"), targets=("A", "b", "c"))
    assert find_recipes(found, {"a", "c"}, options) == [Recipe(target="A"), Recipe(target="c")]
    assert find_recipes(found, {"production"}, options) == [Recipe(target="production"), Recipe()]


ARGUMENTS = """\
jobs:
  build:
    steps:
      - uses: docker/build-push-action@v6
        with:
          file: docker/Dockerfile
          build-args: |
            LEVEL=info
            SHA=${{ github.sha }}
"""


def test_what_is_left_out_is_reported(tmp_path: Path) -> None:
    (recipe,) = find_recipes(candidate(tmp_path, (".github/workflows/a.yml", ARGUMENTS)), (), VerifyOptions())
    assert recipe == Recipe(tmp_path, None, {"LEVEL": "info"})
    assert str(recipe) == f"context {tmp_path}, arguments LEVEL, without SHA"


@pytest.mark.parametrize(
    ("arguments", "ways"),
    [
        ("LEVEL: info, SHA: dev", [{"LEVEL": "info", "SHA": "dev"}]),
        ("LEVEL: debug, SHA: dev", [{"LEVEL": "info"}, {"LEVEL": "debug", "SHA": "dev"}]),
        ("LEVEL: info", [{"LEVEL": "info"}]),
    ],
)
def test_an_incomplete_recipe_gives_way_to_a_complete_one(
    arguments: str, ways: list[dict[str, str | None]], tmp_path: Path
) -> None:
    compose = f"services: {{a: {{build: {{dockerfile: docker/Dockerfile, args: {{{arguments}}}}}}}}}\n"
    found = candidate(tmp_path, (".github/workflows/a.yml", ARGUMENTS), ("compose.yml", compose))
    assert find_recipes(found, (), VerifyOptions()) == [Recipe(tmp_path, None, way) for way in ways]


def test_a_context_that_is_gone_makes_no_recipe(tmp_path: Path) -> None:
    found = candidate(
        tmp_path, (".github/workflows/a.yml", WORKFLOW.replace("Dockerfile docker", "Dockerfile gone"))
    )
    assert find_recipes(found, (), VerifyOptions()) == [Recipe(tmp_path, "production")]


def test_stage_names_are_those_that_a_build_knows() -> None:
    assert stage_names("FROM a AS one\nFROM --platform=linux/amd64 b as Two\nFROM c\n") == {"one", "two"}


def test_what_this_environment_holds_reaches_no_build_of_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "s3cret")
    found = candidate(tmp_path, ("compose.yml", COMPOSE))
    _, worker = find_recipes(found, {"production"}, VerifyOptions())
    assert (worker.build_args, worker.left_out) == ({"LEVEL": "debug"}, ("TOKEN",))
    _, asked = find_recipes(found, {"production"}, VerifyOptions(build_args={"TOKEN": None}))
    assert "TOKEN" not in asked.build_args
    assert asked.left_out == ()


DEPENDS = """\
services:
  web: {build: {context: ., dockerfile: docker/Dockerfile}, command: [web], depends_on: [db]}
  worker: {build: {context: ., dockerfile: docker/Dockerfile}, command: [work], depends_on: [db]}
  db: {image: "postgres:16"}
"""


def test_services_are_started_on_request_alone(tmp_path: Path) -> None:
    found = candidate(tmp_path, ("compose.yml", DEPENDS))
    (tmp_path / "compose.yml").write_text(DEPENDS)
    (alone,) = find_recipes(found, (), VerifyOptions())
    assert alone.company == ALONE
    assert [one.name for one in alone.offered.services] == ["db"]
    both = find_recipes(found, (), VerifyOptions(with_services=True))
    assert [recipe.company.start.words for recipe in both] == [("web",), ("work",)]
    assert [one.name for one in both[0].company.services] == ["db"]


def test_without_callers_the_context_is_the_folder_that_has_what_is_copied(tmp_path: Path) -> None:
    text = 'FROM python:3.12-slim\nCOPY app/main.py .\nCMD ["python", "main.py"]\n'
    for name in ("docker/Dockerfile", "app/main.py", "own/Dockerfile", "own/app/main.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    above, own = (
        Candidate(str(tmp_path / name), str(tmp_path / name), root=str(tmp_path))
        for name in ("docker/Dockerfile", "own/Dockerfile")
    )
    assert find_context_above(above, text) == tmp_path
    assert find_context_above(own, text) is None
    result = Changed(text + "# changed\n", ("set-user",))
    file = FileResult(above.path, result, text.encode(), applies=True)
    assert [case.recipe.context for case in find_cases(above, file, VerifyOptions())] == [tmp_path]
    assert [case.recipe for case in find_cases(above, file, VerifyOptions(context=tmp_path))] == [Recipe()]
