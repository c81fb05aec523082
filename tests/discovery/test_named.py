from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from git_repository import Repository

from dockfix.discovery import walk
from dockfix.discovery.paths import find_candidates
from dockfix.files import stamps

Run = Callable[..., tuple[int, str, str]]

APP = """\
FROM {base}
WORKDIR /srv
COPY . .
RUN pip install -r requirements.txt
CMD ["python", "app.py"]
"""
COMPOSE = """\
services:
  base: {build: base, image: 'acme/base:1'}
  web: {build: {context: ., dockerfile: docker/web.txt}, image: acme/web}
  job:
    build: {context: job, target: run}
    user: root
"""
POD = """\
kind: Pod
spec:
  securityContext: {runAsNonRoot: true}
  containers:
    - name: NAME
      image: acme/NAME
"""
FILES = ("base/Dockerfile", "docker/web.txt", "job/Dockerfile", "api/Dockerfile")


@pytest.fixture
def family(repository: Repository) -> Repository:
    """A base, images based on it, one of them under another name than Dockerfile, and one that a pod runs."""
    repository.put("compose.yml", text=COMPOSE)
    repository.put("base/Dockerfile", text="FROM python:3.12-slim\nRUN apt-get update\n")
    repository.put("docker/web.txt", text=APP.format(base="acme/base:1"))
    job = APP.format(base="acme/base:1 AS run") + "FROM run AS test\nRUN pip install pytest\nCMD pytest\n"
    repository.put("job/Dockerfile", text=job)
    repository.put("api/Dockerfile", text=APP.format(base="python:3.12-slim"))
    repository.put("deploy/api.yaml", text=POD.replace("NAME", "api"))
    repository.commit()
    return repository


def run_over(dockfix: Run, *paths: str) -> tuple[list[str], list[str]]:
    """The patches, and the messages about the files, both sorted."""
    _, out, err = dockfix("--diff", "-v", *paths)
    return sorted(re.split(r"(?m)^(?=--- )", out)[1:]), sorted(err.partition("\n\n")[0].splitlines())


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.integration
def test_a_named_file_is_reported_like_one_that_is_found(
    family: Repository, dockfix: Run, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if known:
        monkeypatch.setattr(stamps, "_SETTLED", -(10**12))
    for _ in range(1 + known):
        patches, messages = run_over(dockfix, ".")
        assert any("[base-of-others]" in line for line in messages)
        assert any("sets runAsNonRoot" in line for line in messages)
        assert any("[manifest-user]" in line for line in messages)
        for path in FILES:
            assert run_over(dockfix, path) == (
                [patch for patch in patches if f"+++ b/{path}\n" in patch],
                [line for line in messages if line.startswith(path)],
            )
        assert run_over(dockfix, *FILES) == (patches, messages)
        assert run_over(dockfix, "job/Dockerfile", "job/Dockerfile", "api", "base", "docker") == (
            patches,
            messages,
        )


@pytest.mark.integration
def test_the_order_is_that_of_the_command_line(family: Repository) -> None:
    paths = ["job/Dockerfile", "api", "base/Dockerfile"]
    found = [one.path for one in find_candidates(paths) if not one.outside]
    assert found == ["job/Dockerfile", "api/Dockerfile", "base/Dockerfile"]


@pytest.mark.integration
def test_an_image_name_that_is_used_elsewhere_matches_nothing(family: Repository, dockfix: Run) -> None:
    assert "+USER 10001" in dockfix("--diff", "api/Dockerfile")[1]
    family.put("other/api/Dockerfile", text=APP.format(base="python:3.12-slim"))
    family.commit()
    assert "+USER appuser" in dockfix("--diff", "api/Dockerfile")[1]
    assert "+USER appuser" in dockfix("--diff", "api")[1]
    assert dockfix("--diff", "api/Dockerfile") == dockfix("--diff", "api")


@pytest.mark.integration
def test_a_link_and_what_is_not_there_are_taken_by_their_names(family: Repository, dockfix: Run) -> None:
    (family.folder / "link").symlink_to("job/Dockerfile")
    _, out, _ = dockfix("--diff", "link")
    assert out == dockfix("--diff", "job/Dockerfile")[1]
    code, out, err = dockfix("--diff", "gone/Dockerfile", "job/Dockerfile")
    assert code == 123
    assert out == dockfix("--diff", "job/Dockerfile")[1]
    assert "gone/Dockerfile" in err


@pytest.mark.parametrize("rules", [None, "*\n"])
def test_where_git_knows_nothing_no_folder_is_walked(
    repository: Repository, rules: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(walk._Search, "_walk", refuse)
    repository.put("deep/Dockerfile", "deep/compose.yml")
    if rules is None:
        (repository.folder / ".git").rename(repository.folder / "no-git")
    else:
        repository.put(".gitignore", text=rules)
    assert [one.path for one in find_candidates(["deep/Dockerfile"])] == ["deep/Dockerfile"]


@pytest.mark.integration
def test_the_rest_of_a_repository_is_only_read(family: Repository, dockfix: Run) -> None:
    _, _, err = dockfix("--check", "base/Dockerfile")
    assert "1 file processed" in err
