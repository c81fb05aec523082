from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from git_repository import Repository

from dockfix.discovery.paths import find_candidates
from dockfix.files.candidates import UNKNOWN, Build, Candidate
from dockfix.model.lineage import find_lineages, read_stages
from dockfix.options import Options
from dockfix.repository.bases import _read_bases, relate
from dockfix.syntax.parser import parse

APP = """\
FROM {base}
WORKDIR /srv
COPY . .
RUN pip install -r requirements.txt
CMD ["python", "app.py"]
"""
BASE = """\
FROM python:3.12-slim-bookworm
RUN apt-get update && apt-get install -y libpq5
ENV APP_ENV=production
WORKDIR /srv
"""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def family(repository: Repository) -> Repository:
    """A base, two images based on it, and the compose file that says so."""
    repository.put(
        "compose.yml",
        text="services:\n"
        "  base: {build: base, image: 'acme/base:1'}\n"
        "  web: {build: {context: ., dockerfile: docker/web.txt}, image: acme/web}\n"
        "  job: {build: {context: job, target: run}}\n",
    )
    repository.put("base/Dockerfile", text=BASE)
    repository.put("docker/web.txt", text=APP.format(base="acme/base:1"))
    repository.put("app.py", text="print()\n")
    repository.put(
        "job/Dockerfile",
        text='ARG REGISTRY=acme\nARG BASE=acme/base\nFROM ${BASE} AS run\nCMD ["python", "job.py"]\n'
        'FROM run AS test\nRUN pip install pytest\nCMD ["pytest"]\n',
    )
    repository.commit()
    return repository


def test_what_files_name_is_found_with_its_context(family: Repository) -> None:
    found = {candidate.path: candidate.folders for candidate in find_candidates(["."])}
    assert found == {"base/Dockerfile": ("base",), "job/Dockerfile": ("job",), "docker/web.txt": (".",)}


@pytest.mark.parametrize(
    ("builds", "expected"),
    [
        ([(("A", "1"), ("B", "2"))], {"A": "1", "B": "2"}),
        # Only what every build gives, and of several values one that a build really has.
        ([(("A", "1"), ("B", "2")), (("A", "3"),)], {"A": "1"}),
        ([(("A", UNKNOWN),), (("A", "3"),)], {"A": "3"}),
        ([(("A", None),), (("A", UNKNOWN),)], {}),
        ([(("A", "app"),), (("A", "root"),), (("A", "0"),)], {"A": "root"}),
        ([(("A", "1"),), ()], {}),
    ],
)
def test_arguments_that_every_build_gives_have_a_value(
    builds: list[tuple[tuple[str, str | None], ...]], expected: dict[str, str]
) -> None:
    rows = tuple(Build("compose.yml", "Dockerfile", ".", arguments=one) for one in builds)
    candidate = Candidate("Dockerfile", "/Dockerfile", builds=rows)
    related = relate([candidate], [Options()], (), options_of=lambda _: Options(), by_number=lambda _: False)
    assert dict(related.options[0].arguments) == expected


def test_arguments_of_builds_stand_in_for_defaults_that_are_missing() -> None:
    text = "ARG PY\nFROM python:$PY\nARG WHO\nARG MODE=x\nUSER $WHO\nWORKDIR /srv/$MODE\nCMD a\n"
    given = (("PY", "3.12-slim"), ("WHO", "app"), ("MODE", "y"))
    (lineage,) = find_lineages(read_stages(parse(text), Options(arguments=given)), ())
    assert (lineage.image.name, lineage.image.tag) == ("python", "3.12-slim")
    assert (lineage.end.user, lineage.end.workdir) == ("app", "/srv/x")


def test_arguments_of_one_build_replace_defaults() -> None:
    text = "ARG PY=3.9\nFROM python:$PY\nARG MODE=x\nARG OTHER=z\nWORKDIR /srv/$MODE/$OTHER\nCMD a\n"
    given = Options(arguments=(("PY", "3.12-slim"), ("MODE", "y")), overrides=True)
    (lineage,) = find_lineages(read_stages(parse(text), given), ())
    assert (lineage.image.tag, lineage.end.workdir) == ("3.12-slim", "/srv/y/z")


@pytest.mark.integration
def test_a_base_keeps_root_and_its_children_get_the_user(dockfix: Run, family: Repository) -> None:
    code, out, err = dockfix("--diff", ".")
    assert code == 0
    assert (
        "base/Dockerfile:1: the base of docker/web.txt, job/Dockerfile, whose steps run as this image's user"
        " [base-of-others] (they get the user, and this image keeps root)\n"
    ) in err
    assert "unknown-base" not in err
    names = [line for line in out.splitlines() if line.startswith("+++ ")]
    assert names == ["+++ b/job/Dockerfile", "+++ b/docker/web.txt"]
    assert "+RUN adduser --disabled-password --gecos '' appuser" in out
    subprocess.run(["git", "apply", "--check"], input=out.encode(), check=True)


