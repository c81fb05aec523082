"""The parts of a parsed shell script: words, redirects, commands.

Offsets are character offsets in `Script.text`; ends are exclusive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from dockfix.syntax.quoting import expand_word


class Word(NamedTuple):
    """One word as written in the script; `literal` if it is not parsed by a shell (the JSON form)."""

    start: int
    end: int
    text: str
    literal: bool = False

    def expand(self, env: Mapping[str, str]) -> str | None:
        """The shell's expansion of the word, None if it is unknown.

        Quotes are removed; `$VAR`, `${VAR}` and `${VAR:-x}` are expanded from `env`; globs and braces are
        kept, and so is `~` without HOME. A command substitution or an unknown variable yields None.
        """
        return self.text if self.literal else expand_word(self.text, env)

    @property
    def value(self) -> str | None:
        """The word's value if it needs no variable, else None."""
        return self.expand({})


EVERY_ARGUMENT: Final = Word(-1, -1, '"$@"')
"""What `for NAME; do` iterates over."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """A redirection.

    `operator` includes the descriptor (`2>`, `&>>`); a heredoc's target is its delimiter.
    """

    operator: str
    target: Word


class Branch(NamedTuple):
    """An `if`, `case`, `while` or `||` at `start`.

    One of its ways is taken, or possibly none if not `exhaustive`.
    """

    start: int
    exhaustive: bool = False


class Way(NamedTuple):
    """One of the ways of a branch, by number; `outer` is the enclosing way."""

    branch: Branch
    number: int
    outer: Way | None = None
    depth: int = 0

    def chain(self) -> tuple[Way, ...]:
        """The way and its enclosing ways, outermost first."""
        found: list[Way] = []
        way: Way | None = self
        while way is not None:
            found.append(way)
            way = way.outer
        return tuple(reversed(found))


@dataclass(frozen=True, slots=True)
class Loop:
    """A `for` loop: its variable and the words that it iterates over; a `while` has neither.

    `words` is None if their number is unknown. `outer` is the enclosing loop, `way` the enclosing way,
    `scope` the one that it stands in. `is_open`: its words, or those of one around it, are not literal.
    """

    variable: str
    words: tuple[Word, ...] | None
    outer: Loop | None = None
    way: Way | None = None
    scope: int = 0
    is_open: bool = True

    def chain(self) -> tuple[Loop, ...]:
        """The loop and its enclosing loops, outermost first."""
        return (*(self.outer.chain() if self.outer else ()), self)


@dataclass(frozen=True, slots=True)
class Feed:
    """The words of the command whose output xargs reads, and what stands for it in the command (`-I {}`)."""

    words: tuple[Word, ...]
    placeholder: str


@dataclass(frozen=True, slots=True)
class Command:
    """A simple command without its wrappers; its span excludes the redirects after it.

    `name` is None if there are only assignments, or redirects of a whole group. `scope` is 0 at the top
    level, and a different number in each subshell, function body, command substitution and part of a
    pipeline: a `cd` affects its own scope and those inside it (`Script.parents`). `user` is the user that
    a wrapper or `su` names. `piped`: it reads another command's output. `guarded`: it may be skipped, or
    fail without consequence, as in a branch or around `||`. `loop` is the innermost enclosing loop, `way`
    the innermost way, `function` the innermost function in whose body it stands, "" for none. `unchecked`:
    its script goes on if it fails (`a; b`). `feed` is what xargs reads for it.
    """

    start: int
    end: int
    name: Word | None
    args: tuple[Word, ...] = ()
    assignments: tuple[tuple[str, Word], ...] = ()
    redirects: tuple[Redirect, ...] = ()
    piped: bool = False
    scope: int = 0
    script: Script | None = None
    via: tuple[str, ...] = ()
    user: str = ""
    guarded: bool = False
    loop: Loop | None = None
    way: Way | None = None
    function: str = ""
    unchecked: bool = False
    feed: Feed | None = None

    @property
    def optional(self) -> bool:
        """Whether it may be skipped, because it is guarded, or because a loop around it may have no round."""
        return self.guarded or (self.loop is not None and self.loop.is_open)

    @property
    def words(self) -> tuple[Word, ...]:
        """All words that a shell expands: assigned values, the name, arguments, targets of redirects."""
        named = () if self.name is None else (self.name,)
        values = tuple(word for _, word in self.assignments)
        return (*values, *named, *self.args, *(one.target for one in self.redirects))

    @property
    def program(self) -> str:
        """The name as written, "" if there is none."""
        return self.name.text if self.name is not None else ""


@dataclass(frozen=True, slots=True)
class Script:
    """The commands of a script in source order; `understood` is False if the grammar fails.

    `parents[n]` is the scope that encloses scope n, -1 for scope 0.
    """

    commands: tuple[Command, ...]
    understood: bool
    text: str = ""
    parents: tuple[int, ...] = (-1,)
