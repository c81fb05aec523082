from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from callers import NAMES, ROOT, describe_builds, describe_starts, expected_of, read_sample


def in_order(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


@pytest.mark.parametrize("name", NAMES)
def test_what_a_repository_builds_and_starts_is_exactly_what_a_reader_finds(
    name: str, tmp_path: Path
) -> None:
    candidates, deployments = read_sample(name, tmp_path)
    expected = expected_of(name)
    assert in_order(describe_builds(candidates)) == in_order(expected["builds"])
    assert in_order(list(describe_starts(deployments))) == in_order(expected.get("starts", []))


def run(*argv: str) -> Any:
    """The JSON that a tool prints in this folder, without this environment's variables."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_CONFIG") if name in os.environ}
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=kept)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def version(*argv: str) -> str:
    """What an installed tool says of its version; "" if there is none."""
    if shutil.which(argv[0]) is None:
        return ""
    done = subprocess.run([*argv, "version"], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """A build in the terms of bake's output."""
    facts = {"context": row["context"] or ".", "target": row.get("target"), "args": row.get("arguments")}
    inner = os.path.relpath(row["dockerfile"], facts["context"])
    return {key: value for key, value in {**facts, "dockerfile": inner}.items() if value}


@pytest.mark.engine
@pytest.mark.skipif(not version("docker", "buildx"), reason="docker buildx is not here")
@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("bake")])
def test_bake_shows_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / name / "repository")
    expected = {row["name"]: shown(row) for row in expected_of(name)["builds"]}
    targets = run("docker", "buildx", "bake", "--print", *expected)["target"]
    known = ("context", "dockerfile", "target", "args")
    assert {
        key: {part: one[part] for part in known if part in one} for key, one in targets.items()
    } == expected


COMPOSE = (["docker", "compose"], ["docker-compose"])
"""How the compose tool may be installed."""


def compose_tool() -> list[str]:
    """The command of compose, if that is not the first version, which knows no `include`."""
    found = ((argv, re.search(r"\bv?(\d+)\.\d", version(*argv))) for argv in COMPOSE)
    return next((argv for argv, match in found if match and int(match[1]) > 1), [])


@pytest.mark.engine
@pytest.mark.skipif(not compose_tool(), reason="docker compose is not here")
@pytest.mark.parametrize("files", [["compose.yaml"], ["compose.yaml", "compose.override.yaml"]])
def test_compose_shows_the_same(files: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    place = ROOT / "compose" / "repository"
    monkeypatch.chdir(place)
    chosen = [word for file in files for word in ("-f", file)]
    services = run(*compose_tool(), *chosen, "--profile", "*", "config", "--format", "json")["services"]
    builds, starts = rows_of("builds", files), rows_of("starts", files)
    assert {name for name, one in services.items() if "build" in one} == builds.keys() == starts.keys()
    for name, row in builds.items():
        shown = services[name]
        build = shown["build"]
        dockerfile = os.path.normpath(os.path.join(build["context"], build["dockerfile"]))
        assert os.path.relpath(dockerfile, place) == row["dockerfile"]
        assert os.path.relpath(build["context"], place) == row["context"]
        assert build.get("target", "") == row.get("target", "")
        assert build.get("args", {}) == row.get("arguments", {})
        keys = ("command", "entrypoint", "environment")
        assert [shown.get(key) for key in keys] == [starts[name].get(key) for key in keys]


def rows_of(kind: str, files: list[str]) -> dict[str, dict[str, Any]]:
    """The expected rows of compose files and their includes by service, later ones overriding."""
    read = ["deploy/proxy/stack.yml", *files]
    rows = expected_of("compose")[kind]
    places = [(row.get("source") or row["place"].rpartition(":")[0], row) for row in rows]
    return {row["name"]: row for file in read for place, row in places if place == file}
