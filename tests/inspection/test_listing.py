"""What an exported image's archive shows, and what a hostile one must not do."""

from __future__ import annotations

import io
import tarfile

import pytest
from archives import Member, archive

from dockfix.image_facts import Entry
from dockfix.inspection import listing
from dockfix.inspection.configuration import UnreadableError
from dockfix.inspection.listing import Listing, read_file, read_listing


def read(*members: Member, wanted: frozenset[str] = frozenset()) -> Listing:
    return read_listing(archive(*members), wanted)


def test_entries_have_kind_owner_mode_and_target() -> None:
    found = read(
        Member("app", mode=0o2775, uid=1, gid=2),
        Member("./app/run", "x", mode=0o4755),
        Member("bin", target="usr/bin", mode=0o777),
        Member("pipe", "", kind=tarfile.FIFOTYPE),
    )
    assert found.entries == {
        "/app": Entry("directory", 0o2775, 1, 2),
        "/app/run": Entry("file", 0o4755),
        "/bin": Entry("link", 0o777, target="usr/bin"),
        "/pipe": Entry("file", 0o755),
    }


def test_only_the_wanted_texts_are_kept() -> None:
    found = read(Member("a", "one"), Member("b", "two"), wanted=frozenset({"/a"}))
    assert found.texts == {"/a": "one"}


def test_what_every_container_gets_is_left_out() -> None:
    assert (
        read(Member(".dockerenv", ""), Member("dev/null", ""), Member("proc"), Member("sys/x")).entries == {}
    )


LINKS = (
    Member("bin", target="usr/bin"),
    Member("usr"),
    Member("usr/bin"),
    Member("usr/bin/sh", target="dash"),
    Member("usr/bin/dash", "x"),
    Member("opt/py", target="../usr/./bin"),
    Member("loop", target="/loop"),
    Member("outside", target="../../../../usr"),
)


@pytest.mark.parametrize(
    ("path", "real"),
    [
        ("/usr/bin/dash", "/usr/bin/dash"), ("/bin/sh", "/usr/bin/dash"), ("/opt/py/sh", "/usr/bin/dash"),
        ("/outside/bin", "/usr/bin"), ("/", "/"), ("/loop", None), ("/loop/x", None), ("/gone", None),
    ],
)  # fmt: skip
def test_links_are_followed_within_the_image(path: str, real: str | None) -> None:
    assert read(*LINKS).resolve(path) == real


def test_a_name_that_leads_out_of_the_image_stays_inside() -> None:
    assert set(read(Member("../../etc/x", "y"), Member("/abs", "z")).entries) == {"/etc/x", "/abs"}


def test_a_large_file_is_cut_and_other_bytes_are_replaced() -> None:
    found = read(Member("a", "x" * 100_000), wanted=frozenset({"/a"}))
    assert len(found.texts["/a"]) == listing.MAX_FILE
    data = archive(Member("a", "\0"))
    assert read_listing(data, {"/a"}).texts == {"/a": "\ufffd"}


@pytest.mark.parametrize("data", [b"", b"x" * 5000, archive(Member("a", "x" * 5000)).getvalue()[:2000]])
def test_what_is_not_a_whole_archive_is_an_error(data: bytes) -> None:
    with pytest.raises(UnreadableError, match="cannot be listed"):
        read_listing(io.BytesIO(data), {"/a"})


def test_too_many_entries_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MAX_ENTRIES", 2)
    with pytest.raises(UnreadableError, match="more than 2 files"):
        read(Member("a"), Member("b"), Member("c"))


def test_one_file_is_read_from_an_archive() -> None:
    assert read_file(archive(Member("run.sh", "#!/bin/sh\n"))) == "#!/bin/sh\n"
    assert read_file(archive(Member("run", target="x"))) is None
    assert read_file(archive(Member("big", "x" * 100_000))) is None
    assert read_file(io.BytesIO(b"no archive")) is None
