"""The start scripts that an image brings."""

from __future__ import annotations

from typing import Any

import pytest
from archives import Member, archive
from base_facts import image

from dockfix.inspection.listing import read_listing
from dockfix.inspection.scripts import MAX_READ, MAX_SCRIPTS, is_script, read_scripts

SH = "#!/bin/sh\n"


def read(files: dict[str, str], **settings: Any) -> dict[str, str]:
    listing = read_listing(archive(*(Member(path[1:], text) for path, text in files.items())), ())
    return dict(read_scripts(listing, image(**settings), files.get))


def test_scripts_are_found_by_path_on_path_and_in_the_working_directory() -> None:
    files = {"/entry": SH, "/usr/local/bin/start": SH, "/srv/run.sh": SH}
    found = read(files, entrypoint=("/entry",), command=("start", "./run.sh", "--flag"), workdir="/srv")
    assert list(found) == ["/entry", "/usr/local/bin/start", "/srv/run.sh"]


def test_scripts_that_scripts_name_are_read_too() -> None:
    files = {
        "/entry": f"{SH}. /lib/setup.sh\nexec /srv/docker-entrypoint\n",
        "/lib/setup.sh": SH,
        "/srv/docker-entrypoint": SH,
    }
    assert list(read(files, entrypoint=("/entry",))) == list(files)


def test_a_script_is_named_as_the_image_names_it_also_behind_a_link() -> None:
    members = (Member("entry", target="usr/start"), Member("usr/start", SH))
    listing = read_listing(archive(*members), ())
    found = dict(read_scripts(listing, image(entrypoint=("/entry",)), {"/usr/start": SH}.get))
    assert found == {"/entry": SH}


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("/a", "#!/bin/sh\n", True),
        ("/a", "#!/usr/bin/env bash\n", True),
        ("/a", "#!/usr/bin/python3\n", False),
        ("/a", "\x7fELF\ufffd", False),
        ("/a.sh", "echo", True),
        ("/a.sh", "#!/bin/sh\n" + "x" * 70_000, False),
        ("/a", "echo", False),
    ],
)
def test_what_counts_as_a_script(path: str, text: str, expected: bool) -> None:
    assert is_script(path, text) is expected


def test_scripts_that_name_each_other_end() -> None:
    files = {
        f"/s{number}.sh": f"{SH}/s{(number + 1) % 40}.sh\n/s{(number + 2) % 40}.sh\n" for number in range(40)
    }
    assert len(read(files, entrypoint=("/s0.sh",))) == MAX_SCRIPTS


def test_programs_are_not_read_without_end() -> None:
    reads: list[str] = []

    def note(path: str) -> None:
        reads.append(path)

    names = [f"/p{number}" for number in range(100)]
    listing = read_listing(archive(*(Member(name[1:], "x") for name in names)), ())
    assert list(read_scripts(listing, image(command=tuple(names)), note)) == []
    assert len(reads) == MAX_READ
