from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from file_results import changed
from git_repository import Repository

from dockfix.output.owners import Owners
from dockfix.output.patches import PatchFile, PatchFolder, group_by

CODEOWNERS = """\
# who owns what
*                 @everyone
/web/             @web-team @lead   # a remark
*.dockerfile      docker@example.org
/web/legacy/
docs/*            @docs
space\\ d/         @spaces
"""


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("Dockerfile", "@everyone"),
        ("web/Dockerfile", "@web-team @lead"),
        ("web/deep/Dockerfile", "@web-team @lead"),
        ("web/x.dockerfile", "docker@example.org"),
        ("web/legacy/Dockerfile", "unowned"),
        ("docs/Dockerfile", "@docs"),
        ("space d/Dockerfile", "@spaces"),
    ],
)
def test_the_last_pattern_that_matches_owns(tmp_path: Path, name: str, owner: str) -> None:
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github/CODEOWNERS").write_text(CODEOWNERS)
    assert Owners(str(tmp_path)).of(changed(name)) == owner


def test_without_a_file_there_are_no_owners(tmp_path: Path) -> None:
    assert Owners(str(tmp_path)).of(changed("Dockerfile")) == "unowned"


def put_and_split(repository: Repository, kind: str, names: list[str]) -> Path:
    """Split patches of changes to these files, which are committed in the repository."""
    folder: Path = repository.folder / "out"
    repository.put(*names)
    patches = PatchFolder(str(folder), group_by(kind, str(repository.folder)))
    for name in names:
        patches.add(changed(name))
    patches.add(changed(names[-1], review=True, applies=False))
    patches.close()
    return folder


def test_a_patch_for_each_owner_applies_by_itself(repository: Repository) -> None:
    repository.put("CODEOWNERS", text=CODEOWNERS)
    names = ["Dockerfile", "web/Dockerfile", "web/two words/Dockerfile", "web/legacy/Dockerfile"]
    folder = put_and_split(repository, "owner", names)
    assert {path.name for path in folder.iterdir()} == {
        f"{slug}.{kind}" for slug in ("everyone", "web-team-lead", "unowned") for kind in ("patch", "md")
    }
    for patch in folder.glob("*.patch"):
        subprocess.run(["git", "apply", str(patch)], check=True)
    for name in names:
        assert (repository.folder / name).read_text() == "FROM a\nUSER u\nCMD b\n"


def test_a_description_lists_what_a_reviewer_needs(repository: Repository) -> None:
    folder = put_and_split(repository, "dir", ["x/Dockerfile", "x/y/Dockerfile", "Dockerfile"])
    assert {path.stem for path in folder.iterdir()} == {"x", "top-folder"}
    text = (folder / "x.md").read_text()
    assert text.startswith("# Run the images of 2 Dockerfiles as a user instead of root (x)\n\n")
    assert "- `x/Dockerfile`: create-user, set-user\n" in text
    assert "- volumes may hold root's files (chown them): `x/Dockerfile`, `x/y/Dockerfile`\n" in text
    left = (folder / "top-folder.md").read_text().partition("## Not in this patch")[2]
    assert "- `Dockerfile`, line 1: base \\<unknown\\>, 100% [unknown-base] (--base FAMILY)\n" in left


def test_batches_hold_so_many_changes(repository: Repository) -> None:
    folder = put_and_split(repository, "2", [f"{number}/Dockerfile" for number in range(5)])
    counts = {path.stem: path.read_text().count("+++ ") for path in folder.glob("*.patch")}
    assert counts == {"part-001": 2, "part-002": 2, "part-003": 1}


def test_names_that_look_alike_stay_apart(tmp_path: Path) -> None:
    patches = PatchFolder(str(tmp_path), lambda file: file.name)
    for name in ("@a/b", "a b", "A-B", "..", "/"):
        patches.add(changed(name))
    patches.close()
    assert {path.stem for path in tmp_path.iterdir()} == {"a-b", "a-b-2", "A-B-3", "root", "root-2"}


def test_a_folder_whose_name_is_not_text_has_a_description(tmp_path: Path) -> None:
    patches = PatchFolder(str(tmp_path), group_by("dir", "/"))
    patches.add(changed(os.fsdecode(b"b\xff\nc/Dockerfile")))
    patches.close()
    assert (tmp_path / "b-c.md").read_text().splitlines()[0].endswith(r'("b\\377\\nc")')


def test_an_older_patch_is_replaced(tmp_path: Path) -> None:
    for _ in range(2):
        patches = PatchFolder(str(tmp_path), lambda _: "all")
        patches.add(changed("Dockerfile"))
        patches.close()
    assert (tmp_path / "all.patch").read_text() == changed("Dockerfile").patch


def test_one_patch_of_all(tmp_path: Path) -> None:
    patch = PatchFile(str(tmp_path / "all.patch"))
    for name in ("a", "b"):
        patch.add(changed(name))
    patch.close()
    assert (tmp_path / "all.patch").read_text() == changed("a").patch + changed("b").patch


@pytest.mark.parametrize("kind", ["0", "-1", "team", ""])
def test_other_groupings_are_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises(ValueError, match="--split-by must be "):
        group_by(kind, str(tmp_path))