@pytest.mark.integration
def test_a_target_that_is_built_ships(dockfix: Run, family: Repository) -> None:
    _, out, _ = dockfix("--diff", ".")
    job = out.partition("+++ b/job/Dockerfile")[2].partition("--- ")[0]
    assert job.index("+USER appuser") < job.index("FROM run AS test")


@pytest.mark.integration
def test_an_excluded_file_stays_out_however_it_is_named(family: Repository, dockfix: Run) -> None:
    _, out, _ = dockfix("--diff", ".", "--exclude", "docker/")
    assert "web.txt" not in out


@pytest.mark.integration
def test_a_named_context_of_bake_is_a_base(dockfix: Run, repository: Repository) -> None:
    repository.put(
        "docker-bake.hcl",
        text='target "base" { context = "base" }\n'
        'target "app" {\n  context = "app"\n  contexts = { base = "target:base" }\n}\n',
    )
    repository.put("base/Dockerfile", text=BASE)
    repository.put("app/Dockerfile", text=APP.format(base="base"))
    _, out, err = dockfix("--diff", ".")
    assert "base/Dockerfile:1: the base of app/Dockerfile, whose" in err
    assert "+++ b/app/Dockerfile" in out


@pytest.mark.integration
def test_one_that_is_built_on_itself_ends(dockfix: Run, repository: Repository) -> None:
    for one, other in (("a", "b"), ("b", "a")):
        repository.put(f"{one}/Dockerfile", text=APP.format(base=f"acme/{other}"))
    build = "docker build -t acme/{0} {0}\n"
    repository.put("build.sh", text=build.format("a") + build.format("b"))
    code, _, err = dockfix("--check", ".")
    assert code == 0
    assert "base-of-others 2\n" in err


@pytest.mark.integration
def test_a_folder_is_seen_in_its_repository(dockfix: Run, family: Repository) -> None:
    found = list(find_candidates(["docker", "job"]))
    assert [(one.path, one.folders) for one in found if not one.outside] == [
        ("docker/web.txt", (".",)),
        ("job/Dockerfile", ("job",)),
    ]
    assert [one.path for one in found if one.outside] == ["base/Dockerfile"]
    code, out, err = dockfix("--diff", "docker", "job")
    assert code == 0
    assert "unknown-base" not in err
    assert [line for line in out.splitlines() if line.startswith("+++ ")] == [
        "+++ b/docker/web.txt",
        "+++ b/job/Dockerfile",
    ]
    job = out.partition("+++ b/job/Dockerfile")[2]
    assert job.index("+USER appuser") < job.index("FROM run AS test")


@pytest.mark.integration
def test_a_base_keeps_root_for_children_elsewhere(dockfix: Run, family: Repository) -> None:
    code, out, err = dockfix("--diff", "base")
    assert (code, out) == (0, "")
    assert "base/Dockerfile:1: the base of docker/web.txt, job/Dockerfile, whose steps" in err


