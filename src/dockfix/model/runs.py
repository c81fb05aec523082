"""The commands of a RUN, CMD, ENTRYPOINT or HEALTHCHECK, each with its working directory and effect."""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final, NamedTuple

from dockfix.knowledge.commands import Argument
from dockfix.lazy import cached_property
from dockfix.model.changes import read_umask
from dockfix.model.effects import ALL_ARGUMENTS, Effect, effect, expand_words, setting
from dockfix.model.lineage import Step
from dockfix.model.paths import NOWHERE, resolve
from dockfix.model.pip import PipCall, read_pip
from dockfix.model.temporaries import find_temporary
from dockfix.syntax.parser import exec_form
from dockfix.syntax.quoting import find_assigned
from dockfix.syntax.script import EVERY_ARGUMENT, Loop, Way
from dockfix.syntax.shell import Command, Script, Word, parse_script, parse_words
from dockfix.syntax.tree import Instruction
from dockfix.syntax.wrappers import cd_operands, find_arguments, is_shell

_JSON_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"?')
_MAX_ROUNDS: Final = 64
_DECLARES: Final = ("export", "local", "declare", "readonly", "typeset")
_READERS: Final = ("read", "mapfile", "readarray", "getopts", "unset")
"""What sets the variables that its operands name to something else."""
# What sets HOME to the new user's home, unlike setpriv(1) and `runuser -u`. Source: gosu and su-exec (main),
# sudoers(5) on always_set_home.
_SETS_HOME: Final = frozenset({"gosu", "su-exec", "sudo", "doas"})
_LOGIN: Final = frozenset({"-", "-l", "--login"})
# What ends a command, or begins another one.
_JOINS: Final = re.compile(r"[;&|<()]")
_AND: Final = re.compile(r"[^;|&\n]*&&\s*")
_HEALTHCHECK: Final = re.compile(r"CMD\s+", re.IGNORECASE)


# What commands such as `poetry config` set for later ones, as the equivalent environment variables.
Settings = tuple[tuple[str, str], ...]


@dataclass(slots=True, eq=False)
class Invocation:
    """One command with its working directory, variables and umask.

    `optional`: it, or the command whose script contains it, may be skipped, or may fail without
    consequence. `unchecked`: if it fails, what follows runs all the same. `user` is the account that root
    has switched to (`su NAME -c`), "" for whoever runs the script. `looped`: it is only optional because a
    loop over words that are not known may have no round.
    """

    command: Command
    cwd: str
    env: Mapping[str, str]
    pip: PipCall | None
    umask: int = 0o022
    optional: bool = False
    unchecked: bool = False
    user: str = ""
    looped: bool = False
    _effects: dict[str, Effect] = field(default_factory=dict)
    remembered: dict[tuple[str, str, bool], tuple[Any, ...]] = field(default_factory=dict)

    def effect(self, home: str) -> Effect:
        """Its effect on the file system, and whether that needs root."""
        found = self._effects.get(home)
        if found is None:
            found = self._effects[home] = effect(self.command, self.env, self.cwd, home)
        return found

    def switched(self) -> Invocation | None:
        """The command that a wrapper runs as another user (`gosu NAME ...`); None for other commands."""
        command = self.command
        if not command.user or not command.via or command.script is not None or command.name is None:
            return None
        inner = replace(command, via=(), user="")
        env = _env_of(command, self.env)
        return replace(self, command=inner, env=env, user=command.user, _effects={}, remembered={})


def _env_of(command: Command, env: Mapping[str, str]) -> dict[str, str]:
    """The variables of what a command runs as another user, whose home is not known here."""
    keeps_home = command.via and not _SETS_HOME.intersection(command.via)
    return dict(env) if keeps_home else {name: value for name, value in env.items() if name != "HOME"}


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """The commands of a script; shared by all files in which the script and its variables are equal."""

    invocations: tuple[Invocation, ...]
    pips: tuple[PipCall, ...]
    settings: Settings


