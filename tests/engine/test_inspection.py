"""Private bases of a registry on loopback: from unknown to the right outcome by asking the images alone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from applications import build_network, engine, has_image
from command_runs import folder_without_engines
from git_repository import Repository

# The integration suite installs docker-registry; the engine suite skips these where it is missing.
pytestmark = [pytest.mark.engine, pytest.mark.integration]

CONFIG = """\
version: 0.1
storage:
  filesystem:
    rootdirectory: {folder}
http:
  addr: 127.0.0.1:{port}
"""
ENTRYPOINT = '#!/bin/sh\nset -e\nif [ "$(id -u)" = 0 ]; then\n  exec gosu worker "$0" "$@"\nfi\nexec "$@"\n'
GOSU = """\
FROM python:3.12-slim-bookworm
RUN useradd --create-home worker
COPY --chmod=755 gosu entrypoint.sh /usr/local/bin/
VOLUME /var/lib/worker
ENTRYPOINT ["entrypoint.sh"]
"""


@dataclass(frozen=True)
class Base:
    """A private base: the image that it is built on, its Dockerfile, and what becomes of a file that uses it.

    `shown` is in the patch, or the code of what keeps the file as it is.
    """

    parent: str
    text: str
    outcome: str
    shown: str = ""


BASES = {
    "debian": Base(
        "python:3.12-slim-bookworm",
        "FROM python:3.12-slim-bookworm\nRUN mkdir /app\n",
        "changed",
        "RUN adduser --disabled-password --gecos '' appuser",
    ),
    "rhel": Base(
        "rockylinux:9", "FROM rockylinux:9\nRUN mkdir /app\n", "changed", "RUN useradd --create-home appuser"
    ),
    "alpine": Base(
        "python:3.12-alpine", "FROM python:3.12-alpine\nRUN mkdir /app\n", "changed", "RUN adduser -D appuser"
    ),
    "worker": Base("python:3.12-slim-bookworm", GOSU, "skipped", "drops-privileges"),
    "nonroot": Base("python:3.12-slim-bookworm", "FROM python:3.12-slim-bookworm\nUSER 4711\n", "unchanged"),
    "bare": Base(
        "gcr.io/distroless/python3-debian12",
        "FROM gcr.io/distroless/python3-debian12\nLABEL a=b\n",
        "changed",
        "USER 65532:65532",
    ),
}
APP = 'FROM {image}\nWORKDIR /app\nCOPY app.py .\nCMD ["python3", "app.py"]\n'


def docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [engine().executable, *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=600)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an empty registry."""
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("docker-registry is not installed")
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "config.yml").write_text(CONFIG.format(folder=folder / "data", port=port))
    argv = [program, "serve", str(folder / "config.yml")]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(f"http://127.0.0.1:{port}/v2/")
            yield f"localhost:{port}"
        finally:
            process.terminate()


def _wait_for(address: str) -> None:
    for _ in range(100):
        with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.1)
    raise AssertionError("the registry does not respond")


