from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from git_repository import Repository

from dockfix.discovery import walk
from dockfix.discovery.paths import find_candidates
from dockfix.files import stamps
from dockfix.files.cache import Cache
from dockfix.files.patterns import Patterns, Selection


@pytest.fixture(autouse=True)
def _old(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Treat every write as old enough to trust, and use only the rules of the repository."""
    monkeypatch.setattr(stamps, "_SETTLED", -(10**12))
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def services(repository: Repository) -> Repository:
    repository.put(".gitignore", text="ignored/\n")
    repository.put("compose.yml", text="services:\n  a:\n    build: a\n    user: x\n")
    repository.put("a/Dockerfile", "b/Dockerfile", "vendor/Dockerfile", "b/src/main.py")
    repository.commit()
    repository.put("c/Dockerfile", "ignored/Dockerfile", "logs/today/x.txt", "hidden/Dockerfile")
    repository.put("hidden/.gitignore", text="*\n")
    repository.put("b/.gitignore", text=".gitignore\nDockerfile.old\n")
    repository.put("b/Dockerfile.old")
    (repository.folder / "empty/inner").mkdir(parents=True)
    return repository


def search(place: Path, *paths: str, exclude: str = "") -> list[object]:
    cache = Cache(str(place), "v1", b"key")
    selection = Selection((), (Patterns(os.path.realpath("."), tuple(exclude.split())),), False, False, [])
    found: list[object] = list(find_candidates(paths or (".",), selection, cache))
    cache.save()
    return [*found, *(selection.repositories or ())]


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders that were actually searched."""
    done: list[str] = []
    real = walk._Search

    def note(folder: str, *rest: object) -> object:
        done.append(folder)
        return real(folder, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(walk, "_Search", note)
    return done


@pytest.mark.integration
def test_the_same_search_finds_the_same_without_searching(
    services: Repository, tmp_path: Path, searches: list[str]
) -> None:
    place = tmp_path / "cache"
    first = search(place)
    assert len(first) == 5
    assert search(place) == first
    assert searches == ["."]
    assert search(place, exclude="b/") != first
    assert search(place, "b") != first
    assert searches == [".", ".", "b"]


def move(repository: Repository) -> None:
    (repository.folder / "a/Dockerfile").rename(repository.folder / "a/Containerfile")


CHANGES: dict[str, Callable[[Repository], object]] = {
    "a new file": lambda repository: repository.put("b/src/Dockerfile"),
    "a new folder": lambda repository: repository.put("b/new/Dockerfile"),
    "one in a folder that was empty": lambda repository: repository.put("empty/inner/Dockerfile"),
    "one in a folder that git does not track": lambda repository: repository.put("logs/today/Dockerfile"),
    "a renamed file": move,
    "a rule": lambda repository: repository.put(".gitignore", text="c/\n"),
    "a new rule": lambda repository: repository.put("c/.gitignore", text="*\n"),
    "a rule that ignored itself": lambda repository: repository.put("b/.gitignore", text=".gitignore\n"),
    "a rule that ignored its folder": lambda repository: repository.put("hidden/.gitignore", text="#\n"),
    "a rule of this clone": lambda repository: repository.put(".git/info/exclude", text="c/\n"),
    "a rule of the user's": lambda repository: repository.put("../.config/git/ignore", text="c/\n"),
    "the user's configuration": lambda repository: repository.put(
        "../.gitconfig", text=f"[core]\n\texcludesFile = {repository.folder}/b/src/main.py\n"
    ),
    "what is tracked": lambda repository: repository.git("add", "-f", "ignored/Dockerfile"),
    "what is built": lambda repository: repository.put(
        "compose.yml", text="services:\n  b: {build: {context: b, target: x}}\n"
    ),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.integration
def test_a_change_that_may_matter_is_seen(
    services: Repository, tmp_path: Path, name: str, searches: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GIT_CONFIG_GLOBAL")
    place = tmp_path / "cache"
    search(place)
    CHANGES[name](services)
    after = search(place)
    assert searches == [".", "."]
    assert after == search(tmp_path / "other")


def test_content_alone_searches_nothing_anew(
    services: Repository, tmp_path: Path, searches: list[str]
) -> None:
    place = tmp_path / "cache"
    search(place)
    (services.folder / "a/Dockerfile").write_text("FROM b\n")
    (services.folder / "ignored/x").write_text("")
    search(place)
    assert searches == ["."]


@pytest.mark.integration
def test_links_and_what_is_new_are_searched_again(
    services: Repository, tmp_path: Path, searches: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "cache"
    monkeypatch.setattr(stamps, "_SETTLED", 60 * 10**9)
    search(place)
    search(place)
    monkeypatch.setattr(stamps, "_SETTLED", -(10**12))
    (services.folder / "link.Dockerfile").symlink_to("a/Dockerfile")
    search(place)
    search(place)
    assert searches == ["."] * 4