_BASH: Final = frozenset({"bash", "/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash"})
_BASH_AS_SH: Final = frozenset({"rhel", "suse", "arch"})
"""The families of distributions whose /bin/sh is bash."""
_INTERPRETER: Final = re.compile(r"\A#!.*\b(bash)\b")
_FIRST_LINE: Final = 200
"""The most characters of a script's first line that are read."""


@dataclass(eq=False)
class Run:
    """The parsed script of one instruction; `home` is what `~` and HOME mean for the user that runs it.

    `text` is the shell's input, `words` the strings of the exec form; `shell`: the grammar of the current
    shell is supported.
    """

    step: Step
    home: str
    text: str
    words: tuple[str, ...] | None
    shell: bool
    _pieces: tuple[tuple[int, int, bool], ...] = field(repr=False)
    given: Settings = ()
    _lines: dict[int, int] = field(init=False, repr=False, default_factory=dict)

    @property
    def instruction(self) -> Instruction:
        """The instruction that contains the script."""
        return self.step.instruction

    @cached_property
    def script(self) -> Script:
        """The parsed commands."""
        return _script(self.text, self.words, self.shell, "{" in self.text and self._is_bash)

    def needs(self, command: Command, before: Command) -> bool:
        """Whether a command only runs if the one before it succeeds: `&&` alone stands between them."""
        own = [one for one in self.script.commands if one is command or one is before]
        between = self.script.text[before.end : command.start]
        return len(own) == 2 and _AND.fullmatch(between) is not None

    @property
    def _is_bash(self) -> bool:
        """Whether bash reads the script, and expands braces; in some distributions it is `sh` as well."""
        shell = self.step.before.shell[0]
        return shell in _BASH or (shell == "/bin/sh" and self.step.stage.image.family in _BASH_AS_SH)

    @cached_property
    def _reading(self) -> _Reading:
        before = self.step.before
        variables = (*before.variables.items(), *self.given)
        expands = "{" in self.text and self._is_bash
        return _read(self.text, self.words, self.shell, expands, before.workdir, self.home, variables)

    @property
    def invocations(self) -> tuple[Invocation, ...]:
        """All commands in source order; inner scripts (`sh -c '...'`) replace the shells that run them."""
        return self._reading.invocations

    @property
    def settings(self) -> Settings:
        """The settings after the script: those given, and those that its commands make."""
        return self.given + self._reading.settings

    @property
    def pips(self) -> tuple[PipCall, ...]:
        """The `pip install` calls, except in inner scripts, whose words have no position in the text."""
        return self._reading.pips

    def span(self, word: Word) -> tuple[int, int]:
        """(start, end) of a word in the file, including its quotes in the exec form."""
        if self.words is not None:
            return self._element(word)
        return self._source(word.start), self._source(word.end - 1) + 1

    def line_of(self, command: Command) -> int:
        """The line of the Dockerfile on which a command of the script starts."""
        if self.words is not None or command.start < 0:
            return self.instruction.line
        line = self._lines.get(command.start)
        if line is None:
            source, start = self.instruction.source, self.instruction.start
            line = self.instruction.line + source.count("\n", start, self._source(command.start))
            self._lines[command.start] = line
        return line

    def _source(self, offset: int) -> int:
        for start, source, in_line in reversed(self._pieces):
            if offset >= start:
                return self.instruction.at(source + offset - start) if in_line else source + offset - start
        raise ValueError(f"offset {offset} is not in the script")

    def _element(self, word: Word) -> tuple[int, int]:
        words = (self.script.commands[0].name, *self.script.commands[0].args) if self.script.commands else ()
        index = next(index for index, one in enumerate(words) if one is word)
        match = list(_JSON_STRING.finditer(self.instruction.joined, self.instruction.args_start))[index]
        return self.instruction.at(match.start()), self.instruction.after(match.end())


