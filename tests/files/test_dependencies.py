from __future__ import annotations

import os
from pathlib import Path

import pytest

from dockfix.files import stamps
from dockfix.files.build_context import describe_context
from dockfix.files.dependencies import Surroundings, mark_folder, note_surroundings
from dockfix.files.stamps import Stamps


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app" / "sub").mkdir(parents=True)
    (tmp_path / "app" / "other").mkdir()
    (tmp_path / "app" / "Dockerfile").write_text("FROM a\n")
    (tmp_path / "app" / "sub" / "entry.sh").write_text("exec x\n")
    return tmp_path / "app"


def look(folder: Path) -> Surroundings:
    """The dependencies of reading a file, a missing file, and a folder."""
    path = str(folder / "Dockerfile")
    beside = mark_folder(path)
    context = describe_context(path)
    assert context.names is not None
    assert context.names("sub") == {"entry.sh"}
    assert context.read("sub/entry.sh") == "exec x\n"
    assert context.read("far/away/gone.txt") is None
    return note_surroundings(context, beside)


CHANGES = [
    ("sub/entry.sh", "exec y\n", False),
    ("sub/new.py", "", False),
    ("new.txt", "", False),
    ("far/away/gone.txt", "here\n", False),
    ("other/new.py", "", True),
]


@pytest.mark.parametrize(("path", "text", "holds"), [*CHANGES, ("sub/entry.sh", "exec x\n", True)])
def test_by_content_it_holds_until_that_changes(folder: Path, path: str, text: str, holds: bool) -> None:
    seen = look(folder)
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text)
    again = seen.renew(str(folder / "Dockerfile"))
    assert (again is not None) is holds
    if again is not None:
        assert (again.names, again.reads) == (seen.names, seen.reads)


@pytest.mark.parametrize(("path", "text", "holds"), [*CHANGES, ("sub/entry.sh", "exec x\n", False)])
def test_by_its_marks_it_holds_while_nothing_is_touched(
    folder: Path, path: str, text: str, holds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stamps, "_SETTLED", -(10**12))
    seen = look(folder)
    assert seen.marks is not None
    assert Stamps().hold(seen.marks)
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text)
    assert Stamps().hold(seen.marks) is holds


@pytest.mark.parametrize(
    ("link", "target", "asked"),
    [("sub/lib", "other/gone", "sub/lib/a.py"), ("sub/a.py", "other/gone/a.py", "sub/a.py")],
)
def test_what_a_link_to_nothing_leads_to_is_seen_when_it_comes(
    folder: Path, link: str, target: str, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stamps, "_SETTLED", -(10**12))
    (folder / link).symlink_to(f"../{target}")
    for lists in (True, False):
        context = describe_context(str(folder / "Dockerfile"))
        assert context.names is not None
        if lists:
            assert context.names("sub") == {"entry.sh", os.path.basename(link)}
        else:
            assert context.read(asked) is None
        marks = note_surroundings(context, mark_folder(str(folder / "Dockerfile"))).marks
        assert marks is not None
        assert Stamps().hold(marks)
        (folder / "other" / "gone").mkdir()
        (folder / "other" / "gone" / "a.py").write_text("")
        assert not Stamps().hold(marks)
        (folder / "other" / "gone" / "a.py").unlink()
        (folder / "other" / "gone").rmdir()


def test_what_is_new_is_not_trusted(folder: Path) -> None:
    marks = look(folder).marks
    assert marks is not None
    assert {then for _, then in marks} == {None}
    assert not Stamps().hold(marks)


@pytest.mark.parametrize(("mode", "holds"), [(0o644, True), (0o600, False)])
def test_modes_that_were_asked_for_are_asked_for_again(folder: Path, mode: int, holds: bool) -> None:
    path = str(folder / "Dockerfile")
    beside = mark_folder(path)
    context = describe_context(path)
    assert context.closed("sub") == ()
    seen = note_surroundings(context, beside)
    assert seen.marks is not None
    assert any(then is None for _, then in seen.marks), "no stamp shows a change of mode"
    (folder / "sub" / "entry.sh").chmod(mode)
    assert (seen.renew(path) is not None) is holds
