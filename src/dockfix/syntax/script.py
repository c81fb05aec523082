"""The values a shell script is read into: words, redirects, commands.

Offsets are character offsets in `Script.text`, ends exclusive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from dockfix.syntax.quoting import expand_word


class Word(NamedTuple):
    """One word as it stands in the script; `literal` where no shell reads it (the JSON form)."""

    start: int
    end: int
    text: str
    literal: bool = False

    def expand(self, env: Mapping[str, str]) -> str | None:
        """What the shell makes of the word; None where that cannot be known.

        Quotes go, `$VAR`, `${VAR}`, `${VAR:-x}` come from `env`, globs and braces stay, and so
        does `~` without HOME. A command substitution or an unknown variable gives None.
        """
        return self.text if self.literal else expand_word(self.text, env)

    @property
    def value(self) -> str | None:
        """The word's value where it needs no variable."""
        return self.expand({})


@dataclass(frozen=True, slots=True)
class Redirect:
    """`operator` holds the descriptor too (`2>`, `&>>`); a heredoc's target is its delimiter."""

    operator: str
    target: Word


@dataclass(frozen=True, slots=True)
class Loop:
    """A `for`: its variable and the words it goes over (None: not known); `outer` is the loop around it."""

    variable: str
    words: tuple[Word, ...] | None
    outer: Loop | None = None

    def chain(self) -> tuple[Loop, ...]:
        """The loop and those around it, the outermost first."""
        return (*(self.outer.chain() if self.outer else ()), self)


@dataclass(frozen=True, slots=True)
class Command:
    """A simple command, seen through its wrappers; its span does not hold the redirects behind it.

    `name` is None where there is nothing but assignments, or redirects of a whole group.
    `scope` is 0 at the top level and another number in each subshell, function body, command
    substitution and part of a pipeline: a `cd` counts for its own scope and those inside it
    (`Script.parents`). `user` is whom a wrapper or `su` names. `piped` says that it reads another
    command's output. `optional`: it may run or not, or fail without consequence, as in a branch, a
    function or around `||`. `loop` is the innermost `for` that it stands in.
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
    optional: bool = False
    loop: Loop | None = None

    @property
    def program(self) -> str:
        """The name as it stands, "" where there is none."""
        return self.name.text if self.name is not None else ""


@dataclass(frozen=True, slots=True)
class Script:
    """The commands of a script in source order; `understood` is False where the grammar fails.

    `parents[n]` is the scope around scope n, and -1 for scope 0.
    """

    commands: tuple[Command, ...]
    understood: bool
    text: str = ""
    parents: tuple[int, ...] = (-1,)