@lru_cache(maxsize=512)
def read_run(step: Step, home: str, given: Settings = ()) -> Run:
    """Parse what a RUN, CMD, ENTRYPOINT or HEALTHCHECK starts, given the settings of earlier steps."""
    instruction = step.instruction
    args, at = instruction.args, instruction.args_start
    if step.keyword == "HEALTHCHECK" and (match := _HEALTHCHECK.match(args)):
        args, at = args[match.end() :], at + match.end()
        if args.startswith("[") and (words := exec_form(args)) is not None:
            return Run(step, home, "", words, True, (), given)
    elif instruction.json is not None:
        return Run(step, home, "", instruction.json, True, (), given)
    text, pieces = _with_heredocs(instruction, args, at)
    shell = any(map(is_shell, step.before.shell)) and not text.startswith("#!")
    return Run(step, home, text, None, shell, pieces, given)


@lru_cache(maxsize=4096)
def _script(text: str, words: tuple[str, ...] | None, shell: bool, bash: bool) -> Script:
    if words is not None:
        return Script((parse_words(words),) if words else (), True)
    script = parse_script(text, bash=bash)
    return script if shell else Script(script.commands, False)


@lru_cache(maxsize=4096)
def _read(
    text: str,
    words: tuple[str, ...] | None,
    shell: bool,
    bash: bool,
    cwd: str,
    home: str,
    variables: tuple[tuple[str, str], ...],
) -> _Reading:
    script = _script(text, words, shell, bash)
    env = {"HOME": home, **shell_variables(dict(variables))}
    invocations = walk_script(script, cwd, env)
    own = set(map(id, script.commands))
    calls = dict.fromkeys(
        one.pip for one in invocations if one.pip and one.pip.installs and id(one.command) in own
    )
    settings = (setting(one.command, one.env) for one in invocations)
    return _Reading(invocations, tuple(calls), tuple(one for one in settings if one is not None))


def _with_heredocs(
    instruction: Instruction, args: str, at: int
) -> tuple[str, tuple[tuple[int, int, bool], ...]]:
    """(script, pieces).

    A piece is (offset in the script, source offset, whether that is in the joined line).
    """
    heredocs = instruction.heredocs
    if not heredocs:
        return args, ((0, at, True),)
    if len(heredocs) == 1 and args == instruction.joined[heredocs[0].word_start : heredocs[0].word_end]:
        return heredocs[0].body, ((0, heredocs[0].body_start, False),)
    text, pieces = _with_heredoc_behind(instruction, args, at)
    for heredoc in heredocs:
        pieces.append((len(text), heredoc.body_start, False))
        text += f"{heredoc.body}{heredoc.name}\n"
    return text, tuple(pieces)


def _with_heredoc_behind(
    instruction: Instruction, args: str, at: int
) -> tuple[str, list[tuple[int, int, bool]]]:
    """(line, pieces) of a RUN; a heredoc that stands before its only command is moved behind it.

    The grammar knows it only there (`<<EOF python3`).
    """
    first = instruction.heredocs[0]
    end = first.word_end - at
    command = args[end:].strip()
    if first.word_start != at or not command or _JOINS.search(command):
        return args + "\n", [(0, at, True)]
    start = args.index(command, end)
    word = args[:end]
    return f"{command} {word}\n", [(0, at + start, True), (len(command) + 1, at, True)]


_ARGUMENTS: Final = "123456789#@*"
_PARAMETERS: Final = frozenset(f"0?-$!{_ARGUMENTS}")
_PATTERN: Final = frozenset("*?[")
_ARRAY: Final = re.compile(r"\"?\$\{(\w+)\[@\]\}\"?")
# Without what may hold a space or be a comment.
_LISTED: Final = re.compile(r"\(([^\\#'()`]*)\)")


def shell_variables(env: Mapping[str, str]) -> dict[str, str]:
    """The variables of an environment without those that are called like a shell's parameters.

    ENV may set them (`ENV #=2`), but a shell has its own: the arguments of a script and their count.
    """
    if _PARAMETERS.isdisjoint(env):
        return dict(env)
    return {name: value for name, value in env.items() if name not in _PARAMETERS}


