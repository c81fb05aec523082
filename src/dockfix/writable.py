"""A directory that an image writes while it runs, for a read-only root file system."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

TEMPORARY: Final = ("/tmp", "/var/tmp")
"""Directories that everybody may write; a tmpfs over them keeps that mode."""


class Purpose(StrEnum):
    """What a directory is written for."""

    TEMPORARY = "temporary files"
    CACHE = "a cache"
    DATA = "data"
    VOLUME = "a volume of the image"


class Content(StrEnum):
    """What the image has in a directory; a mount other than a new volume of docker's hides it."""

    NOTHING = ""
    FILES = "files of the image"
    PROGRAM = "the program's own files"


@dataclass(frozen=True, slots=True)
class Writable:
    """A directory that must be writable: its absolute path, what it is for, and what writes there.

    `why` is a place in the sources (`app.py:3`), or "". It `stands` if it is in the image already.
    """

    path: str
    purpose: Purpose
    why: str = ""
    stands: bool = False
    content: Content = Content.NOTHING

    @property
    def takes_volume(self) -> bool:
        """Whether a new volume serves it, which takes owner, mode and content of the image's directory.

        A tmpfs belongs to root and keeps the mode of the directory below it (measured with runc 1.1.5,
        which overrides the option `mode` then); where there is none, it can be open to everybody.
        """
        return self.stands and self.path not in TEMPORARY

    @property
    def tmpfs(self) -> str:
        """What `--tmpfs` and compose's `tmpfs` take."""
        return self.path if self.path in TEMPORARY else f"{self.path}:mode=1777"

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags of `docker run` that make it writable; the image's volumes need none."""
        if self.purpose is Purpose.VOLUME:
            return ()
        return ("-v", self.path) if self.takes_volume else ("--tmpfs", self.tmpfs)
