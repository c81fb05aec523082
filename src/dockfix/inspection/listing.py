"""List the files of an image from the tar archive that an engine exports, without unpacking it."""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from typing import IO, Final

from dockfix.image_facts import Entry
from dockfix.inspection.configuration import UnreadableError
from dockfix.model.paths import resolve

MAX_ENTRIES: Final = 2_000_000
MAX_FILE: Final = 64 * 1024
_MAX_LINKS: Final = 40
# What every container gets, and an exported image may or may not show.
_GIVEN: Final = ("/.dockerenv", "/dev", "/proc", "/sys")


@dataclass(frozen=True, slots=True)
class Listing:
    """The entries of an image by absolute path, and the texts of the files that were asked for."""

    entries: dict[str, Entry] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def resolve(self, path: str) -> str | None:
        """The path without links at which something is; None if there is nothing."""
        for _ in range(_MAX_LINKS):
            link = next((at for at in _ways(path) if self._is_link(at)), None)
            if link is None:
                return path if path in self.entries or path == "/" else None
            target = resolve(self.entries[link].target, posixpath.dirname(link))
            path = resolve(target + path[len(link) :], "/")
        return None

    def _is_link(self, path: str) -> bool:
        entry = self.entries.get(path)
        return entry is not None and entry.kind == "link"

    def find(self, path: str) -> Entry | None:
        """What is at a path, once links are followed."""
        at = self.resolve(path)
        return None if at is None else self.entries.get(at)

    def text(self, path: str) -> str:
        """The text at a path, once links are followed; "" if it was not asked for or is not there."""
        return self.texts.get(self.resolve(path) or "", "")


def _ways(path: str) -> Iterator[str]:
    """The directories on the way to a path, from the top, and the path itself."""
    at = -1
    while (at := path.find("/", at + 1)) >= 0:
        if at:
            yield path[:at]
    yield path


def is_given(path: str) -> bool:
    """Whether a container gets this path, whatever its image contains."""
    return path in _GIVEN or path.startswith(tuple(f"{one}/" for one in _GIVEN))


def read_listing(stream: IO[bytes], wanted: Container[str]) -> Listing:
    """The listing of an archive; the texts of regular files at `wanted` paths are kept.

    Raises UnreadableError if it is not an archive, is cut off, or has too many entries.
    """
    found = Listing()
    try:
        with tarfile.open(fileobj=stream, mode="r|", errorlevel=0) as archive:
            for count, member in enumerate(archive):
                if count >= MAX_ENTRIES:
                    raise UnreadableError(f"has more than {MAX_ENTRIES:,} files")
                archive.members = []  # type: ignore[attr-defined]  # it would keep them all
                path = resolve(member.name, "/")
                if is_given(path):
                    continue
                found.entries[path] = _entry(member)
                if path in wanted and member.isreg():
                    found.texts[path] = _read(archive, member)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise UnreadableError(f"its files cannot be listed: {error}") from None
    return found


def read_file(stream: IO[bytes]) -> str | None:
    """The text of the only file of an archive, None if it is not a text of acceptable size."""
    try:
        with tarfile.open(fileobj=stream, mode="r|", errorlevel=0) as archive:
            member = archive.next()
            if member is None or not member.isreg() or member.size > MAX_FILE:
                return None
            return _read(archive, member)
    except (tarfile.TarError, EOFError, OSError):
        return None


def _entry(member: tarfile.TarInfo) -> Entry:
    kind = "directory" if member.isdir() else "link" if member.issym() else "file"
    target = member.linkname if kind == "link" else ""
    return Entry(kind, member.mode & 0o7777, member.uid, member.gid, target)


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    file = archive.extractfile(member)
    assert file is not None  # a regular file has content
    return file.read(MAX_FILE).decode("utf-8", "replace").replace("\0", "\ufffd")