def walk_script(script: Script, cwd: str, env: Mapping[str, str]) -> tuple[Invocation, ...]:
    """The commands of a script in order, with their `cwd` and `env`.

    Loops over known words are unrolled.
    """
    return tuple(_Walk(script, cwd, dict(env)).run())


def read_called(
    text: str, path: str, arguments: Mapping[str, str], caller: Invocation
) -> tuple[Invocation, ...]:
    """The commands of a script, at the absolute `path`, as `caller` runs it with numbered arguments."""
    variables = tuple({**shell_variables(caller.env), **arguments, "0": path, "BASH_SOURCE": path}.items())
    optional = caller.optional and not caller.looped
    terms = _Terms(optional, caller.unchecked, looped=caller.looped)
    readers = (caller.command.program.rpartition("/")[2], *_INTERPRETER.findall(text[:_FIRST_LINE]))
    is_bash = "{" in text and "bash" in readers
    return _read_called(text.replace("\r\n", "\n"), caller.cwd, variables, caller.umask, terms, is_bash)


@lru_cache(maxsize=1024)
def _read_called(
    text: str, cwd: str, variables: tuple[tuple[str, str], ...], umask: int, terms: _Terms, bash: bool
) -> tuple[Invocation, ...]:
    return tuple(_Walk(parse_script(text, bash=bash), cwd, dict(variables), umask, terms).run())


class _Shell(NamedTuple):
    """The working directory and umask of a shell, the directory before, and those that pushd has stacked."""

    cwd: str
    umask: int
    before: str = NOWHERE
    stack: tuple[str, ...] = ()

    def joined(self, other: _Shell) -> _Shell:
        """The state after either of two branches: unknown if the directories differ, the stricter umask."""
        return _Shell(
            self.cwd if self.cwd == other.cwd else NOWHERE,
            self.umask | other.umask,
            self.before if self.before == other.before else NOWHERE,
            self.stack if self.stack == other.stack else (),
        )

    def entering(self, place: str) -> _Shell:
        """The state after `cd`."""
        return self._replace(cwd=place, before=self.cwd)


class _Terms(NamedTuple):
    """On what terms a script runs, in the words of Invocation; `optional` leaves the loops out."""

    optional: bool = False
    unchecked: bool = False
    user: str = ""
    looped: bool = False

    def invoke(
        self, command: Command, shell: _Shell, env: Mapping[str, str], pip: PipCall | None = None
    ) -> Invocation:
        """A command that runs on these terms."""
        optional, looped = self.optional or self.looped, self.looped and not self.optional
        how = (shell.umask, optional, self.unchecked, self.user, looped)
        return Invocation(command, shell.cwd, dict(env), pip, *how)


_SURE: Final = _Terms()


class _State(NamedTuple):
    """What a script has set so far: the shell of each scope, and its variables."""

    shells: dict[int, _Shell]
    envs: dict[int, dict[str, str]]

    def copy(self) -> _State:
        return _State(dict(self.shells), {scope: dict(env) for scope, env in self.envs.items()})

    def joined(self, other: _State) -> _State:
        """The state after either of two branches: what both agree on."""
        shells = {scope: one.joined(other.shells.get(scope, one)) for scope, one in self.shells.items()}
        envs = {scope: _agreed(one, other.envs.get(scope, one)) for scope, one in self.envs.items()}
        return _State({**other.shells, **shells}, {**other.envs, **envs})

    def enter(self, scope: int, parents: Sequence[int]) -> tuple[_Shell, dict[str, str]]:
        """The shell and the variables of a scope; those of a new one are copies of its parent's."""
        if scope not in self.shells:
            above = max(parents[scope], 0) if scope else 0
            shell, env = self.enter(above, parents)
            self.shells[scope], self.envs[scope] = shell, dict(env)
        return self.shells[scope], self.envs[scope]

    def leave_all_but(self, scopes: Container[int]) -> None:
        """Forget the other scopes: a subshell starts anew each time."""
        for scope in [one for one in self.shells if one not in scopes]:
            del self.shells[scope], self.envs[scope]

    def forget(self, names: Collection[str]) -> None:
        """Forget the values of variables."""
        for env in self.envs.values():
            for name in names:
                env.pop(name, None)


