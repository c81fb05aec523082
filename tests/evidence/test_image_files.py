from __future__ import annotations

from collections.abc import Mapping

import pytest
from folders import listing

from dockfix.evidence.image_files import Layout, ignore_rules, read_layout
from dockfix.syntax.parser import parse


def layout(text: str, files: Mapping[str, str]) -> Layout:
    return read_layout(parse(text), files.get, listing(files))


@pytest.mark.parametrize(
    ("lines", "path", "source"),
    [
        ("COPY . /srv", "/srv/a/b.py", "a/b.py"),
        ("WORKDIR /srv\nWORKDIR app\nCOPY . .", "/srv/app/a/b.py", "a/b.py"),
        ("WORKDIR /srv\nCOPY a ./lib/", "/srv/lib/b.py", "a/b.py"),
        ("COPY main.py /srv/start.py", "/srv/start.py", "main.py"),
        ("COPY main.py setup.cfg /srv/", "/srv/main.py", "main.py"),
        ("WORKDIR /srv\nCOPY main.py .", "/srv/main.py", "main.py"),
        ("COPY *.py /srv/", "/srv/main.py", "main.py"),
        ('COPY ["a", "/srv dir"]', "/srv dir/b.py", "a/b.py"),
        ("ARG D=/srv\nENV E=$D/app\nCOPY a $E", "/srv/app/b.py", "a/b.py"),
        ("COPY . /srv", "/srv/a/secret.py", None),
        ("COPY . /srv", "/srv/none.py", None),
        ("COPY a /srv\nCOPY main.py /srv/b.py", "/srv/b.py", "main.py"),
        ("ARG DIR\nCOPY $DIR /srv", "/srv/main.py", None),
        ("ARG DIR\nCOPY ${DIR}/a main.py /srv/", "/srv/main.py", "main.py"),
        ("COPY ${DIR:-a} /srv", "/srv/b.py", "a/b.py"),
    ],
)
def test_a_path_of_the_image_leads_to_its_source(lines: str, path: str, source: str | None) -> None:
    files = {"main.py": "1", "setup.cfg": "", "a/b.py": "2", "a/secret.py": "3", ".dockerignore": "a/sec*"}
    assert layout("FROM python\n" + lines, files).source_of(path) == source


@pytest.mark.parametrize(
    ("copy", "path"),
    [
        ("COPY <<EOF /srv/main.py", "/srv/main.py"),
        ("WORKDIR /srv\nCOPY <<main.py ./", "/srv/main.py"),
        ("WORKDIR /srv\nCOPY <<main.py other.py .", "/srv/main.py"),
    ],
)
def test_a_text_in_the_file_is_read_where_it_lands(copy: str, path: str) -> None:
    end = "EOF" if "EOF" in copy else "main.py"
    found = layout(
        f"FROM python\n{copy}\nimport os\n{end}\n", {"other.py": "1", "main.py": "2", ".dockerignore": "*"}
    )
    assert found.read(path) == "import os\n"
    assert found.exists(path)


def test_a_copy_from_another_stage_is_followed() -> None:
    text = (
        "FROM a AS build\nWORKDIR /src\nCOPY . .\nFROM b AS run\nCOPY --from=build /src/app /app\nFROM run\n"
    )
    found = layout(text, {"app/main.py": "1"})
    assert found.source_of("/app/main.py") == "app/main.py"


def test_a_stage_gives_its_directory_and_environment_to_its_children() -> None:
    base = 'FROM a AS base\nWORKDIR /app\nENV A=1 B="x y"\nCMD ["one"]\n'
    text = base + 'FROM base\nENV C=$A$A\nENTRYPOINT ["two"]\n'
    found = layout(text, {})
    assert found.workdir == "/app"
    assert dict(found.env) == {"A": "1", "B": "x y", "C": "11"}
    assert [line.json for line in found.start_lines] == [("two",), ("one",)]


@pytest.mark.parametrize(
    ("rules", "path", "ignored"),
    [
        ("a.py", "a.py", True),
        ("a.py", "sub/a.py", False),
        ("**/a.py", "sub/a.py", True),
        ("sub", "sub/a.py", True),
        ("sub/\n!sub/a.py", "sub/a.py", False),
        ("*\n!app", "app/a.py", False),
        ("*\n!app", "b.py", True),
        ("# a.py\n\n", "a.py", False),
        ("./a.py", "a.py", True),
    ],
)
def test_the_ignore_file_is_read_as_docker_reads_it(rules: str, path: str, ignored: bool) -> None:
    assert ignore_rules({".dockerignore": rules}.get)(path) is ignored


def test_a_dockerfiles_own_ignore_file_comes_first() -> None:
    files = {".dockerignore": "a.py", "web.Dockerfile.dockerignore": "b.py"}
    ignores = ignore_rules(files.get, "web.Dockerfile")
    assert [ignores("a.py"), ignores("b.py")] == [False, True]
