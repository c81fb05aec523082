from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import pytest
from git_repository import Repository

from dockfix.discovery.paths import find_candidates
from dockfix.files.patterns import Patterns, Selection


def found(*paths: str, **selection: str | bool) -> list[str]:
    """The paths found; rejected ones with their code."""
    here = os.path.realpath(".")
    chosen = Selection(
        (Patterns(here, tuple(str(selection.get("include", "")).split())),),
        (Patterns(here, tuple(str(selection.get("exclude", "")).split())),),
        bool(selection.get("everything")),
    )
    return [
        f"{candidate.path} [{candidate.refusal.code}]" if candidate.refusal else candidate.path
        for candidate in find_candidates(paths or (".",), chosen)
        if not candidate.outside
    ]


def test_what_git_tracks_and_what_it_would_track(repository: Repository) -> None:
    repository.put("tracked/Dockerfile", "ignored/tracked.Dockerfile", "gone/Dockerfile")
    repository.commit()
    repository.put(".gitignore", text="ignored/\n*.local.dockerfile\n")
    repository.put("new/Dockerfile", "ignored/Dockerfile", "x.local.dockerfile")
    (repository.folder / "gone/Dockerfile").unlink()
    assert found() == ["ignored/tracked.Dockerfile", "tracked/Dockerfile", "new/Dockerfile"]
    assert found("tracked", "new") == ["tracked/Dockerfile", "new/Dockerfile"]


def test_an_ignored_folder_that_is_named_is_searched(repository: Repository) -> None:
    repository.put(".gitignore", text="build/\n")
    repository.put("build/Dockerfile", "build/deep/Dockerfile")
    assert found("build") == ["build/Dockerfile", "build/deep/Dockerfile"]


def test_everything_is_everything_but_git(repository: Repository) -> None:
    repository.put(".gitignore", text="build/\n")
    repository.put("build/Dockerfile", "vendor/Dockerfile", "node_modules/x/Dockerfile", ".git/Dockerfile")
    assert found(everything=True) == ["build/Dockerfile", "node_modules/x/Dockerfile", "vendor/Dockerfile"]


def test_vendored_files_say_so(repository: Repository) -> None:
    repository.put("vendor/x/Dockerfile", "Dockerfile")
    repository.commit()
    assert found() == ["Dockerfile", "vendor/x/Dockerfile [vendored]"]
    assert found(include="vendor/x/") == ["Dockerfile", "vendor/x/Dockerfile"]


def test_patterns_add_and_take_away(repository: Repository) -> None:
    repository.put("image.build", "sub/image.build", "legacy/Dockerfile", "Dockerfile", "main.py")
    repository.commit()
    assert found(include="*.build", exclude="legacy/") == ["Dockerfile", "image.build", "sub/image.build"]
    assert found(include="/image.build", exclude="Dockerfile") == ["image.build"]


def test_submodules_are_named(repository: Repository, tmp_path: Path) -> None:
    other = Repository(tmp_path / "other")
    other.folder.mkdir()
    other.git("init", "--quiet")
    other.put("Dockerfile")
    other.commit()
    repository.git("submodule", "--quiet", "add", str(other.folder), "lib")
    assert found() == ["lib [submodule]"]
    assert found("lib") == ["lib/Dockerfile"]


def test_links_are_followed_only_within(repository: Repository, tmp_path: Path) -> None:
    repository.put("real/Dockerfile", "b/other.Dockerfile")
    (tmp_path / "outside").write_text("FROM a\n")
    links = {
        "Dockerfile": "real/Dockerfile",
        "a.Dockerfile": "b/target.txt",
        "c.Dockerfile": "../outside",
        "d.Dockerfile": "nowhere",
        "e.Dockerfile": "e.Dockerfile",
        "f.Dockerfile": "real",
        "up": "..",
    }
    for name, target in links.items():
        (repository.folder / name).symlink_to(target)
    repository.put("b/target.txt")
    repository.commit()
    assert found() == [
        "b/other.Dockerfile",
        "real/Dockerfile",
        "a.Dockerfile",
        "c.Dockerfile [outside]",
        "d.Dockerfile [dead-link]",
        "e.Dockerfile [dead-link]",
        "f.Dockerfile [not-a-file]",
    ]


def test_names_of_any_kind_arrive(repository: Repository) -> None:
    names = ["new\nline.Dockerfile", "tab\t.Dockerfile", 'quo"te.Dockerfile', "größe.Dockerfile"]
    broken = os.fsdecode(b"caf\xe9.Dockerfile")
    repository.put(*names, broken)
    repository.commit()
    assert sorted(found()) == sorted([*names, broken])


def test_what_is_not_a_file_is_reported(repository: Repository) -> None:
    repository.put("Dockerfile/inner.Dockerfile", "app/Containerfile/x.txt", "dockerfile/x.txt")
    repository.commit()
    os.mkfifo("pipe.Dockerfile")
    assert found() == [
        "Dockerfile [not-a-file]",
        "Dockerfile/inner.Dockerfile",
        "app/Containerfile [not-a-file]",
    ]
    assert found(everything=True) == [
        "Dockerfile [not-a-file]",
        "Dockerfile/inner.Dockerfile",
        "app/Containerfile [not-a-file]",
        "pipe.Dockerfile [not-a-file]",
    ]


def test_without_git_the_ignore_files_decide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    here = Repository(tmp_path)
    here.put(".gitignore", text="build/\n/top.Dockerfile\n")
    here.put("sub/.ignore", text="*.Dockerfile\n!kept.Dockerfile\n")
    here.put("build/Dockerfile", "top.Dockerfile", "deep/top.Dockerfile")
    here.put("sub/x.Dockerfile", "sub/kept.Dockerfile")
    here.put("env/pyvenv.cfg", "env/Dockerfile", "sub/deep/y.Dockerfile")
    assert found() == ["deep/top.Dockerfile", "sub/kept.Dockerfile"]


def test_repositories_in_a_plain_folder_answer_for_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        clone = Repository(tmp_path / name)
        clone.folder.mkdir()
        clone.git("init", "--quiet")
        clone.put(".gitignore", text="ignored\n")
        clone.put("Dockerfile", "ignored/Dockerfile")
        clone.commit()
    assert found() == ["one/Dockerfile", "two/Dockerfile"]


def test_a_folder_closed_to_git_is_reported(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    from dockfix.files import git, git_command

    class Answered(git_command.Running):
        failure = ""

        def __init__(self) -> None:
            pass

        def read(self, *, check: bool = True) -> bytes:
            return b"Dockerfile\0"

        def messages(self) -> str:
            return "warning: could not open directory 'closed/': Permission denied\n"

    repository.put("Dockerfile")
    listing = git.Listing(b"", Answered())
    monkeypatch.setattr("dockfix.discovery.walk.list_files", lambda _: nullcontext(listing))
    assert found() == ["Dockerfile", "closed [unreadable]"]


def test_without_git_installed_the_folder_is_walked(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.put(".gitignore", text="ignored/\n")
    repository.put("Dockerfile", "ignored/Dockerfile")
    monkeypatch.setenv("PATH", "/nonexistent")
    assert found() == ["Dockerfile"]


def test_a_file_that_a_service_names_as_its_context_holds_no_dockerfile(repository: Repository) -> None:
    repository.put("docker/Dockerfile_web")
    repository.put("compose.yaml", text="services: {web: {build: docker/Dockerfile_web}}\n")
    repository.commit()
    assert found() == ["docker/Dockerfile_web"]
