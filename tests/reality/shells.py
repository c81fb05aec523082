"""Shell scripts as trees: rendered as a person would write them, and so that each command reports itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

PRELUDE: Final = """\
back() { return $1; }
cd() { command cd "$@" 2>/dev/null || { stat "${1:-$HOME}/." >/dev/null; return 2; }; }
"""
"""What an instrumented script starts with; file descriptor 9 and standard error are the log.

dash does not say why it could not enter a directory.
"""


@dataclass(frozen=True)
class Leaf:
    """One simple command or pipeline, or one with a heredoc (then it ends its line)."""

    text: str

    @property
    def is_block(self) -> bool:
        """Whether nothing may follow on its line."""
        return "\n" in self.text


@dataclass(frozen=True)
class Group:
    """Parts in a construct: "and", "then" (`;`), "subshell", "tolerated" (`|| true`), "loop" or "branch".

    A branch has a condition and one or two parts; a loop's `words` are its variable and values.
    """

    kind: str
    parts: tuple[Shell, ...]
    words: tuple[str, ...] = ()


Shell = Leaf | Group


@dataclass(frozen=True)
class Step:
    """One RUN: who runs it, and the lines of its script."""

    user: str
    lines: tuple[Shell, ...]


@dataclass(frozen=True)
class Place:
    """The position of a leaf in the plain text, and whether its failure is tolerated there."""

    start: int
    end: int
    tolerated: bool
    decides: bool
    """What follows runs only where it succeeds."""


class _Writer:
    def __init__(self, *, instrumented: bool) -> None:
        self.instrumented = instrumented
        self.text = ""
        self.places: list[Place] = []

    def put(self, text: str) -> None:
        self.text += text

    def leaf(self, leaf: Leaf, *, tolerated: bool, decides: bool) -> None:
        number = len(self.places)
        before, after = (f"{{ echo +{number} >&9\n", f'\ns=$?; echo "-{number} $s" >&9; back $s; }}')
        self.put(before if self.instrumented else "")
        start = len(self.text)
        self.put(leaf.text)
        self.places.append(Place(start, len(self.text), tolerated, decides))
        self.put(after if self.instrumented else "")

    def shell(self, shell: Shell, *, tolerated: bool = False, decides: bool = False) -> None:
        if isinstance(shell, Leaf):
            self.leaf(shell, tolerated=tolerated, decides=decides)
        else:
            getattr(self, f"_{shell.kind}")(shell, tolerated, decides)

    def _joined(self, parts: Sequence[Shell], glue: str, *, tolerated: bool, last: bool) -> None:
        for index, part in enumerate(parts):
            is_last = index == len(parts) - 1
            self.shell(part, tolerated=tolerated, decides=last if is_last else glue == " && ")
            self.put("" if is_last else glue)

    def _and(self, group: Group, tolerated: bool, decides: bool) -> None:
        self._joined(group.parts, " && ", tolerated=tolerated, last=decides)

    def _then(self, group: Group, tolerated: bool, decides: bool) -> None:
        self._joined(group.parts, "; ", tolerated=tolerated, last=decides)

    def _subshell(self, group: Group, tolerated: bool, decides: bool) -> None:
        # With a space: `((` begins an arithmetic expression in bash.
        self.put("( ")
        self._joined(group.parts, " && ", tolerated=tolerated, last=decides)
        self.put(")")

    def _tolerated(self, group: Group, tolerated: bool, decides: bool) -> None:
        self._joined(group.parts, " && ", tolerated=True, last=False)
        self.put(" || true")

    def _loop(self, group: Group, tolerated: bool, decides: bool) -> None:
        self.put(f"for {group.words[0]} in {' '.join(group.words[1:])}; do ")
        self._joined(group.parts, " && ", tolerated=tolerated, last=False)
        self.put("; done")

    def _branch(self, group: Group, tolerated: bool, decides: bool) -> None:
        condition, *ways = group.parts
        self.put("if ")
        self.shell(condition, tolerated=True)
        for word, way in zip(("; then ", "; else "), ways, strict=False):
            self.put(word)
            self.shell(way, tolerated=True)
        self.put("; fi")


def render(lines: Sequence[Shell], *, instrumented: bool = False) -> tuple[str, list[Place]]:
    """The script's text, and the position of each leaf in it, in order."""
    writer = _Writer(instrumented=instrumented)
    writer.put(PRELUDE if instrumented else "")
    for index, line in enumerate(lines):
        writer.put("\n" if index else "")
        writer.shell(line)
    return writer.text, writer.places


def reduced(shell: Shell) -> Iterator[Shell]:
    """Smaller scripts: the parts on their own, and the group without one of them."""
    if isinstance(shell, Leaf):
        return
    yield from shell.parts
    for index, part in enumerate(shell.parts):
        if len(shell.parts) > 1 and shell.kind != "branch":
            yield replace(shell, parts=shell.parts[:index] + shell.parts[index + 1 :])
        for smaller in reduced(part):
            yield replace(shell, parts=(*shell.parts[:index], smaller, *shell.parts[index + 1 :]))