@pytest.mark.integration
def test_from_a_folder_below_paths_start_there(
    dockfix: Run, family: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(family.folder / "docker")
    found = {one.path: one.folders for one in find_candidates(["."]) if not one.outside}
    assert found == {"web.txt": ("..",)}
    monkeypatch.chdir(family.folder / "base")
    _, out, err = dockfix("--diff")
    assert out == ""
    assert "Dockerfile:1: the base of ../docker/web.txt, ../job/Dockerfile, whose steps" in err


@pytest.mark.parametrize(
    ("image", "reference"),
    [
        ("acme/base:1", "acme/base"),
        ("registry.example.org:5000/acme/base:1", "base:2"),
        ("base", "ghcr.io/acme/base@sha256:0000"),
        ("registry.example.org/base", "${REGISTRY}/base:${TAG}"),
    ],
)
@pytest.mark.integration
def test_a_base_is_found_by_its_name_without_registry_and_tag(
    image: str, reference: str, dockfix: Run, repository: Repository
) -> None:
    repository.put(
        "compose.yml", text=f"services:\n  base: {{build: base, image: '{image}'}}\n  web: {{build: web}}\n"
    )
    repository.put("base/Dockerfile", text=BASE)
    repository.put("web/Dockerfile", text=f"ARG REGISTRY\nARG TAG\n{APP.format(base=reference)}")
    repository.commit()
    _, out, err = dockfix("--diff", ".")
    assert "base/Dockerfile:1: the base of web/Dockerfile" in err
    assert "+++ b/web/Dockerfile" in out


@pytest.mark.integration
def test_a_base_of_another_folder_of_a_registry_is_not_read_but_its_namesake_keeps_root(
    dockfix: Run, repository: Repository
) -> None:
    repository.put("compose.yml", text="services:\n  base: {build: base, image: acme/base}\n")
    repository.put("base/Dockerfile", text=BASE)
    repository.put("web/Dockerfile", text=APP.format(base="ghcr.io/other/base"))
    repository.commit()
    _, out, err = dockfix("--diff", ".")
    assert "base/Dockerfile:1: the base of web/Dockerfile" in err
    assert "[unknown-base]" in err
    assert "+++ b/web/Dockerfile" not in out


@pytest.mark.integration
@pytest.mark.parametrize("name", ["acme/python", "python:3.8"])
def test_a_public_image_is_no_base_of_the_repository(dockfix: Run, repository: Repository, name: str) -> None:
    repository.put("compose.yml", text=f"services:\n  python: {{build: base, image: '{name}'}}\n")
    repository.put("base/Dockerfile", text=BASE)
    repository.put("web/Dockerfile", text=APP.format(base="python:3.12-slim"))
    repository.commit()
    assert "base-of-others" not in dockfix("--diff", ".")[2]


@pytest.mark.integration
def test_the_stage_that_is_built_and_the_account_that_it_makes_are_the_bases(
    dockfix: Run, repository: Repository
) -> None:
    repository.put(
        "compose.yml",
        text="services:\n  base: {build: {context: base, target: run}, image: acme/base}\n"
        "  web: {build: web}\n",
    )
    repository.put(
        "base/Dockerfile",
        text="FROM python:3.12-slim-bookworm AS run\nRUN useradd --create-home worker\n"
        "WORKDIR /srv\nUSER worker\n\nFROM python:3.12-slim AS test\nRUN pip install pytest\n",
    )
    repository.put("web/Dockerfile", text=APP.format(base="acme/base"))
    repository.commit()
    _, out, err = dockfix("--diff", ".")
    assert "unknown-base" not in err
    assert "web/Dockerfile" not in out


@pytest.mark.integration
def test_an_account_that_a_base_makes_runs_the_images_that_are_built_on_it(
    dockfix: Run, repository: Repository
) -> None:
    repository.put(
        "compose.yml", text="services:\n  base: {build: base, image: acme/base}\n  web: {build: web}\n"
    )
    repository.put(
        "base/Dockerfile", text="FROM python:3.12-slim-bookworm\nRUN useradd --create-home worker\n"
    )
    repository.put("web/Dockerfile", text=APP.format(base="acme/base"))
    repository.commit()
    _, out, _ = dockfix("--diff", "web/Dockerfile")
    assert "+USER worker\n" in out
    assert "useradd" not in out


@pytest.mark.parametrize(
    ("step", "left"),
    [
        ("RUN pip install nltk && python -m nltk.downloader punkt", "/root/nltk_data"),
        ("RUN pip install --user gunicorn", "/root/.local"),
        ("RUN uv sync --python 3.13", "uv's Python"),
        ("RUN pip install nltk", ""),
        ("RUN mkdir /root/work && rm -rf /root/work", ""),
    ],
)
def test_what_a_base_leaves_in_the_home_of_root_is_a_review(
    dockfix: Run, repository: Repository, step: str, left: str
) -> None:
    repository.put("compose.yml", text="services:\n  base: {build: base, image: acme/base}\n")
    repository.put("base/Dockerfile", text=f"FROM python:3.12-slim\n{step}\n")
    repository.put("web/Dockerfile", text=APP.format(base="acme/base"))
    repository.commit()
    err = dockfix("--diff", ".")[2]
    assert ("unknown-base" in err) == bool(left)
    assert not left or f"its build leaves {left} in root's home" in err


@pytest.mark.parametrize(
    ("text", "parents", "copied"),
    [
        ("FROM acme/a\nRUN x\n", ["acme/a"], []),
        ("FROM acme/a:1 AS a\nFROM python\nCOPY --from=a /opt/a /opt/a\n", ["python"], []),
        ("FROM acme/a AS a\n# nothing\n\nFROM python\nCOPY --from=a /root/x /x\n", ["python"], ["acme/a"]),
        ("FROM acme/a AS a\nARG X\nFROM a\n", ["acme/a", "a"], []),
        ("FROM acme/a AS a\nRUN x\nFROM python\nCOPY --from=a /opt /opt\n", ["acme/a", "python"], []),
        ("FROM python\nCOPY --link --from=acme/a:2 /opt/a /usr/local/lib/a /opt/\n", ["python"], ["acme/a"]),
        ("FROM python\nCOPY --from=acme/a /opt/a /usr/local/\n", ["python"], []),
        ("FROM python\nCOPY --from=acme/a $PLACE /opt/\n", ["python"], ["acme/a"]),
        ("FROM python\nCOPY --from=acme/a app /opt/\n", ["python"], ["acme/a"]),
        ("FROM acme/a AS a\n", ["acme/a"], []),
    ],
)
def test_images_that_are_only_copied_from_run_no_steps(
    tmp_path: Path, text: str, parents: list[str], copied: list[str]
) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text(text)
    _, found, moving = _read_bases(str(file))
    assert (list(found), list(moving)) == (parents, copied)


@pytest.mark.integration
def test_a_file_without_stages_builds_on_nothing(dockfix: Run, repository: Repository) -> None:
    repository.put(
        "compose.yml", text="services:\n  base: {build: base, image: acme/base}\n  web: {build: web}\n"
    )
    repository.put("base/Dockerfile", text="# to be written\n")
    repository.put("web/Dockerfile", text=APP.format(base="acme/base"))
    repository.commit()
    _, _, err = dockfix("--diff", ".")
    assert "unknown-base" in err