def _agreed(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in one.items() if other.get(name) == value}


class _Open:
    """A branch being walked: the state before it, and at the end of each alternative."""

    __slots__ = ("before", "branch", "ends", "number")

    def __init__(self, way: Way, before: _State) -> None:
        self.branch, self.number, self.before = way.branch, way.number, before
        self.ends: list[_State] = [] if way.branch.exhaustive else [before]


class _Walk:
    """One walk over a script, with the shells and variables at the current position.

    `calls` are the functions that it stands in, innermost last, `whole` is the script with all of them.
    """

    def __init__(
        self,
        script: Script,
        cwd: str,
        env: dict[str, str],
        umask: int = 0o022,
        terms: _Terms = _SURE,
        calls: tuple[str, ...] = (),
    ) -> None:
        self.script = self.whole = script
        self.optional, self.unchecked, self.user, self.looped = terms
        self.calls = calls
        self.functions = _called_functions(script)
        self.state = _State({0: _Shell(cwd, umask)}, {0: env})
        self.open: list[_Open] = []
        self.pips: dict[int, PipCall | None] = {}
        self.traps: list[tuple[Command, Script, _Shell, Mapping[str, str]]] = []
        self.rounds = 0

    def run(self) -> Iterator[Invocation]:
        """The invocations of the whole script."""
        yield from self._commands(self.script.commands, 0)
        for command, script, shell, env in self.traps:
            yield from self._inner(replace(command, guarded=True), script, shell, env)
        self._close(0)

    def _commands(self, commands: Sequence[Command], depth: int) -> Iterator[Invocation]:
        """The invocations of consecutive commands; the outer `depth` loops are unrolled already."""
        at = 0
        while at < len(commands):
            if commands[at].function in self.functions and commands[at].function not in self.calls[-1:]:
                at += 1  # played where it is called
                continue
            around = commands[at].loop
            loops = around.chain() if around is not None else ()
            if len(loops) <= depth:
                self._go(commands[at].way)
                yield from self._command(commands[at])
                at += 1
                continue
            loop, end = loops[depth], at + 1
            while end < len(commands) and _is_in(commands[end], loop):
                end += 1
            self._go(loop.way)
            yield from self._loop(loop, commands[at:end], depth)
            at = end

    def _loop(self, loop: Loop, body: Sequence[Command], depth: int) -> Iterator[Invocation]:
        optional, looped = self.optional, self.looped
        around = _around(loop.scope, self.script.parents)
        words = self._words_of(loop)
        if words is None or any(map(_is_open, words)):
            self.looped = True
            self.state.forget(_assigned(body, depth + 1))
        if words is None or self.rounds + len(words) > _MAX_ROUNDS:
            self.state.forget((loop.variable,))
            yield from self._commands(body, depth + 1)
            words = []
        self.rounds += len(words)
        for word in words:
            self.state.leave_all_but(around)
            _, env = self.state.enter(loop.scope, self.script.parents)
            env[loop.variable] = word
            yield from self._commands(body, depth + 1)
            self._go(loop.way)
            # No further round may begin.
            self.optional |= any(one.program == "break" for one in body)
        self.optional, self.looped = optional, looped

    def _words_of(self, loop: Loop) -> list[str] | None:
        """What a loop iterates over, None if that is not known."""
        _, env = self.state.enter(loop.scope, self.script.parents)
        written = () if loop.words is None else [one for word in loop.words for one in self._elements(word)]
        found = expand_words(written, env)
        words = [one.value for one in found if one.value is not None]
        return words if len(words) == len(found) and loop.words is not None else None

    def _elements(self, word: Word) -> tuple[Word, ...]:
        """The words of an array, for `"${NAME[@]}"`, if the script assigns it once; for others the word."""
        match = _ARRAY.fullmatch(word.text)
        if match is None:
            return (word,)
        pairs = (pair for one in self.whole.commands for pair in one.assignments)
        values = [value.text for name, value in pairs if name == match[1]]
        listed = _LISTED.fullmatch(values[0]) if len(values) == 1 else None
        listing = parse_script(f": {' '.join(listed[1].split())}") if listed is not None else None
        return listing.commands[0].args if listing is not None and listing.understood else (word,)

    def _go(self, way: Way | None) -> None:
        """Leave the alternatives that end here, and enter those that begin."""
        if way is None and not self.open:
            return
        ways = way.chain() if way is not None else ()
        kept = 0
        while kept < min(len(ways), len(self.open)) and self.open[kept].branch == ways[kept].branch:
            kept += 1
            if self.open[kept - 1].number != ways[kept - 1].number:
                self._close(kept)
                self._turn(self.open[kept - 1], ways[kept - 1].number)
                break
        self._close(kept)
        for one in ways[kept:]:
            self.open.append(_Open(one, self.state))
            self.state = self.state.copy()

    def _turn(self, branch: _Open, number: int) -> None:
        branch.ends.append(self.state)
        branch.number, self.state = number, branch.before.copy()

    def _close(self, count: int) -> None:
        """End all branches except the outermost `count`."""
        while len(self.open) > count:
            branch = self.open.pop()
            for end in branch.ends:
                self.state = self.state.joined(end)

    def _command(self, command: Command) -> Iterator[Invocation]:
        if self.script.parents[1:]:
            self.state.leave_all_but(_around(command.scope, self.script.parents))
        shell, env = self.state.enter(command.scope, self.script.parents)
        local = env
        if command.assignments:
            local = dict(env)
            _bind(local, _values(command, env, shell.cwd))
        if command.script is not None and command.program == "trap":
            self.traps.append((command, command.script, shell, env))
            return
        if command.script is not None:
            yield from self._inner(command, command.script, shell, local)
            return
        if command.program in self.functions and command.program not in self.calls:
            yield from self._call(command, shell, local)
            return
        if id(command) not in self.pips:
            self.pips[id(command)] = read_pip(command)
        yield self._terms(command).invoke(command, shell, local, self.pips[id(command)])
        self._leave(command, shell, local)

    def _terms(self, command: Command) -> _Terms:
        """The terms on which a command runs; what stands in a function that nothing calls may run or not."""
        is_uncalled = command.function != "" and command.function not in self.calls
        optional = self.optional or command.guarded or is_uncalled
        return _Terms(optional, self.unchecked or command.unchecked, self.user, self.looped)

    def _inner(
        self, command: Command, script: Script, shell: _Shell, local: Mapping[str, str]
    ) -> Iterator[Invocation]:
        """The commands of a script that a command runs (`sh -c`), perhaps as another user."""
        terms, env = self._terms(command), number_inner_arguments(command, local)
        if command.user:
            # `su NAME -c`: who switches users is known by that, what it runs follows.
            yield terms.invoke(replace(command, script=None), shell, env)
            env = _env_of(command, env)
            is_login = any(word.text in _LOGIN for word in command.args)
            shell = shell._replace(cwd=NOWHERE) if is_login else shell
            terms = terms._replace(user=command.user)
        yield from _Walk(script, shell.cwd, env, shell.umask, terms).run()
        if not script.understood:
            yield terms.invoke(command, shell, local)

    def _call(self, command: Command, shell: _Shell, local: Mapping[str, str]) -> Iterator[Invocation]:
        """The body of a function, played with the arguments of a call; what it sets stays set."""
        body = self.functions[command.program]
        terms, calls = self._terms(command), (*self.calls, command.program)
        if command.redirects:
            yield terms.invoke(replace(command, name=None, args=()), shell, local)
        own = {name: value for name, value in local.items() if name.isidentifier() or name == "0"}
        arguments = number_all_arguments(command.args, local)
        script = replace(self.script, commands=body)
        inner = _Walk(script, shell.cwd, own | arguments, shell.umask, terms, calls)
        inner.functions, inner.pips, inner.whole = self.functions, self.pips, self.whole
        yield from inner.run()
        scope = min(one.scope for one in body)
        end, env = inner.state.enter(scope, self.script.parents)
        mine = self.state.envs[command.scope]
        given = {name: value for name, value in mine.items() if not name.isidentifier()}
        mine.clear()
        mine.update(shell_variables(env) | given)
        self.state.shells[command.scope] = end

    def _set_aside(self, command: Command, local: Mapping[str, str]) -> None:
        """Apply what its words assign, what it configures for other tools, and to the numbered arguments."""
        env = self.state.envs[command.scope]
        for word in command.words:
            env.update({} if word.literal else find_assigned(word.text, local))
        if configured := setting(command, local):
            env.update((configured,))
        if _renumbers(command):
            numbers = _renumbered(command, local)
            for given in [name for name in env if not (name.isidentifier() or name == "0")]:
                del env[given]
            env.update(numbers)

    def _leave(self, command: Command, shell: _Shell, local: Mapping[str, str]) -> None:
        """Apply what a command, run with the variables `local`, changes for the commands after it."""
        env = self.state.envs[command.scope]
        name = command.name.value if command.name is not None else None
        self._set_aside(command, local)
        if name in ("cd", "pushd", "popd"):
            self.state.shells[command.scope] = _moved(shell, name, command, local)
        elif name == "umask" and command.args:
            umask = read_umask(command.args[0].value or "", shell.umask)
            self.state.shells[command.scope] = shell._replace(umask=umask)
        elif place := activated(command, env):
            env["VIRTUAL_ENV"] = resolve(place, shell.cwd)
        elif name is None:
            _bind(env, _values(command, env, shell.cwd))
        elif name in _DECLARES:
            _bind(env, _exported(command, env, shell.cwd))
        elif name in _READERS:
            _bind(env, dict.fromkeys((word.text for word in command.args), "" if name == "unset" else None))


