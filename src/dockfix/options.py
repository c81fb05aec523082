"""What a caller can ask of a fix, as one frozen value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

DEFAULT_ID: Final = 10001
_ACCOUNT_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,30}")


class Install(StrEnum):
    """Where pip's packages go: the user's site, a virtual environment of the user's, or root's."""

    USER = "user"
    VENV = "venv"
    SYSTEM = "system"


class Chown(StrEnum):
    """Which copies become the user's."""

    ALL = "all"
    WRITABLE = "writable"
    NONE = "none"


class OptionError(ValueError):
    """An option's value is not usable; the message names the option and the cure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How `dockfix.fix` rewrites a file.

    `uid` and `gid` are numbers from 1 to 2**31 - 1, or None to let the base choose (10001 where
    numbers are needed). `select` and `ignore` hold transform names; an empty `select` means all.
    `targets` names further stages that ship, beside the last. `images` maps image patterns to
    facts, in the form of the package's own bases.toml. With `evidence` the application's sources
    are read as well, and what runs the image is taken into account.
    """

    user: str = "appuser"
    uid: int | None = None
    gid: int | None = None
    numeric: bool = False
    install: Install = Install.USER
    chown: Chown = Chown.ALL
    select: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()
    unsafe: bool = False
    base: str | None = None
    targets: tuple[str, ...] = ()
    images: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    evidence: bool = True

    def __post_init__(self) -> None:
        if not _ACCOUNT_NAME.fullmatch(self.user) or self.user == "root":
            raise OptionError(
                f"user: {self.user!r} is no account name: use a lower-case letter or _, then up to 30"
                " lower-case letters, digits, - or _, and not root"
            )
        try:
            object.__setattr__(self, "install", Install(self.install))
            object.__setattr__(self, "chown", Chown(self.chown))
        except ValueError as error:
            raise OptionError(
                f"{error}: install is user, venv or system; chown is all, writable or none"
            ) from None
        for name, value in (("uid", self.uid), ("gid", self.gid)):
            if value is not None and not 0 < value < 2**31:
                raise OptionError(f"{name}: {value} is out of range: use 1 to {2**31 - 1}, 0 is root")
