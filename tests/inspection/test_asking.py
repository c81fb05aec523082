"""Runs with --inspect, on an engine that is a program of ours."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from archives import Member, archive
from base_facts import DIGEST
from git_repository import Repository

from dockfix.config import forget_configs
from dockfix.files.programs import find_program
from dockfix.inspection import registries

Run = Callable[..., tuple[int, str, str]]

PROGRAM = """\
#!{python}
import os, sys
room = {room!r}
words = sys.argv[1:]
with open(room + "/calls", "a") as calls:
    print(*words, file=calls)
there = os.path.exists(room + "/inspected")
if words[0] == "version":
    print("28.0")
elif words[:2] == ["image", "inspect"]:
    print(open(room + "/inspected").read() if there else "[]")
    sys.exit(not there)
elif words[0] == "create":
    print("c" * 64)
elif words[0] in ("export", "cp"):
    sys.stdout.buffer.write(open(room + "/" + words[0], "rb").read())
elif words[0] == "pull":
    if not os.path.exists(room + "/registry"):
        sys.exit("denied: log in first")
    os.rename(room + "/registry", room + "/inspected")
elif words[0] == "buildx":
    sys.exit("not found")
"""
CONFIG = {"Entrypoint": ["/start"], "Cmd": None}
APP = 'FROM registry.example.org/acme/python:3\nWORKDIR /app\nCOPY app.py .\nCMD ["python3", "app.py"]\n'
NAME = "registry.example.org/acme/python:3"
FILES = (
    Member("etc/os-release", "ID=debian\nVERSION_ID=12\n"),
    Member("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n"),
    Member("bin/sh", "x"),
    Member("usr/sbin/useradd", "x"),
    Member("start", '#!/bin/sh\nexec "$@"\n'),
)


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a docker that has one image; what it was asked for is in `calls`."""
    only = {"docker": find_program}
    monkeypatch.setattr(registries, "find_program", lambda name: only.get(name, lambda _: None)(name))
    room = tmp_path / "engine"
    room.mkdir()
    program = room / "docker"
    program.write_text(PROGRAM.format(python=sys.executable, room=str(room)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{room}:{os.environ['PATH']}")
    have(room)
    (room / "export").write_bytes(archive(*FILES).getvalue())
    (room / "cp").write_bytes(archive(FILES[-1]).getvalue())
    forget_configs()
    return room


def have(room: Path, place: str = "inspected", **settings: Any) -> None:
    row = {"Id": DIGEST, "RepoDigests": [], "Config": {**CONFIG, **settings}}
    (room / place).write_text(json.dumps([row]))


def calls(room: Path) -> list[str]:
    """The first words of the calls, without the sweeper's."""
    rows = (room / "calls").read_text().splitlines()
    return [row.split()[0] for row in rows if row.split()[0] not in ("version", "ps", "images")]


@pytest.fixture
def application(repository: Repository) -> Repository:
    repository.put("Dockerfile", text=APP)
    repository.put("app.py", text="print()\n")
    repository.commit()
    return repository


@pytest.mark.usefixtures("application")
def test_an_unknown_base_becomes_known(dockfix: Run, engine: Path) -> None:
    assert "unknown-base" in dockfix("--check", ".")[2]
    code, out, _ = dockfix("--diff", "--inspect", ".")
    assert code == 0
    assert "+RUN useradd --create-home appuser\n" in out
    assert "dockfix.facts.toml" not in out
    assert calls(engine) == ["image", "create", "export", "cp", "rm"]


@pytest.mark.usefixtures("application")
def test_the_container_is_labelled_never_pulled_and_removed_with_its_volumes(
    dockfix: Run, engine: Path
) -> None:
    dockfix("--diff", "--inspect=engine", ".")
    rows = (engine / "calls").read_text().splitlines()
    create = next(row for row in rows if row.startswith("create"))
    assert create.split("=")[0] == "create --label dockfix.verify"
    assert create.endswith(f"--network none --pull never --entrypoint /dockfix-never-starts-it {DIGEST}")
    assert f"rm --force --volumes {'c' * 64}" in rows


@pytest.mark.usefixtures("application")
def test_an_image_is_read_once_for_each_digest(dockfix: Run, engine: Path) -> None:
    dockfix("--diff", "--inspect=engine", ".")
    dockfix("--diff", "--inspect=engine", ".")
    assert calls(engine).count("export") == 1
    have(engine, User="app")
    (engine / "inspected").write_text((engine / "inspected").read_text().replace("0123", "abcd"))
    code, out, _ = dockfix("--diff", "--inspect=engine", ".")
    assert (code, out) == (0, "")
    assert calls(engine).count("export") == 2


def test_facts_are_written_beside_the_rewrite_and_undone_with_it(
    dockfix: Run, application: Repository, engine: Path
) -> None:
    code, _, err = dockfix("--write", "--inspect=engine", ".")
    assert code == 0
    assert "dockfix.facts.toml: changed (inspect)" in err
    written = (application.folder / "dockfix.facts.toml").read_text()
    assert f'[images."{NAME}"]' in written
    dockfix("--undo", ".")
    assert (application.folder / "dockfix.facts.toml").read_text() == ""
    assert (application.folder / "Dockerfile").read_text() == APP


def test_kept_facts_need_no_engine(dockfix: Run, application: Repository, engine: Path) -> None:
    dockfix("--write", "--inspect=engine", ".")
    application.git("checkout", "Dockerfile")
    application.commit()
    (engine / "docker").unlink()
    forget_configs()
    assert "+RUN useradd --create-home appuser\n" in dockfix("--diff", ".")[1]
    assert "unknown-base" in dockfix("--check", "--isolated", ".")[2]


def test_facts_that_changed_fail_a_check_and_are_in_the_patch(
    dockfix: Run, application: Repository, engine: Path
) -> None:
    dockfix("--write", "--inspect=engine", ".")
    application.commit()
    forget_configs()
    assert dockfix("--check", "--inspect=engine", ".")[0] == 0
    have(engine, Volumes={"/data": {}})
    (engine / "inspected").write_text((engine / "inspected").read_text().replace("0123", "abcd"))
    code, _, err = dockfix("--check", "--inspect=engine", ".")
    assert code == 1
    assert "[stale-facts]" in err
    patch = dockfix("--diff", "--inspect=engine", "--isolated", ".")[1]
    assert '+volumes = ["/data"]\n' in patch


def test_a_new_file_of_facts_is_a_patch_that_git_applies(
    dockfix: Run, application: Repository, engine: Path
) -> None:
    dockfix("--write", "--inspect=engine", "--output", "all.patch", ".")
    patch = (application.folder / "all.patch").read_text()
    assert "--- /dev/null\n+++ b/dockfix.facts.toml\n" in patch
    written = (application.folder / "dockfix.facts.toml").read_text()
    application.git("checkout", "Dockerfile")
    (application.folder / "dockfix.facts.toml").unlink()
    application.git("apply", "all.patch")
    assert (application.folder / "dockfix.facts.toml").read_text() == written


def test_what_is_not_there_is_reported_and_changes_nothing(
    dockfix: Run, application: Repository, engine: Path
) -> None:
    (engine / "inspected").unlink()
    code, _, err = dockfix("--check", "--inspect=engine", ".")
    assert code == 0
    assert f"{NAME}: cannot be inspected: the engine does not have it\n" in err
    assert "unknown-base" in err
    assert f"{NAME}: cannot be inspected: docker: not found\n" in dockfix("--check", "--inspect", ".")[2]
    assert (
        f"{NAME}: cannot be inspected: cannot be pulled: denied"
        in dockfix("--check", "--inspect=pull", ".")[2]
    )


def test_a_pulled_image_loses_its_name_again(dockfix: Run, application: Repository, engine: Path) -> None:
    os.rename(engine / "inspected", engine / "registry")
    assert "useradd" in dockfix("--diff", "--inspect=pull", ".")[1]
    assert f"rmi {NAME}" in (engine / "calls").read_text().splitlines()


@pytest.mark.parametrize(
    ("file", "data"),
    [
        ("inspected", b"no json"),
        ("inspected", b"[" * 100_000),
        ("inspected", b'[{"Id": "x"}]'),
        ("inspected", b'[{"Id": "sha256:' + b"a" * 64 + b'", "Config": {"User": 1}}]'),
        ("inspected", b" " * 5_000_000),
        ("export", b"no archive"),
        ("export", archive(Member("a", "x" * 5000)).getvalue()[:3000]),
    ],
)
def test_a_hostile_image_is_reported(
    dockfix: Run, application: Repository, engine: Path, file: str, data: bytes
) -> None:
    (engine / file).write_bytes(data)
    code, _, err = dockfix("--check", "--inspect=engine", ".")
    assert code == 0
    assert f"{NAME}: cannot be inspected: " in err
    if file == "export":
        assert "rm" in calls(engine)


def test_a_configuration_may_ask_the_engine_and_nobody_else(
    dockfix: Run, application: Repository, engine: Path
) -> None:
    application.put("dockfix.toml", text='inspect = "engine"\n')
    forget_configs()
    assert "useradd" in dockfix("--diff", ".")[1]
    assert dockfix("--diff", "--inspect=off", ".")[1] == ""
    application.put("dockfix.toml", text='inspect = "pull"\n')
    forget_configs()
    code, _, err = dockfix("--diff", ".")
    assert code == 2
    assert "dockfix.toml:1: inspect: may be off or engine here; pass --inspect=pull yourself" in err


@pytest.mark.usefixtures("application", "engine")
def test_an_explanation_asks_too(dockfix: Run) -> None:
    assert "dockfix does not know this image" in dockfix("--explain", "./Dockerfile")[1]
    out = dockfix("--explain", "./Dockerfile", "--inspect=engine")[1]
    assert f"Built on {NAME}: debian 12, starts as root, inspected: {DIGEST[:19]}.\n" in out


@pytest.mark.usefixtures("application")
def test_without_anybody_to_ask_the_run_ends(
    dockfix: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    code, _, err = dockfix("--check", "--inspect", "--no-cache", "Dockerfile")
    assert code == 2
    assert "dockfix: --inspect: engine: none of docker, podman, nerdctl, buildah is on PATH" in err


def test_a_configuration_that_asks_an_engine_needs_none(
    dockfix: Run, application: Repository, engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dockfix("--write", "--inspect=engine", ".")
    application.git("checkout", "Dockerfile")
    application.put("dockfix.toml", text='inspect = "engine"\n')
    application.commit()
    monkeypatch.setenv("PATH", os.environ["PATH"].partition(":")[2])
    (engine / "docker").unlink()
    monkeypatch.setattr("dockfix.verify.engine.find_program", lambda _: None)
    forget_configs()
    _, out, err = dockfix("--diff", ".")
    assert "+RUN useradd --create-home appuser\n" in out
    assert err.startswith("base images are not inspected: engine: none of docker")


def test_a_registry_keeps_the_files_that_were_recorded_of_the_same_image(
    dockfix: Run, application: Repository, engine: Path
) -> None:
    dockfix("--write", "--inspect=engine", ".")
    application.commit()
    facts = (application.folder / "dockfix.facts.toml").read_text()
    answer = {"manifest": {"digest": DIGEST}, "image": {"config": CONFIG}}
    (engine / "inspected").unlink()
    program = engine / "docker"
    program.write_text(program.read_text().replace('sys.exit("not found")', f"print({json.dumps(answer)!r})"))
    forget_configs()
    assert dockfix("--check", "--inspect", ".")[0] == 0
    dockfix("--write", "--inspect", ".")
    assert (application.folder / "dockfix.facts.toml").read_text() == facts


def test_a_run_over_some_files_keeps_the_paths_that_others_touch(
    dockfix: Run, application: Repository, engine: Path
) -> None:
    application.put("other/Dockerfile", text=APP.replace("/app", "/elsewhere"))
    application.commit()
    dockfix("--write", "--inspect=engine", ".")
    application.commit()
    forget_configs()
    assert dockfix("--check", "--inspect=engine", "other")[0] == 0
    dockfix("--write", "--inspect=engine", "other")
    written = (application.folder / "dockfix.facts.toml").read_text()
    assert '"/app" = "absent"' in written
    assert '"/elsewhere" = "absent"' in written


def test_files_whose_bases_are_certain_ask_nobody(dockfix: Run, repository: Repository, engine: Path) -> None:
    repository.put("Dockerfile", text="FROM python:3.12-slim\nCMD x\n")
    dockfix("--check", "--inspect", ".")
    assert not (engine / "calls").exists()