def _moved(shell: _Shell, name: str, command: Command, env: Mapping[str, str]) -> _Shell:
    """The state of a shell after cd, pushd or popd."""
    words = cd_operands(command.args)
    if name == "popd":
        *stack, place = shell.stack or (NOWHERE,)
        return shell.entering(place)._replace(stack=tuple(stack))
    if words and words[0].text == "-":
        return shell.entering(shell.before)
    target = _value(words[0], env, shell.cwd) if words else env.get("HOME")
    after = shell.entering(resolve(target, shell.cwd) if target is not None else NOWHERE)
    return after._replace(stack=(*shell.stack, shell.cwd)) if name == "pushd" else after


def _renumbers(command: Command) -> bool:
    """Whether a command changes the numbered arguments."""
    return command.program == "shift" or (
        command.program == "set" and any(word.text == "--" for word in command.args)
    )


def _renumbered(command: Command, env: Mapping[str, str]) -> dict[str, str]:
    """The arguments after shift or `set --`, as far as they are known."""
    if command.program == "set":
        at = next(index for index, word in enumerate(command.args) if word.text == "--")
        return number_all_arguments(command.args[at + 1 :], env)
    count = command.args[0].value or "" if command.args else "1"
    is_known = "#" in env and count.isdecimal()
    return _number_all(expand_words((EVERY_ARGUMENT,), env)[int(count) :]) if is_known else {}


