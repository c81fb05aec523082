from __future__ import annotations

from pathlib import Path

import pytest

from dockfix.files import stamps
from dockfix.files.build_context import MAX_BYTES, FolderReader, describe_context


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    app = tmp_path / "app"
    (app / "sub").mkdir(parents=True)
    (app / "Dockerfile").write_text("FROM a\n")
    (app / "sub" / "entry.sh").write_text("exec x\n")
    (app / "inside").symlink_to("sub/entry.sh")
    (tmp_path / "secret").write_text("s\n")
    (app / "outside").symlink_to("../secret")
    (app / "absolute").symlink_to(tmp_path / "secret")
    (app / "binary").write_bytes(b"\xff\xfe")
    (app / "large").write_text("x" * (MAX_BYTES + 1))
    return app


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("sub/entry.sh", "exec x\n"),
        ("./sub/../sub/entry.sh", "exec x\n"),
        ("/sub/entry.sh", "exec x\n"),
        ("inside", "exec x\n"),
        ("../secret", None),
        ("outside", None),
        ("absolute", None),
        ("binary", None),
        ("large", None),
        ("sub", None),
        ("gone", None),
        ("", None),
        ("a\0b", None),
    ],
)
def test_reading_stays_inside(folder: Path, path: str, text: str | None) -> None:
    assert describe_context(str(folder / "Dockerfile")).read(path) == text


def test_siblings_are_the_names_beside_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    context = describe_context("sub/entry.sh", ".")
    assert context.path == "sub/entry.sh"
    assert context.siblings == {"entry.sh"}
    assert context.read("Dockerfile") == "FROM a\n"


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("", {"Dockerfile", "sub/", "inside", "outside", "absolute", "binary", "large"}),
        ("sub", {"entry.sh"}),
        ("sub/", {"entry.sh"}),
        ("gone", set()),
        ("..", set()),
        ("Dockerfile", set()),
    ],
)
def test_listing_stays_inside(folder: Path, path: str, names: set[str]) -> None:
    list_names = describe_context(str(folder / "Dockerfile")).names
    assert list_names is not None
    assert list_names(path) == names


def test_a_file_in_a_folder_that_cannot_be_listed_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = describe_context(str(folder / "Dockerfile"))

    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("os.scandir", refuse)
    assert context.names is not None
    assert context.names("sub") == frozenset()
    assert context.read("sub/entry.sh") == "exec x\n"


@pytest.mark.parametrize("name", ["gone", "gone/deeper", "sub/gone"])
def test_what_a_listing_lacks_is_marked(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stamps, "_SETTLED", -(10**15))  # what is new can be trusted here
    context = describe_context(str(folder / "Dockerfile"))
    assert context.names is not None
    context.names("sub")
    assert context.read(name) is None
    assert isinstance(context.read, FolderReader)
    marks = list(context.read.marks)
    assert stamps.Stamps().hold(marks)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("new")
    assert not stamps.Stamps().hold(marks)
