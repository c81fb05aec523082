"""`--explain FILE`: who runs what, where root ends, what each edit is for, what was read elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pseudo_terminal import ESCAPE, environment_of_a_person, open_terminal, read_until

from dockfix import Options
from dockfix.explain.file import walk_job
from dockfix.explain.text import format_walk
from dockfix.explain.walk import EditNote, ImageWalk, Walk
from dockfix.runner.jobs import Job

Run = Callable[..., tuple[int, str, str]]
SHOP = """\
FROM python:3.12-slim
WORKDIR /app
COPY requirements.txt .
RUN apt-get update && apt-get install -y gcc
RUN pip install -r requirements.txt
COPY . .
CMD ["python", "shop.py"]
"""
SOURCE = 'open("/var/lib/shop/orders.txt", "w").write("none")\n'
COMPOSE = """\
services:
  shop:
    build: .
    command: python shop.py --fast
    volumes: [orders:/var/lib/shop]
volumes:
  orders:
"""


def walk(folder: Path, text: str, options: Options | None = None, **files: str) -> Walk:
    """The walkthrough of a Dockerfile in a folder with these files."""
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)
    (folder / "Dockerfile").write_text(text)
    job = Job("Dockerfile", text.encode(), options or Options())
    return walk_job((job, (), None))


def only_image(found: Walk) -> ImageWalk:
    (image,) = found.images
    return image


def edits_of(image: ImageWalk) -> list[EditNote]:
    return [edit for step in image.steps for edit in step.edits] + list(image.trailing)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def shop(tmp_path: Path) -> Walk:
    return walk(tmp_path, SHOP, shop__py=SOURCE, requirements__txt="")


def test_steps_say_who_runs_them_before_and_after(shop: Walk) -> None:
    rows = [(one.line, one.keyword, one.user, one.new_user) for one in only_image(shop).steps]
    assert rows == [
        (1, "FROM", "root", "root"),
        (2, "WORKDIR", "root", "root"),
        (3, "COPY", "root", "root"),
        (4, "RUN", "root", "root"),
        (5, "RUN", "root", "appuser"),
        (6, "COPY", "root", "appuser"),
        (7, "CMD", "root", "appuser"),
    ]


def test_boundary_names_the_line_that_needs_root_last(shop: Walk) -> None:
    image = only_image(shop)
    assert image.boundary == (
        "Root is needed up to line 4: apt-get installs system packages. What follows runs as appuser."
    )
    assert image.boundary_line == 4
    assert [one.line for one in image.steps if one.needs_root] == [4]


def test_commands_say_what_they_do_where(shop: Walk) -> None:
    steps = only_image(shop).steps
    assert [(one.command, one.deed, one.place, one.new_place) for one in steps[4].effects] == [
        ("pip", "reads", "/app/requirements.txt", ""),
        ("pip", "installs packages into", "/usr/local/lib/python", "/home/appuser/.local"),
    ]
    assert steps[1].owners == (("/app", "root:root", "appuser:appuser"),)


def test_start_says_what_it_writes(shop: Walk) -> None:
    assert ("writes", "/var/lib/shop/orders.txt") in {
        (one.deed, one.place) for one in only_image(shop).starts
    }


def test_each_edit_says_what_would_be_denied_or_broken_without_it(shop: Walk) -> None:
    edits = edits_of(only_image(shop))
    first = {one.transform: one.without[0] for one in reversed(edits)}
    assert first == {
        "create-user": "no step creates the user appuser",
        "own-directories": "/app still belongs to root",
        "chown-copies": "line 3: /app still belongs to root",
        "set-user": "the image still runs as root",
        "pip-user": "line 5: a pip install below USER has no user directory to install to",
        "user-path": "line 5: the scripts of a user install are not on PATH",
    }
    (owned,) = (one for one in edits if one.transform == "own-directories")
    assert owned.removed == ("RUN useradd --create-home appuser",)
    assert "/var/lib/shop" in "".join(owned.added)
    (pip,) = (one for one in edits if one.transform == "pip-user")
    assert (pip.line, pip.removed, pip.added) == (
        5,
        ("RUN pip install -r requirements.txt",),
        ("RUN pip install --user -r requirements.txt",),
    )


def test_sources_are_named_with_what_they_showed(shop: Walk) -> None:
    (source,) = shop.outside
    assert source.place == "shop.py"
    assert source.showed == ("line 1 writes /var/lib/shop/orders.txt",)
    assert shop.looked_at == ("requirements.txt",)


def test_file_that_is_left_alone_says_why_and_what_it_does(tmp_path: Path) -> None:
    found = walk(tmp_path, "FROM python:3.12-slim\nRUN apt-get install cron\nCMD cron -f\n")
    assert found.outcome == "skipped"
    assert [finding.code for _, finding in found.findings] == ["needs-root-process"]
    image = only_image(found)
    assert image.boundary == "Root is needed up to line 2: apt-get installs system packages."
    assert edits_of(image) == []
    assert [step.new_user for step in image.steps] == ["", "", ""]


def test_file_that_waits_for_a_review_shows_the_change(tmp_path: Path) -> None:
    found = walk(tmp_path, "FROM python:3.12-slim\nEXPOSE 80\nCMD python\n")
    assert found.outcome == "needs-review"
    assert {one.transform for one in edits_of(only_image(found))} == {"create-user", "set-user"}


def test_review_that_is_accepted_is_shown_as_that(tmp_path: Path) -> None:
    text = "FROM python:3.12-slim\nWORKDIR /a\nEXPOSE 80\nCMD python -V\n"
    found = walk(tmp_path, text, Options(accept=frozenset({"low-port"})))
    rows = [text for text, _ in format_walk(found, 110)]
    assert rows[:2] == [
        "Dockerfile: dockfix can move it off root",
        "  accepted: line 3: port 80 is below 1024",
    ]


def test_file_that_runs_as_a_user_says_since_when(tmp_path: Path) -> None:
    found = walk(tmp_path, "FROM python:3.12-slim\nRUN useradd app\nUSER app\nCMD python\n")
    assert found.outcome == "unchanged"
    assert only_image(found).boundary == "The image runs as app already, from line 3 on."


def test_file_that_cannot_be_read_has_no_images(tmp_path: Path) -> None:
    found = walk(tmp_path, "# dockfix: ignore\nFROM python:3.12-slim\n")
    assert (found.outcome, found.images, found.outside) == ("skipped", (), ())


def test_stage_without_an_image_of_its_own_is_named(tmp_path: Path) -> None:
    text = "FROM gcc:13 AS tools\nRUN make\n\nFROM python:3.12-slim\nCOPY --from=tools /a /a\nCMD python\n"
    (stage,) = walk(tmp_path, text).unshipped
    assert (stage.stage, stage.line, stage.last_line) == ("tools", 1, 2)


def test_lines_are_those_on_disk_where_several_images_ship(tmp_path: Path) -> None:
    text = (
        "FROM python:3.12-slim AS base\nWORKDIR /a\n\n"
        "FROM base AS web\nCMD python w.py\n\nFROM base\nCMD python x.py\n"
    )
    found = walk(tmp_path, text, Options(targets=("web",)))
    assert [[step.line for step in image.steps] for image in found.images] == [[1, 2, 7, 8], [1, 2, 4, 5]]
    lines = text.splitlines()
    for image in found.images:
        assert next(step.text for step in image.steps if step.keyword == "CMD") in lines


def test_text_keeps_to_its_width_and_names_every_edit(shop: Walk) -> None:
    rows = [text for text, _ in format_walk(shop, 80)]
    assert max(map(len, rows)) <= 80
    for edit in edits_of(only_image(shop)):
        assert any(f"[{edit.transform}]" in row for row in rows)
    assert "    - RUN pip install -r requirements.txt" in rows
    assert rows[0] == "Dockerfile: dockfix can move it off root"


def test_edit_that_nothing_rests_on_says_so(tmp_path: Path) -> None:
    text = "FROM python:3.12-slim\nRUN pip install a && apt-get install -y b\nCMD python\n"
    rows = [text for text, _ in format_walk(walk(tmp_path, text), 110)]
    assert "      without it: nothing breaks that dockfix can see" in rows


@pytest.mark.integration
def test_command_line_walks_through_a_file(dockfix: Run, folder: Path) -> None:
    (folder / "Dockerfile").write_text(SHOP)
    (folder / "shop.py").write_text(SOURCE)
    (folder / "requirements.txt").write_text("")
    (folder / "compose.yaml").write_text(COMPOSE)
    code, out, err = dockfix("--explain", "Dockerfile")
    assert (code, err) == (0, "")
    assert "Root is needed up to line 4: apt-get installs system packages." in out
    assert "  compose.yaml:3\n      runs it as compose shop\n      starts python shop.py --fast\n" in out
    assert "      mounts orders at /var/lib/shop\n" in out


@pytest.mark.integration
def test_command_line_gives_json_for_tools(dockfix: Run, folder: Path) -> None:
    (folder / "Dockerfile").write_text(SHOP)
    code, out, err = dockfix("--explain", "Dockerfile", "--format", "json", "--user", "clerk", "--read-only")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["version"] == 1
    assert found["images"][0]["boundary_line"] == 4
    assert found["images"][0]["new_user"] == "clerk"
    assert found["images"][0]["steps"][1]["owners"] == [
        {"path": "/app", "before": "root:root", "after": "clerk:clerk"}
    ]
    assert found["findings"][0].keys() == {"kind", "code", "line", "message", "help"}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--explain", "a/b"), 123, "a/b: could not be fixed\n"),
        (("--explain", "low-prot"), 2, "no code and no file is called 'low-prot' (did you mean 'low-port'?)"),
        (("--explain", "xyz"), 2, "no code and no file is called 'xyz' (dockfix --list shows the codes)"),
        (("--explain", "."), 2, "--explain: . holds 0 Dockerfiles: name one"),
        (("--format", "json"), 2, "--format goes with --explain"),
    ],
)
def test_what_cannot_be_explained(dockfix: Run, arguments: tuple[str, ...], code: int, message: str) -> None:
    done = dockfix(*arguments)
    assert done[0] == code
    assert message in done[1] + done[2]


@pytest.mark.integration
def test_summary_names_the_command_for_a_file_that_stays_as_it_is(dockfix: Run, folder: Path) -> None:
    (folder / "Dockerfile").write_text("FROM python:3.12-slim\nCMD cron -f\n")
    (folder / "a b.Dockerfile").write_text("FROM python:3.12-slim\nEXPOSE 80\nCMD python\n")
    _, _, err = dockfix("--check")
    assert err.endswith("why a file stays as it is: dockfix --explain Dockerfile\n")
    _, _, err = dockfix("--diff", "a b.Dockerfile")
    assert err.endswith("why a file stays as it is: dockfix --explain 'a b.Dockerfile'\n")
    assert "--explain" not in dockfix("--check", "--quiet")[2]


@pytest.mark.integration
def test_a_terminal_gets_colours_and_lines_of_its_width(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(SHOP)
    (tmp_path / "shop.py").write_text(SOURCE)
    (tmp_path / "requirements.txt").write_text("")
    argv = [sys.executable, "-m", "dockfix", "--explain", "Dockerfile"]
    person = environment_of_a_person()
    with (
        open_terminal(columns=72) as (mine, theirs),
        subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, env=person, cwd=tmp_path) as done,
    ):
        os.close(theirs)
        shown = read_until(mine, b"Looked at as well: requirements.txt.")
        assert done.wait(timeout=60) == 0
    assert b"\x1b[32m    + USER appuser\x1b[0m" in shown
    rows = ESCAPE.sub(b"", shown).decode().splitlines()
    assert max(len(row) for row in rows if not row.startswith("    + ")) <= 72
    assert len([row for row in rows if row.endswith("root -> appuser")]) == 4


def test_move_that_somebody_began_is_not_said_to_run_as_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = walk(tmp_path, 'FROM python:3.12-slim\nCOPY app.py /\nUSER nonroot\nCMD ["python", "/app.py"]\n')
    first = next(format_walk(found, 200))[0]
    assert first.startswith("Dockerfile: dockfix can give its user what it lacks, after a review")
    assert [edit.transform for edit in edits_of(only_image(found))] == ["create-user"]
