"""Changes of owner, group, mode and capabilities, as made by chmod, chown and setcap."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

Id = int | str
"""A number, or the name of an account or group whose number is unknown."""
SET_ID: Final = 0o6000
_ALL: Final = 0o7777
_WHO: Final = {"u": 0o4700, "g": 0o2070, "o": 0o1007, "a": _ALL}
_BITS: Final = {"r": 0o444, "w": 0o222, "x": 0o111, "s": SET_ID, "t": 0o1000, "X": 0}
_SHIFTS: Final = {"u": 6, "g": 3, "o": 0}
_CLAUSE: Final = re.compile(r"([ugoa]*)((?:[+=-](?:[rwxXst]*|[ugo]))+)")
_ACTION: Final = re.compile(r"([+=-])([ugo]|[rwxXst]*)")


@dataclass(frozen=True, slots=True)
class _Action:
    """One `+`, `-` or `=` with its bits; `about` is the mask that `=` replaces.

    `search` holds the execute bits of `X`, which apply to directories and to files that are already
    executable. `copies` names the class whose bits are copied (`g=u`), masked by `counted`. A directory
    keeps set-id bits that are not `mentioned`.
    """

    sign: str
    about: int
    bits: int
    search: int = 0
    copies: str = ""
    counted: int = 0
    mentioned: int = 0

    def apply(self, mode: int, *, is_directory: bool) -> int:
        bits = self.bits
        if self.copies:
            taken = (mode >> _SHIFTS[self.copies]) & 7
            bits = (taken << 6 | taken << 3 | taken) & self.counted
        if is_directory or mode & 0o111:
            bits |= self.search
        kept = SET_ID & ~self.mentioned if is_directory else 0
        bits &= ~kept
        if self.sign == "-":
            return mode & ~bits
        return (mode & (~self.about | kept) if self.sign == "=" else mode) | bits


@dataclass(frozen=True, slots=True)
class Mode:
    """A parsed chmod operand, with the semantics of GNU coreutils."""

    actions: tuple[_Action, ...]

    def __call__(self, mode: int, *, is_directory: bool) -> int:
        """The 12 permission bits after applying it to `mode`."""
        for action in self.actions:
            mode = action.apply(mode, is_directory=is_directory)
        return mode


@dataclass(frozen=True, slots=True)
class Change:
    """A change of owner, group, mode or capabilities.

    `only`, `only_group` and `kind` ("file", "directory", "link") restrict it to nodes of that owner,
    group or kind. `groups` are the groups of the user who makes the change, None for root: chmod by
    anybody else clears the set-group-ID bit for a group outside of them. With `follows`, it applies to
    the target of a link, not to the link.
    """

    uid: Id | None = None
    gid: Id | None = None
    mode: Mode | None = None
    only: Id | None = None
    capable: bool | None = None
    only_group: Id | None = None
    kind: str = ""
    groups: frozenset[Id] | None = None
    follows: bool = False

    @property
    def gives(self) -> bool:
        """Whether it changes the owner or group, which clears the capabilities and set-id bits of files."""
        return self.uid is not None or self.gid is not None


def read_mode(text: str, umask: int = 0o022) -> Mode | None:
    """Parse a chmod operand (`0755`, `u+x,go-w`, `a=rX`, `g=u`); None if it is invalid.

    The umask applies to clauses that name no class (`+x`).
    """
    if text and set(text) <= set("01234567"):
        bits = int(text, 8) & _ALL
        # Five or more digits set the set-id bits explicitly, even to 0.
        return Mode((_Action("=", _ALL, bits, mentioned=SET_ID if len(text) > 4 else bits),))
    actions: list[_Action] = []
    for clause in text.split(","):
        match = _CLAUSE.fullmatch(clause)
        if match is None:
            return None
        actions += _read_actions(match[1], match[2], umask)
    return Mode(tuple(actions))


def read_umask(text: str, umask: int) -> int:
    """The umask after `umask TEXT`, octal or symbolic (`u=rwx,go=`); the old one if TEXT is invalid."""
    if text and set(text) <= set("01234567"):
        return int(text, 8) & 0o777
    mode = read_mode(text, 0)
    return umask if mode is None else 0o777 & ~mode(0o777 & ~umask, is_directory=False)


def _read_actions(who: str, text: str, umask: int) -> Iterator[_Action]:
    named = _union(_WHO[one] for one in who)
    for sign, letters in _ACTION.findall(text):
        about = named or _ALL
        counted = named or _ALL & ~umask
        if letters in _SHIFTS and letters:
            yield _Action(sign, about, 0, copies=letters, counted=counted)
        else:
            bits = _union(_BITS[one] for one in letters) & counted
            yield _Action(sign, about, bits, 0o111 & counted if "X" in letters else 0, mentioned=bits)


def _union(bits: Iterable[int]) -> int:
    total = 0
    for one in bits:
        total |= one
    return total