def _called_functions(script: Script) -> dict[str, tuple[Command, ...]]:
    """The bodies of the functions that a script calls by their names."""
    called = {one.program for one in script.commands}
    found: dict[str, list[Command]] = {}
    for one in script.commands:
        if one.function and one.function in called:
            found.setdefault(one.function, []).append(one)
    return {name: tuple(body) for name, body in found.items()}


def number_inner_arguments(
    command: Command, env: Mapping[str, str], *, are_all: bool = True
) -> dict[str, str]:
    """The variables of a script that a command runs: `sh -c SCRIPT NAME WORD...` gives it arguments.

    `are_all`: it gets no others.
    """
    given = find_arguments(command.args) if is_shell(command.program) else None
    if given is None:
        return dict(env)
    own = {name: value for name, value in env.items() if name.isidentifier()}
    if "xargs" in command.via:
        return own  # it adds what it reads
    name = given[0].expand(env) if given else None
    number = number_all_arguments if are_all else number_arguments
    return own | number(given[1:], env) | ({"0": name} if name is not None else {})


def number_all_arguments(words: Sequence[Word], env: Mapping[str, str]) -> dict[str, str]:
    """Arguments by their numbers, as far as they are known; one that is not given is ""."""
    return _number_all(expand_words(words, env))


def _number_all(arguments: Sequence[Argument]) -> dict[str, str]:
    at = next((index for index, one in enumerate(arguments) if one.text in ALL_ARGUMENTS), len(arguments))
    if at < len(arguments):
        return _numbered(arguments[:at])  # any number may follow
    missing = {str(number): "" for number in range(len(arguments) + 1, 10)}
    return missing | _numbered(arguments) | {"#": str(len(arguments))}


