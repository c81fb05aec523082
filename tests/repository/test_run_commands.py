"""The starts that `docker run` commands give an image."""

from __future__ import annotations

import pytest

from dockfix.context import Deployment
from dockfix.repository.manifests import read_manifests
from dockfix.repository.run_commands import read_commented_mounts, read_compose_runs, read_runs


def only(text: str) -> Deployment:
    (found,) = read_runs("run.sh", text)
    return found


@pytest.mark.parametrize(
    ("mount", "is_bare"),
    [
        ("type=volume,src=up,dst=/data", False),
        ("type=volume,src=up,dst=/data,volume-nocopy", True),
        ("type=volume,src=up,dst=/data,volume-subpath=shop", True),
    ],
)
def test_a_volume_that_takes_nothing_over_from_the_image(mount: str, is_bare: bool) -> None:
    (found,) = only(f"docker run --mount {mount} app").mounts
    assert found.is_bare is is_bare


@pytest.mark.parametrize(
    ("mode", "is_bare"), [("", False), (",tmpfs-mode=0755", True), (",tmpfs-mode=1777", False)]
)
def test_a_tmpfs_stays_one_whatever_its_mode(mode: str, is_bare: bool) -> None:
    (found,) = only(f"docker run --mount type=tmpfs,dst=/data{mode} app").mounts
    assert (found.is_tmpfs, found.is_bare) == (True, is_bare)


@pytest.mark.parametrize(
    ("line", "entrypoint", "command"),
    [
        ("docker compose run --rm web sh -c 'echo a'", None, ("sh", "-c", "echo a")),
        ("docker-compose -f a.yml -p x exec -T web python m.py --x", ("python", "m.py", "--x"), None),
        ("docker compose --profile dev run -e A=b --entrypoint sh web x", ("sh",), ("x",)),
        ("docker  compose --env-file=.env run --no-deps web a b", None, ("a", "b")),
        ("podman compose exec -it -w /srv web ls -l", ("ls", "-l"), None),
    ],
)
def test_commands_in_services(
    line: str, entrypoint: tuple[str, ...] | None, command: tuple[str, ...] | None
) -> None:
    (found,) = read_compose_runs("run.sh", line)
    assert (found.kind, found.name) == ("compose run", "web")
    assert (found.entrypoint, found.command) == (entrypoint, command)


@pytest.mark.parametrize(
    "line",
    [
        "docker compose run web",
        "docker compose up run web x",
        "docker compose logs exec x",
        "compose run web x",
    ],
)
def test_services_that_start_as_usual_are_no_commands(line: str) -> None:
    assert list(read_compose_runs("run.sh", line)) == []


@pytest.mark.parametrize(
    ("line", "image", "entrypoint", "command"),
    [
        ("docker run app", "app", None, None),
        ("docker run --rm -it app:1 python jobs.py --all", "app:1", None, ("python", "jobs.py", "--all")),
        ("docker container run -d --name web -p 80:80 app", "app", None, None),
        ("podman run -itv ./a:/a app sh -c 'a && b; c'", "app", None, ("sh", "-c", "a && b; c")),
        ("nerdctl run --entrypoint bash app -c ls && echo app", "app", ("bash",), ("-c", "ls")),
        ("docker run --entrypoint= app python", "app", (), ("python",)),
        ("docker run -p80:80 -e A=1 -u1000 app x", "app", None, ("x",)),
        ("docker run \\\n  --gpus all \\\n  app \\\n  serve", "app", None, ("serve",)),
        ("IMAGE=team/app\ndocker run $IMAGE go", "team/app", None, ("go",)),
        ("IMAGE := team/app\nrun:\n\tdocker run $(IMAGE) go", "team/app", None, ("go",)),
        ("docker run app > log", "app", None, None),
        ("export $(xargs < .env)\ndocker run $IMAGE go", "run.sh/{IMAGE}", None, ("go",)),
        ("docker run ${IMAGE}:latest", "run.sh/{IMAGE}", None, None),
    ],
)
def test_image_and_command(
    line: str, image: str, entrypoint: tuple[str, ...] | None, command: tuple[str, ...] | None
) -> None:
    found = only(line)
    assert (found.image, found.entrypoint, found.command) == (image, entrypoint, command)


@pytest.mark.parametrize(
    "line", ["docker run $(docker build -q .)", "docker run x/$IMAGE-a", "docker run --rm", 'docker run "app']
)
def test_what_is_not_known_or_not_closed_is_left_out(line: str) -> None:
    assert list(read_runs("run.sh", line)) == []


def test_settings_and_their_line() -> None:
    found = only(
        "set -e\ndocker run -u root --privileged --read-only -w /srv -e A=1 -e B \\\n"
        " -v data:/root/x -v ./c:/c:ro --mount type=bind,src=/h,dst=/d,readonly app\n"
    )
    assert found.is_root
    assert not found.is_start
    assert found.line == 2
    assert found.privileged is not None
    assert found.read_only is not None
    assert (found.workdir, found.environment) == ("/srv", (("A", "1"),))
    assert [(one.target.value, one.source, one.read_only) for one in found.mounts] == [
        ("/root/x", "data", False),
        ("/c", "./c", True),
        ("/d", "/h", True),
    ]


def test_lines_are_counted_in_what_was_written() -> None:
    text = "docker run \\\n a\nX=$(date)\ndocker run b\n"
    assert [(one.image, one.line) for one in read_runs("run.sh", text)] == [("a", 1), ("b", 4)]


@pytest.mark.parametrize("path", [".github/workflows/ci.yml", ".gitlab-ci.yml", "Makefile", "docs/README.md"])
def test_files_whose_lines_may_run_an_image(path: str) -> None:
    (found,) = read_manifests([(path, "\tdocker run -v ./data:/data app\n")])
    assert [(mount.source, mount.target.value) for mount in found.mounts] == [("./data", "/data")]


def test_mounts_in_the_comments_of_a_dockerfile() -> None:
    text = (
        "# docker run --user root -v ./data:/data \\\n#   -v hf:/root/.cache/hf shop serve\n"
        "FROM python:3.12-slim AS build\n# docker run -v ./x:/x python:3.12-slim\n# docker run shop\n"
        "RUN echo docker run -v ./y:/y shop\n"
    )
    (found,) = read_commented_mounts("Dockerfile", text)
    assert (found.line, found.image, found.user, found.command) == (1, "shop", None, None)
    assert [(one.source, one.target.value) for one in found.mounts] == [
        ("./data", "/data"),
        ("hf", "/root/.cache/hf"),
    ]


def test_variables_of_make_and_commands_of_the_shell() -> None:
    text = "run:\n\tdocker run -v $$(pwd)/data:/data -v $(DATA):/more $(IMAGE) $$(date)\n"
    (found,) = read_manifests([("Makefile", text)])
    assert found.image == "Makefile/{IMAGE}"
    assert [mount.source for mount in found.mounts] == ["$$_/data", "${DATA}"]
