"""The search for a Dockerfile's build context."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from dockfix.context import Context
from dockfix.files.build_context import FolderReader
from dockfix.files.context_search import describe_found


def lay(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def describe(root: Path, lines: str, *named: str, alone: bool = False) -> Context:
    """The context of `docker/api/Dockerfile` with those lines, in the repository `root`."""
    path = root / "docker" / "api" / "Dockerfile"
    lay(root, {"docker/api/Dockerfile": f"FROM python:3.12\nWORKDIR /app\n{lines}\n"})
    folders = [str(root / name) for name in named]
    real = os.path.realpath(path.parent)
    return describe_found(str(path), path.read_text(), folders, real, os.path.realpath(root), alone=alone)


def place(context: Context, root: Path) -> str:
    assert isinstance(context.read, FolderReader)
    return os.path.relpath(os.path.realpath(context.read.folder), os.path.realpath(root))


FILES = {
    "serve.py": "", "src/main.py": "", "docker/start.sh": "", "docker/api/extra.conf": "",
    "docker/lib/a.txt": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("COPY extra.conf .", "docker/api"),
        ("COPY start.sh .", "docker"),
        ("COPY start.sh /x\nADD lib/ /lib", "docker"),
        ("COPY docker/start.sh serve.py ./", "."),
        ("COPY ./src /app/src", "."),
        ("COPY --chmod=755 /serve.py .", "."),
        ('COPY ["docker/lib", "/app/lib"]', "."),
        ("COPY s*.py .", "."),
        ("COPY l?b/*.txt .", "docker"),
        ("COPY docker/start.sh setup.cfg* ./", "."),
        ("ARG FROM=src\nCOPY ${FROM}/main.py .", "."),
        ("COPY ${NOWHERE}/main.py .\nCOPY start.sh .", "docker"),
        ("COPY --from=builder /gone /x\nADD https://example.com/x.tgz /x\nCOPY start.sh .", "docker"),
        ("COPY <<EOF /etc/x\nhello\nEOF\nCOPY start.sh .", "docker"),
        ('COPY . .\nCMD ["python", "serve.py"]', "."),
        ('COPY . .\nCMD ["python", "-m", "src.main"]', "."),
        ('COPY . .\nCMD ["python", "-m", "http.server"]', "docker/api"),
        ("COPY . .\nCMD ./start.sh", "docker"),
        ("RUN true", "docker/api"),
        ("COPY .env .\nCOPY start.sh .", "docker"),
        ("COPY config/.env.production start.sh ./", "docker"),
    ],
)
def test_it_is_the_nearest_that_has_what_is_copied(tmp_path: Path, lines: str, found: str) -> None:
    lay(tmp_path, FILES)
    context = describe(tmp_path, lines)
    assert (place(context, tmp_path), context.missing) == (found, ())


@pytest.mark.parametrize(
    ("ignored", "found"),
    [
        ("docker/.dockerignore", "."),
        ("docker/api/Dockerfile.dockerignore", "docker/api"),
    ],
)
def test_what_is_ignored_is_not_there(tmp_path: Path, ignored: str, found: str) -> None:
    lay(tmp_path, {"docker/start.sh": "", "start.sh": "", ignored: "*.sh\n"})
    context = describe(tmp_path, "COPY start.sh .")
    assert place(context, tmp_path) == found


def test_a_folder_is_there_when_anything_of_it_is(tmp_path: Path) -> None:
    lay(tmp_path, {"src/pkg/main.py": "", ".dockerignore": "*\n!src/pkg/main.py\n"})
    assert describe(tmp_path, "COPY src /app").missing == ()
    lay(tmp_path, {".dockerignore": "*\n!other\n"})
    assert [one.path for one in describe(tmp_path, "COPY src /app").missing] == ["src"]


def test_what_no_folder_holds_is_missing(tmp_path: Path) -> None:
    lay(tmp_path, FILES)
    context = describe(tmp_path, "COPY serve.py .\nCOPY build/app.whl .")
    assert [(one.path, one.line) for one in context.missing] == [("build/app.whl", 4)]
    context = describe(tmp_path, "COPY extra.conf .\nCOPY serve.py .")
    assert [one.path for one in context.missing] == ["serve.py"]
    assert describe(tmp_path, "COPY gone .", "docker").missing == ()


def test_nothing_is_missing_where_only_dockerfiles_are_known(tmp_path: Path) -> None:
    lay(tmp_path, {"other/Dockerfile": "FROM a\n", "web.Dockerfile": "FROM a\n"})
    assert describe(tmp_path, "COPY app.py .").missing == ()


def test_a_lone_file_is_read_where_it_lies(tmp_path: Path) -> None:
    lay(tmp_path, FILES)
    context = describe(tmp_path, "COPY start.sh .", alone=True)
    assert (place(context, tmp_path), context.is_alone) == ("docker/api", True)


def test_callers_come_first_and_each_that_fits_is_read(tmp_path: Path) -> None:
    lay(tmp_path, {**FILES, "other/start.sh": ""})
    context = describe(tmp_path, "COPY start.sh .", "other", "src", "docker", "gone")
    assert [place(one, tmp_path) for one in (context, *context.also)] == ["other", "docker"]
    assert place(describe(tmp_path, "COPY start.sh .", "src"), tmp_path) == "docker"


def test_nothing_above_the_repository_is_looked_at(tmp_path: Path) -> None:
    lay(tmp_path, {"serve.py": "", "repository/x.py": ""})
    context = describe(tmp_path / "repository", "COPY serve.py .")
    assert [one.path for one in context.missing] == ["serve.py"]