@pytest.fixture(scope="module")
def bases(registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The bases that can be built here, in the engine and in the registry: their references by name."""
    found = {name: f"{registry}/acme/{name}:1" for name, base in BASES.items() if has_image(base.parent)}
    for name, reference in found.items():
        folder = tmp_path_factory.mktemp(f"base-{name}")
        (folder / "Dockerfile").write_text(BASES[name].text)
        (folder / "entrypoint.sh").write_text(ENTRYPOINT)
        (folder / "gosu").write_text('#!/bin/sh\nshift\nexec "$@"\n')
        network = build_network()
        flags = ["--network", network] if network else []
        built = docker("build", *flags, "--tag", reference, str(folder))
        assert built.returncode == 0, built.stderr[-2000:]
        assert docker("push", reference).returncode == 0
    yield found
    docker("rmi", "--force", *found.values())


@pytest.fixture
def without_bases(bases: dict[str, str]) -> Iterator[None]:
    """The engine without the bases, which are only in the registry."""
    kept = {name: f"{reference}-kept" for name, reference in bases.items()}
    for name, reference in bases.items():
        docker("tag", reference, kept[name])
        docker("rmi", reference)
    yield
    for name, reference in bases.items():
        docker("tag", kept[name], reference)
        docker("rmi", kept[name])


@pytest.fixture
def repository(bases: dict[str, str], tmp_path: Path) -> Repository:
    """A repository with one application per base."""
    made = Repository(tmp_path / "repository")
    made.folder.mkdir()
    made.git("init", "--quiet")
    for name, reference in bases.items():
        folder = made.folder / name
        folder.mkdir()
        (folder / "Dockerfile").write_text(APP.format(image=reference))
        (folder / "app.py").write_text("print('hello')\n")
    made.commit()
    return made


def dockfix(
    repository: Repository, *arguments: str, path: str = os.environ["PATH"], **variables: str
) -> dict[str, Any]:
    """The rows of a run's report by the name of the file."""
    report = repository.folder.with_name("report.json")
    kept = str(repository.folder.with_name("cache"))
    environment = {**os.environ, "PATH": path, "DOCKFIX_CACHE_DIR": kept, **variables}
    argv = [sys.executable, "-m", "dockfix", *arguments, "--report", str(report), "."]
    done = subprocess.run(
        argv, cwd=repository.folder, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode in (0, 1), done.stderr
    return {row["path"]: row for row in json.loads(report.read_text())["files"]}


def check_outcomes(rows: dict[str, Any], bases: dict[str, str]) -> None:
    """Check that each application has its outcome, for the reason that the base gives."""
    for name in bases:
        base, row = BASES[name], rows[f"{name}/Dockerfile"]
        assert row["outcome"] == base.outcome, (name, row)
        told = [one["code"] for one in row["findings"]] + [one["text"] for one in row.get("edits", ())]
        assert not base.shown or any(base.shown in text for text in told), (name, row)


@dataclass(frozen=True)
class Watch:
    """What happens to containers of the bases; an engine keeps only its last 256 events."""

    place: Path
    images: frozenset[str]

    def happened(self) -> dict[str, set[str]]:
        """The containers by what has happened to them."""
        found: dict[str, set[str]] = {}
        complete = self.place.read_text().rpartition("\n")[0]
        for row in map(json.loads, complete.splitlines()):
            if row["Actor"]["Attributes"].get("image") in self.images:
                found.setdefault(row["Action"], set()).add(row["id"])
        return found

    def wait_for_removal(self) -> dict[str, set[str]]:
        """What has happened once every container that was created is gone, or 20 seconds later."""
        for _ in range(100):
            found = self.happened()
            if found.get("create") and found["create"] == found.get("destroy"):
                break
            time.sleep(0.2)
        return found


@pytest.fixture
def watch(bases: dict[str, str], tmp_path: Path) -> Iterator[Watch]:
    ids = docker("image", "inspect", "--format", "{{.Id}}", *bases.values()).stdout.split()
    place = tmp_path / "events"
    argv = [engine().executable, "events", "--format", "{{json .}}", "--filter", "type=container"]
    with place.open("wb") as file, subprocess.Popen(argv, stdout=file) as process:
        try:
            time.sleep(1)
            yield Watch(place, frozenset({*ids, *bases.values()}))
        finally:
            process.terminate()


def test_without_asking_every_base_is_unknown(repository: Repository, bases: dict[str, str]) -> None:
    rows = dockfix(repository, "--check")
    for name in bases:
        assert rows[f"{name}/Dockerfile"]["outcome"] == "needs-review"
        assert "unknown-base" in [one["code"] for one in rows[f"{name}/Dockerfile"]["findings"]]


def test_images_of_the_engine_are_read_without_running_them(
    repository: Repository, bases: dict[str, str], watch: Watch
) -> None:
    check_outcomes(dockfix(repository, "--check", "--inspect=engine"), bases)
    containers = watch.wait_for_removal()
    assert len(containers["create"]) == len(bases)
    assert containers["destroy"] == containers["create"]
    assert "start" not in containers
    assert not (repository.folder / "dockfix.facts.toml").exists()


def test_what_was_found_is_kept_for_runs_without_an_engine(
    repository: Repository, bases: dict[str, str], tmp_path: Path
) -> None:
    written = dockfix(repository, "--write", "--inspect=engine")
    assert written["dockfix.facts.toml"]["outcome"] == "fixed"
    repository.git("checkout", "--", *bases)
    repository.git("add", "dockfix.facts.toml")
    repository.git("commit", "--quiet", "--message", "facts")
    check_outcomes(dockfix(repository, "--check", path=folder_without_engines(tmp_path / "bin")), bases)
    assert "dockfix.facts.toml" not in dockfix(repository, "--check", "--inspect=engine")


def test_facts_go_stale_when_a_name_gets_another_image(repository: Repository, bases: dict[str, str]) -> None:
    dockfix(repository, "--write", "--inspect=engine")
    repository.commit()
    folder = repository.folder.with_name("other")
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"FROM {bases['nonroot']}\nLABEL other=image\n")
    before = docker("image", "inspect", "--format", "{{.Id}}", bases["nonroot"]).stdout.strip()
    try:
        assert docker("build", "--tag", bases["nonroot"], str(folder)).returncode == 0
        row = dockfix(repository, "--check", "--inspect=engine")["dockfix.facts.toml"]
        assert [one["code"] for one in row["findings"]] == ["stale-facts"]
        assert bases["nonroot"] in row["findings"][0]["message"]
    finally:
        docker("tag", before, bases["nonroot"])


@pytest.mark.usefixtures("without_bases")
def test_a_registry_shows_what_an_image_starts_as(repository: Repository, bases: dict[str, str]) -> None:
    rows = dockfix(repository, "--check", "--inspect")
    assert rows["nonroot/Dockerfile"]["outcome"] == "unchanged"
    for name in bases.keys() - {"nonroot"}:
        assert rows[f"{name}/Dockerfile"]["outcome"] == "needs-review", name
    assert docker("images", "--quiet", *bases.values()).stdout == ""


@pytest.mark.parametrize("tool", ["skopeo", "crane"])
def test_a_tool_shows_the_same_without_an_engine(
    tool: str, repository: Repository, bases: dict[str, str], registry: str, tmp_path: Path
) -> None:
    program = shutil.which(tool)
    if program is None:
        pytest.skip(f"{tool} is not installed")
    # Engines and crane talk to localhost without TLS by themselves.
    settings = tmp_path / "home" / ".config" / "containers" / "registries.conf"
    settings.parent.mkdir(parents=True)
    settings.write_text(f'[[registry]]\nlocation = "{registry}"\ninsecure = true\n')
    path = folder_without_engines(tmp_path / "bin")
    (tmp_path / "bin" / tool).symlink_to(program)
    rows = dockfix(repository, "--write", "--inspect", path=path, HOME=str(tmp_path / "home"))
    assert rows["nonroot/Dockerfile"]["outcome"] == "unchanged"
    assert {rows[f"{name}/Dockerfile"]["outcome"] for name in bases.keys() - {"nonroot"}} == {"needs-review"}
    kept = tomllib.loads((repository.folder / "dockfix.facts.toml").read_text())["images"]
    users = {name: kept[one].get("user", "") for name, one in bases.items()}
    assert users == {name: {"nonroot": "4711", "bare": "0"}.get(name, "") for name in bases}
    assert {kept[one]["source"] for one in bases.values()} == {"registry"}
    named = docker("image", "inspect", "--format", "{{json .RepoDigests}}", bases["nonroot"]).stdout
    assert json.loads(named)[0].rpartition("@")[2] == kept[bases["nonroot"]]["digest"]


@pytest.mark.usefixtures("without_bases")
def test_pulled_images_are_read_and_removed_again(repository: Repository, bases: dict[str, str]) -> None:
    check_outcomes(dockfix(repository, "--check", "--inspect=pull"), bases)
    for reference in bases.values():
        assert docker("image", "inspect", reference).returncode != 0, reference


def test_a_killed_run_leaves_no_container(repository: Repository, watch: Watch) -> None:
    argv = [sys.executable, "-m", "dockfix", "--check", "--no-cache", "--inspect=engine", "."]
    with subprocess.Popen(
        argv, cwd=repository.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while not watch.happened().get("create") and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    containers = watch.wait_for_removal()
    assert containers["create"] == containers["destroy"]
    assert "start" not in containers
