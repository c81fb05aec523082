"""The directories that an image writes while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pytest

from dockfix import Changed, Options, Unchanged, fix
from dockfix.context import Context, Deployment, Mount, Setting
from dockfix.writable import Content, Purpose, Writable

BASE = "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\n"
START = 'CMD ["python", "app.py"]\n'


def names_of(files: Mapping[str, str], folder: str) -> frozenset[str]:
    inside = folder.rstrip("/") + "/" if folder else ""
    rest = (path[len(inside) :] for path in files if path.startswith(inside))
    return frozenset(f"{one.partition('/')[0]}/" if "/" in one else one for one in rest)


def writable_of(
    source: str,
    steps: str = "",
    start: str = START,
    files: Mapping[str, str] | None = None,
) -> dict[str, Writable]:
    """What is found for an application, without /tmp, by path."""
    read = {"app.py": source, **(files or {})}
    context = Context("Dockerfile", read=read.get, names=partial(names_of, read))
    result = fix(BASE + steps + start, Options(read_only=True), context)
    assert isinstance(result, Changed), result
    found = {one.path: one for one in result.writable}
    assert found.pop("/tmp").flags == ("--tmpfs", "/tmp")
    return found


def test_nothing_is_named_unless_it_is_asked_for() -> None:
    result = fix(BASE + START, Options(), Context(read={"app.py": "open('/app/x', 'w')\n"}.get))
    assert isinstance(result, Changed)
    assert result.writable == ()


@pytest.mark.parametrize(
    ("source", "steps", "files", "expected"),
    [
        ("open('x', 'w')", "", {}, Writable("/app", Purpose.DATA, "app.py:1", True, Content.PROGRAM)),
        ("open('out/x', 'w')", "", {}, Writable("/app/out", Purpose.DATA, "app.py:1")),
        ("open('out/x', 'w')", "RUN mkdir out\n", {}, Writable("/app/out", Purpose.DATA, "app.py:1", True)),
        (
            "open('out/x', 'w')",
            "",
            {"out/seed.txt": "1"},
            Writable("/app/out", Purpose.DATA, "app.py:1", True, Content.FILES),
        ),
        (
            "import os\nos.makedirs('out', exist_ok=True)",
            "",
            {},
            Writable("/app/out", Purpose.DATA, "app.py:2"),
        ),
        # Where something is mounted, it exists already.
        (
            "import os\nos.makedirs('out')",
            "",
            {},
            Writable("/app", Purpose.DATA, "app.py:2", True, Content.PROGRAM),
        ),
    ],
)
def test_what_the_sources_write(source: str, steps: str, files: dict[str, str], expected: Writable) -> None:
    assert writable_of(source, steps, files=files)[expected.path] == expected


def test_a_directory_within_another_is_not_named_again() -> None:
    found = writable_of("open('x', 'w')\nopen('out/x', 'w')\n")
    assert list(found) == ["/app"]


def test_a_volume_of_the_image_needs_no_flag() -> None:
    found = writable_of("open('/data/x', 'w')\n", "VOLUME /data\n")
    assert found["/data"].purpose is Purpose.VOLUME
    assert found["/data"].flags == ()


def test_flags_follow_what_stands_there() -> None:
    assert Writable("/tmp", Purpose.TEMPORARY, stands=True).flags == ("--tmpfs", "/tmp")
    assert Writable("/a", Purpose.DATA).flags == ("--tmpfs", "/a:mode=1777")
    assert Writable("/a", Purpose.DATA, stands=True).flags == ("-v", "/a")


def text_of(source: str, steps: str = "", deployments: tuple[Deployment, ...] = ()) -> str:
    context = Context("Dockerfile", read={"app.py": source}.get, deployments=deployments)
    result = fix(BASE + steps + START, Options(read_only=True), context)
    assert isinstance(result, Changed), result
    return result.text


def test_a_cache_with_a_variable_moves() -> None:
    assert 'ENV NUMBA_CACHE_DIR="/tmp/numba"\n' in text_of("import numba\n")


def test_what_moves_with_a_cache_needs_no_mount_of_its_own() -> None:
    # One variable is for matplotlib's settings and its cache.
    source = "import matplotlib.pyplot as plt\nplt.figure()\n"
    assert 'ENV MPLCONFIGDIR="/tmp/matplotlib"\n' in text_of(source)
    assert writable_of(source) == {}


def test_a_cache_that_the_build_fills_or_a_variable_places_stays() -> None:
    assert "/tmp/torch" in text_of("import torch.hub\n")
    filled = "RUN python -c \"import torch; torch.hub.load('a/b', 'c')\"\n"
    assert "/tmp/torch" not in text_of("import torch.hub\n", filled)
    assert "/tmp/numba" not in text_of("import numba\n", "ENV NUMBA_CACHE_DIR=/app/numba\n")


def test_a_cache_on_a_mount_stays() -> None:
    mount = Mount(Setting("/home/appuser/.cache/numba", 5), "cache")
    service = Deployment("compose.yaml", 2, "compose", "web", mounts=(mount,))
    assert "/tmp/numba" not in text_of("import numba\n", deployments=(service,))


def test_an_image_of_a_user_gets_the_note_alone() -> None:
    text = "FROM python:3.12-slim\nRUN useradd -m u\nUSER u\nWORKDIR /app\n" + START
    context = Context("Dockerfile", read={"app.py": "open('out/x', 'w')\n"}.get)
    result = fix(text, Options(read_only=True), context)
    assert isinstance(result, Unchanged)
    assert [note.code for note in result.notes] == ["read-only-root"]
    assert "/tmp" in [one.path for one in result.writable]