def number_arguments(words: Sequence[Word], env: Mapping[str, str]) -> dict[str, str]:
    """Arguments by their numbers, as far as they are known; "@" where there is one alone."""
    return _numbered([Argument(word.expand(env), word.text) for word in words])


def _numbered(arguments: Sequence[Argument]) -> dict[str, str]:
    found = {str(number): one.value for number, one in enumerate(arguments[:9], 1) if one.value is not None}
    if len(arguments) == 1 and arguments[0].value is not None:
        found |= dict.fromkeys("@*", arguments[0].value)
    return found


def _is_open(word: str) -> bool:
    """Whether a word of a loop is a pattern, which stands for any number of rounds."""
    return not _PATTERN.isdisjoint(word)


def _assigned(body: Iterable[Command], depth: int) -> set[str]:
    """The variables that commands assign, and their loops except the outer `depth`."""
    found: set[str] = set()
    for one in body:
        if one.name is None:
            found.update(name for name, _ in one.assignments)
        elif one.program in (*_DECLARES, "read"):
            found.update(word.text.partition("=")[0] for word in one.args)
        elif _renumbers(one):
            found.update(_ARGUMENTS)
        if one.loop is not None:
            found.update(loop.variable for loop in one.loop.chain()[depth:])
    return found


def _around(scope: int, parents: Sequence[int]) -> set[int]:
    """A scope and those around it."""
    found = {0, scope}
    while (scope := parents[scope]) > 0:
        found.add(scope)
    return found


def _is_in(command: Command, loop: Loop) -> bool:
    return command.loop is not None and any(one is loop for one in command.loop.chain())


def activated(command: Command, env: Mapping[str, str]) -> str:
    """The virtual environment that `. DIRECTORY/bin/activate` activates, as written.

    "" for other commands.
    """
    if command.program not in (".", "source") or not command.args:
        return ""
    script = command.args[0].expand(env) or ""
    return script.removesuffix("/bin/activate") if script.endswith("/bin/activate") else ""


def _bind(env: dict[str, str], values: Mapping[str, str | None]) -> None:
    """Set variables; None stands for a value that is not known."""
    for name, value in values.items():
        if value is not None:
            env[name] = value
        else:
            env.pop(name, None)


def _values(command: Command, env: Mapping[str, str], cwd: str) -> dict[str, str | None]:
    return {name: _value(word, env, cwd) for name, word in command.assignments}


def _value(word: Word, env: Mapping[str, str], cwd: str) -> str | None:
    value = word.expand(env)
    return find_temporary(word, env, cwd) if value is None else value


def _exported(command: Command, env: Mapping[str, str], cwd: str) -> dict[str, str | None]:
    written = [word.text.partition("=") for word in command.args]
    found: dict[str, str | None] = {name: None for name, equals, _ in written if equals}
    pairs = [word.expand(env) for word in command.args]
    split = [pair.partition("=") for pair in pairs if pair and "=" in pair]
    return found | shell_variables({name: value for name, _, value in split}) | _values(command, env, cwd)
