"""What takes away the denials of a user that an image runs as already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Repairs:
    """The changes that a move somebody began still lacks; everything else in the file stays as it is.

    `account`: the account that USER names has to be created, or a number has to stand for it; `groups`:
    USER has to keep the account's supplementary groups; `home`: HOME has to name a directory of the
    account; `path`: PATH lacks the scripts of the account's installs. `directories` are absolute paths to
    give to the account, created where they are missing; `copies` and `mounts` are the original's steps
    whose `--chown` or whose cache mounts lack an owner.
    """

    account: bool = False
    groups: bool = False
    home: bool = False
    path: bool = False
    directories: frozenset[str] = frozenset()
    copies: frozenset[int] = frozenset()
    mounts: frozenset[int] = frozenset()

    def joined(self, other: Repairs) -> Repairs:
        """The changes of both."""
        return Repairs(
            self.account or other.account,
            self.groups or other.groups,
            self.home or other.home,
            self.path or other.path,
            self.directories | other.directories,
            self.copies | other.copies,
            self.mounts | other.mounts,
        )


NO_REPAIRS: Final = Repairs()
