"""Changes of owner, group and mode, as chown and chmod make them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

Id = int | str
"""A number, or the name of an account or group whose number is not known."""
_WHO: Final = {"u": 0o4700, "g": 0o2070, "o": 0o1007, "a": 0o7777}
_BITS: Final = {"r": 0o444, "w": 0o222, "x": 0o111, "s": 0o6000, "t": 0o1000}


@dataclass(frozen=True, slots=True)
class Mode:
    """A chmod operand: octal, or clauses of (bits taken away, bits added, bits added where X applies)."""

    octal: int | None
    clauses: tuple[tuple[int, int, int], ...] = ()

    def __call__(self, mode: int, *, is_directory: bool) -> int:
        """The bits after it."""
        if self.octal is not None:
            return self.octal
        for taken, added, searchable in self.clauses:
            runs = searchable if is_directory or mode & 0o111 else 0
            mode = (mode & ~taken) | added | runs
        return mode


@dataclass(frozen=True, slots=True)
class Change:
    """A change of owner, group, mode or capabilities; `only` limits it to what that owner has."""

    uid: Id | None = None
    gid: Id | None = None
    mode: Mode | None = None
    only: Id | None = None
    capable: bool | None = None

    @property
    def gives(self) -> bool:
        """Whether it changes the owner or group, which clears capabilities and set-id bits of files."""
        return self.uid is not None or self.gid is not None


def read_mode(text: str) -> Mode | None:
    """A chmod operand (`0755`, `u+x,go-w`, `a=rX`), or None where it is not understood (`u=g`)."""
    if text and len(text) <= 5 and set(text) <= set("01234567"):
        return Mode(int(text, 8))
    clauses: list[tuple[int, int, int]] = []
    for clause in text.split(","):
        read = _read_clause(clause)
        if read is None:
            return None
        clauses.append(read)
    return Mode(None, tuple(clauses))


def _read_clause(clause: str) -> tuple[int, int, int] | None:
    at = next((index for index, letter in enumerate(clause) if letter in "+-="), -1)
    who, bits = clause[:at] or "a", clause[at + 1 :]
    if at < 0 or not set(who) <= _WHO.keys() or not set(bits) <= _BITS.keys() | {"X"}:
        return None
    scope = _union(_WHO[one] for one in who)
    value = _union(_BITS.get(one, 0) for one in bits) & scope
    searchable = 0o111 & scope if "X" in bits else 0
    if clause[at] == "-":
        return value | searchable, 0, 0
    return (scope & 0o777 if clause[at] == "=" else 0), value, searchable


def _union(bits: Iterable[int]) -> int:
    total = 0
    for one in bits:
        total |= one
    return total
