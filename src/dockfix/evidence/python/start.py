"""What an image starts: the command lines of ENTRYPOINT and CMD, and the modules that they name."""

from __future__ import annotations

import itertools
import posixpath
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from dockfix.evidence.image_files import Layout
from dockfix.evidence.python.servers import Server, config_path, find_server, flags, ini_flags
from dockfix.model.command_lists import read_command_list
from dockfix.model.makefiles import MAKES, read_goals, read_recipes
from dockfix.model.paths import resolve
from dockfix.model.written import find_document
from dockfix.syntax.script import Command, Script, Word
from dockfix.syntax.shell import parse_script, parse_words
from dockfix.syntax.tree import Instruction
from dockfix.syntax.wrappers import cd_operands, find_awaited

_SHELL: Final = re.compile(r"(?:.*/)?(?:ba|da|a|z|k)?sh")
_PYTHON: Final = re.compile(r"(?:.*/)?(?:python|pypy)[\d.]*")
# Each launcher, with the words between it and the command that it launches.
_LAUNCHERS: Final = {
    **dict.fromkeys(
        ("poetry", "pipenv", "uv", "pdm", "hatch", "rye", "conda", "micromamba", "coverage"), ("run",)
    ),
    **dict.fromkeys(("dotenv", "doppler"), ("run",)),
    **dict.fromkeys(("opentelemetry-instrument", "ddtrace-run", "kernprof", "torchrun", "debugpy"), ()),
    **dict.fromkeys(("watchfiles", "dockerize", "xvfb-run", "stdbuf", "ipython"), ()),
    "newrelic-admin": ("run-program",),
    "watchmedo": ("auto-restart",),
    "accelerate": ("launch",),
}
# Those that run a Python script, or a module by `-m`, whatever options stand before it.
_OF_SCRIPTS: Final = frozenset({"accelerate", "debugpy", "torchrun"})
_OF_WATCHFILES: Final = frozenset(
    {"--filter", "--args", "--target-type", "--ignore-paths", "--verbosity", "--grace-period"}
)
_VALUED: Final = frozenset(
    {"-n", "-p", "--name", "--prefix", "--env-file", "--project", "--directory", "--extra", "--with"}
    | {"-d", "--pattern", "--patterns", "--ignore-patterns", "--interval", "--signal"}
)
_TESTERS: Final = ("pytest", "py.test", "unittest")
_TESTS: Final = re.compile(r"(?:test_.*|.*_test|conftest)\.py")
_MOST_TESTS: Final = 60
# Where servers look for modules first: gunicorn, uvicorn.
_CHANGES: Final = re.compile(r"\s--(?:chdir|app-dir)[ =](\S+)")
_LOCATION: Final = re.compile(r"^script_location[ \t]*=[ \t]*(\S+)", re.MULTILINE)
_ALL_ARGUMENTS: Final = ('"$@"', "$@", '"${@}"', "${@}", "$*", '"$*"')
_MAX_DEPTH: Final = 3


@dataclass(frozen=True, slots=True)
class Line:
    """A command line that runs at the start: its words, its position in a file, and its working directory."""

    words: tuple[str, ...]
    file: str
    line: int
    workdir: str


@dataclass(frozen=True, slots=True)
class NamedCode:
    """Code that a command line names: any one of these files (absolute paths) or modules."""

    files: tuple[str, ...]
    modules: tuple[str, ...]
    by: Line


@dataclass(frozen=True, slots=True)
class InlineCode:
    """Python code among the words of a command line (`python -c`)."""

    text: str
    by: Line


@dataclass(slots=True)
class Start:
    """Everything that is known to be started; `configs` are Python files that a server runs as well."""

    lines: list[Line] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    codes: list[InlineCode] = field(default_factory=list)
    roots: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    named: list[NamedCode] = field(default_factory=list)
    configs: list[str] = field(default_factory=list)

    @property
    def is_known(self) -> bool:
        """Whether a module of the application is known to be started."""
        return bool(self.files or self.modules or self.codes)


class StartReader:
    """Follows an image's start through launchers, shells and scripts.

    `given` are variables that deployments may set in place of the image's. `find` returns (path, text) of
    a program by its name, wherever a step has put it.
    """

    def __init__(
        self,
        layout: Layout,
        path: str,
        given: Iterable[tuple[str, str]] = (),
        find: Callable[[str], tuple[str, str] | None] = lambda _name: None,
    ) -> None:
        self.layout = layout
        self.path = path
        self.find = find
        self.start = Start()
        self.variables = dict(layout.env)
        self.alternatives: dict[str, list[str]] = {}
        for name, value in given:
            self.alternatives.setdefault(name, []).append(value)

    def read(self) -> Start:
        """The start of the image."""
        lines = self.layout.start_lines
        forms = [line.json for line in lines]
        if len(lines) == 2 and forms[0] and forms[1]:
            self._command(
                parse_words([*forms[0], *forms[1]]), lines[0].line, self.path, self.layout.workdir, 0
            )
        for line in lines:
            self._instruction(line)
        return self.start

    def follow(self, command: Command, line: int, workdir: str, file: str = "") -> Start:
        """The start, extended by a single command of `file`, by default the Dockerfile."""
        self._command(command, line, file or self.path, workdir, 0)
        return self.start

    def follow_code(self, text: str, line: int, workdir: str) -> Start:
        """The start, extended by Python code that begins on a line of the Dockerfile."""
        self._code(text, Line(("python", "-c", text), self.path, line, workdir))
        return self.start

    def _instruction(self, line: Instruction) -> None:
        if line.json:
            self._command(parse_words(line.json), line.line, self.path, self.layout.workdir, 0)
        elif line.json is None:
            self._script(line.args, self.path, line.line, self.layout.workdir, 0)

    def _script(
        self, text: str, file: str, first: int, workdir: str, depth: int, by: Line | None = None
    ) -> None:
        """Read a script that runs in `workdir`; `by` is the line that calls it, with its arguments."""
        for command, place in self._placed(parse_script(text), workdir):
            line = first + text.count("\n", 0, command.start)
            self._assign(command)
            if by is not None and command.name is not None and command.name.text in _ALL_ARGUMENTS:
                # What the caller chose is reported where the caller stands.
                self._words(_arguments(by), by.line, by.file, place, depth)
            elif _PYTHON.fullmatch(command.program) and (code := find_document(command, text)) is not None:
                self._code(code, Line((command.program, "-"), file, line + 1, place))
            else:
                self._command(command, line, file, place, depth, by)

    def _assign(self, command: Command) -> None:
        """Keep the variables that a command of a script sets; what it may set is an alternative."""
        for name, word in command.assignments if command.name is None else _exported(command):
            value, others = word.expand(self.variables), list(self._otherwise(word))
            if command.optional:
                others = [*self.alternatives.get(name, ()), *filter(None, [value]), *others]
            else:
                self.variables[name] = "\0" if value is None else value
            self.alternatives.pop(name, None)
            if others:
                self.alternatives[name] = others

    def _otherwise(self, word: Word) -> Iterator[str]:
        """What a word is with one of the alternatives of a variable in it."""
        for name, values in self.alternatives.items() if "$" in word.text else ():
            if name in word.text:
                found = (word.expand({**self.variables, name: value}) for value in values)
                yield from (one for one in found if one is not None)

    def _placed(self, script: Script, workdir: str) -> Iterator[tuple[Command, str]]:
        """The commands of a script, each with its working directory; a subshell's `cd` ends with it."""
        places = {0: workdir}
        for command in script.commands:
            scope = command.scope
            while scope not in places:
                scope = script.parents[scope]
            place = places[scope]
            if command.program == "cd":
                words = cd_operands(command.args)
                entered = words[0].expand(self.variables) if words else ""
                place = posixpath.normpath(posixpath.join(place, entered)) if entered else place
            places[command.scope] = place
            yield command, place

    def _command(
        self, command: Command, line: int, file: str, workdir: str, depth: int, by: Line | None = None
    ) -> None:
        if command.script is not None:
            for inner, place in self._placed(command.script, workdir):
                self._command(inner, line, file, place, depth, by)
            return
        if command.name is None:
            return
        words = expand_words(command, self.variables, by)
        named = len(self.start.named)
        outer = self.variables
        if command.assignments:
            self.variables = {**outer, **_given(command, outer)}
        self._words(words, line, file, workdir, depth)
        self.variables = outer
        for name, values in self.alternatives.items():
            for value in values:
                other = launched(expand_words(command, {**self.variables, name: value}, by))
                if other and other != launched(words) and (server := find_server(other[0])):
                    self.start.lines.append(Line(other, file, line, workdir))
                    self._server(server, self.start.lines[-1])
                    self._join_named(named)

    def _join_named(self, first: int) -> None:
        """Take the code that is named from the index `first` on for alternatives, of which one exists."""
        if found := self.start.named[first:]:
            files = dict.fromkeys(file for one in found for file in one.files)
            modules = dict.fromkeys(module for one in found for module in one.modules)
            self.start.named[first:] = [NamedCode(tuple(files), tuple(modules), found[0].by)]

    def _words(self, words: tuple[str, ...], line: int, file: str, workdir: str, depth: int) -> None:
        words = launched(words)
        if not words:
            return
        one = Line(words, file, line, workdir)
        if one in self.start.lines:
            return
        self.start.lines.append(one)
        program = words[0]
        if _PYTHON.fullmatch(program):
            self._python(words[1:], one)
        elif server := find_server(program):
            self._server(server, one)
            self._settings(server, one)
        elif program in _TESTERS:
            self._tests(words[1:], one)
        elif posixpath.basename(program) in MAKES and depth < _MAX_DEPTH:
            self._recipes(one, depth)
        elif listed := list(read_command_list(words, workdir, self.layout.read)):
            for path, number, text in listed if depth < _MAX_DEPTH else ():
                self._script(text, self.layout.source_of(path) or path, number, workdir, depth + 1)
        elif _SHELL.fullmatch(program) or program in (".", "source"):
            operands = [word for word in words[1:] if not word.startswith("-")]
            self._follow(operands[0] if operands else "", one, depth)
        else:
            self._follow(program, one, depth)
            self._operands(words[1:], one)

    def _operands(self, words: Sequence[str], line: Line) -> None:
        """The modules of the image that a command line gives to a program, which may run them.

        A notebook is run as well, and not read.
        """
        for word in words:
            path = posixpath.normpath(posixpath.join(line.workdir, word))
            if not word.endswith((".py", ".ipynb")) or self.layout.source_of(path) is None:
                continue
            if word.endswith(".py"):
                self._file(path, line)
            else:
                self.start.unread.append(path)

    def _tests(self, words: Sequence[str], line: Line) -> None:
        """The modules that pytest collects from its operands, else from the working directory.

        Source: docs.pytest.org, "Conventions for Python test discovery".
        """
        named = [word.partition("::")[0] for word in words if not word.startswith("-")]
        places = [posixpath.normpath(posixpath.join(line.workdir, one)) for one in named]
        places = [one for one in places if self._is_there(one)] or [line.workdir]
        found = itertools.chain.from_iterable(map(self._collected, places))
        for path in itertools.islice(found, _MOST_TESTS):
            self.start.files.append(path)
            self.start.roots += [posixpath.dirname(path), line.workdir]

    def _is_there(self, path: str) -> bool:
        return bool(self.layout.entries(path)) or self.layout.source_of(path) is not None

    def _collected(self, place: str, depth: int = 0) -> Iterator[str]:
        """The test modules in a directory and those below, or the one file."""
        entries = self.layout.entries(place)
        if not entries and place.endswith(".py"):
            yield place
        yield from (posixpath.join(place, name) for name in entries if _TESTS.fullmatch(name))
        for name in entries if depth < _MAX_DEPTH else ():
            if name.endswith("/") and not name.startswith((".", "node_modules/", "venv/")):
                yield from self._collected(posixpath.join(place, name.rstrip("/")), depth + 1)

    def _recipes(self, line: Line, depth: int) -> None:
        """The recipes of the goals that a make command names; each runs where make does."""
        goals = read_goals(line.words[1:])
        place = resolve(goals.directory, line.workdir)
        for path in goals.paths(line.workdir):
            text = self.layout.read(path)
            if text is not None:
                source = self.layout.source_of(path) or path
                for one in read_recipes(text, goals, self.variables):
                    self._script(one.text, source, one.number, place, depth + 1)
                return

    def _settings(self, server: Server, line: Line) -> None:
        """The ini files that a server reads: each key is a flag, on a line of its own."""
        named = [value for flag, value in flags(line.words) if flag in server.settings]
        named += [word for word in line.words[1:] if word.endswith(".ini") and not word.startswith("-")]
        for written in dict.fromkeys(named if server.settings else ()):
            path = posixpath.normpath(posixpath.join(line.workdir, written))
            for at, word in ini_flags(self.layout.read(path) or ""):
                key = Line((line.words[0], word), self.layout.source_of(path) or written, at, line.workdir)
                self.start.lines.append(key)
                self._server(server, key)

    def _follow(self, written: str, line: Line, depth: int) -> None:
        """Follow a script of the image (shell or Python), or a console script that the project defines."""
        path = posixpath.normpath(posixpath.join(line.workdir, written)) if written else ""
        found = self.layout.read(path) if path and ("/" in written or "." in written) else None
        if found is None and path and "/" not in written:
            path, found = self._beside(written) or (path, None)
        if found is None and (placed := self.find(written) if written else None) and _runs_python(placed[1]):
            self.start.roots.append(posixpath.dirname(placed[0]))
            self._code(placed[1], Line(line.words, placed[0], 1, line.workdir))
        elif found is None:
            self._console_script(written)
        elif path.endswith(".py") or _runs_python(found):
            self._file(path, line)
        elif depth < _MAX_DEPTH:
            caller = self.variables.get("0", path)
            self.variables["0"] = caller if line.words[0] in (".", "source") else path
            self._script(found, self.layout.source_of(path) or written, 1, line.workdir, depth + 1, line)
            self.variables["0"] = caller

    def _beside(self, name: str) -> tuple[str, str] | None:
        """(path, text) of the file of that name that a copy brings by itself."""
        for landing in self.layout.final.landings:
            if posixpath.basename(landing.destination) == name and not landing.is_tree:
                text = self.layout.read(landing.destination)
                return None if text is None else (landing.destination, text)
        return None

    def _console_script(self, written: str) -> None:
        name = posixpath.basename(written) if "/bin/" in written else written
        declared = re.compile(
            rf"""(?:^[ \t]*['"]?|['"]){re.escape(name)}\s*(?:['"]\s*)?=\s*['"]?([\w.]+)\s*:""", re.MULTILINE
        )
        for text in self._projects():
            if match := declared.search(text):
                self.start.modules.append(match[1])
                work = self.layout.workdir
                # A script finds its packages where they are installed, not in the working directory.
                self.start.roots += [*self.layout.sites, work, posixpath.join(work, "src")]
                return
        if "/" in written:
            self.start.unread.append(written)

    def _projects(self) -> Iterator[str]:
        """The texts that describe the project of the build context, and those that the image installs."""
        for name in ("pyproject.toml", "setup.cfg", "setup.py"):
            yield self.layout.reader(name) or ""
            yield from (self.layout.read(posixpath.join(site, name)) or "" for site in self.layout.sites)

    def _python(self, words: Sequence[str], line: Line) -> None:
        at = 0
        while at < len(words) and words[at].startswith("-"):
            if words[at] == "-m" and at + 1 < len(words):
                self._module(words[at + 1], words[at + 1 :], line)
                return
            if words[at] == "-c" and at + 1 < len(words):
                self._code(words[at + 1], line)
                return
            at += 2 if words[at] in ("-W", "-X") else 1
        if at < len(words):
            self._file(posixpath.normpath(posixpath.join(line.workdir, words[at])), line)

    def _code(self, text: str, line: Line) -> None:
        # "\0" stands for a word whose value is unknown.
        if "\0" not in text:
            self.start.roots.append(line.workdir)
            self.start.codes.append(InlineCode(text, line))

    def _module(self, name: str, words: Sequence[str], line: Line) -> None:
        if find_server(name) or name in _TESTERS or name in _LAUNCHERS:
            self._words(tuple(words), line.line, line.file, line.workdir, 0)
            return
        self.start.roots.append(line.workdir)
        self._name((), (name, f"{name}.__main__"), line)

    def _file(self, path: str, line: Line) -> None:
        """A file that Python runs, or the `__main__.py` of a directory."""
        main = posixpath.join(path, "__main__.py")
        is_directory = self.layout.source_of(main) is not None
        self.start.roots.append(path if is_directory else posixpath.dirname(path))
        self._name((main if is_directory else path,), (), line)

    def _name(self, files: tuple[str, ...], modules: tuple[str, ...], line: Line) -> None:
        self.start.files += files
        self.start.modules += modules
        # A variable that nobody sets, or a substitution.
        if (files or modules) and not {"\0", "$"} & set("".join((*files, *modules))):
            self.start.named.append(NamedCode(files, modules, line))

    def _server(self, server: Server, line: Line) -> None:
        changed = _CHANGES.search(" ".join(line.words))
        root = posixpath.normpath(posixpath.join(line.workdir, changed[1] if changed else "."))
        named = [one.partition(":")[0] for one in server.applications(line.words, self.variables)]
        paths = [name for name in named if name.endswith(".py") or "/" in name]
        files = [posixpath.normpath(posixpath.join(root, path)) for path in paths]
        modules = [one for name in named if name and name not in paths for one in _modules(server, name)]
        self.start.roots += [root, *map(posixpath.dirname, files)]
        self.start.files += self._pages(server, files)
        if server.programs[0] == "alembic":
            self.start.files += self._migrations(server, line)
        if server.programs[0] == "gunicorn":
            self.start.configs += [config_path(one, line.workdir) for one in server.configs(line.words)]
        self._name(tuple(files), tuple(modules), line)

    def _pages(self, server: Server, files: Iterable[str]) -> Iterator[str]:
        """The modules that a server runs beside an application."""
        for folder in sorted(set(map(posixpath.dirname, files))) if server.pages else ():
            place = posixpath.join(folder, server.pages)
            yield from (
                posixpath.join(place, one) for one in self.layout.entries(place) if one.endswith(".py")
            )

    def _migrations(self, server: Server, line: Line) -> Iterator[str]:
        """The scripts that alembic runs (alembic.sqlalchemy.org, "The Migration Environment")."""
        for path in (config_path(one, line.workdir) for one in server.configs(line.words)):
            folder = posixpath.dirname(path)
            for place in _LOCATION.findall(self.layout.read(path) or ""):
                found = place.replace("%(here)s", folder)
                yield posixpath.normpath(posixpath.join(line.workdir, found, "env.py"))


def _runs_python(text: str) -> bool:
    return re.match(r"#!.*python", text) is not None


def _modules(server: Server, name: str) -> list[str]:
    if server.attribute:
        return [name.rpartition(".")[0] or name]
    return _celery_modules(name) if server.is_celery else [name]


def _celery_modules(name: str) -> list[str]:
    """The modules in which Celery may find an application: the named one, its submodules, or its parent."""
    return [one for one in (name, f"{name}.celery", f"{name}.tasks", name.rpartition(".")[0]) if one]


def _given(command: Command, variables: Mapping[str, str]) -> dict[str, str]:
    """The variables that stand before a command (`NAME=VALUE COMMAND`); a NUL for an unknown value."""
    expanded = ((name, word.expand(variables)) for name, word in command.assignments)
    return {name: "\0" if value is None else value for name, value in expanded}


def _exported(command: Command) -> Iterator[tuple[str, Word]]:
    """(name, value) of what `export NAME=VALUE` and its like set."""
    for word in command.args if command.program in ("export", "readonly", "declare", "local") else ():
        name, assigned, value = word.text.partition("=")
        if assigned and name.isidentifier():
            yield name, word._replace(text=value)


def expand_words(command: Command, variables: Mapping[str, str], by: Line | None = None) -> tuple[str, ...]:
    """The words of a command; a NUL stands for one whose value is unknown.

    `by` is the line that calls the script of the command, whose arguments stand for `"$@"`.
    """
    words: list[str] = []
    for word in (command.name, *command.args) if command.name is not None else ():
        if by is not None and word.text in _ALL_ARGUMENTS:
            words += _arguments(by)
        else:
            value = word.expand(variables)
            words.append("\0" if value is None or "\0" in value else value)
    return tuple(words)


def _arguments(line: Line) -> tuple[str, ...]:
    """The arguments that a command line gives to the script that it calls, with a shell or without."""
    words = line.words
    if not _SHELL.fullmatch(words[0]) and words[0] not in (".", "source"):
        return words[1:]
    at = next((at for at, word in enumerate(words) if at and not word.startswith("-")), len(words))
    return words[at + 1 :]


def launched(words: tuple[str, ...]) -> tuple[str, ...]:
    """The command after launchers such as `poetry run`."""
    for _ in range(4):
        if "--" in words:
            words = tuple(find_awaited(words)) or words
        name = posixpath.basename(words[0]) if words else ""
        if name not in _LAUNCHERS:
            return words
        rest = list(words[1:])
        for expected in _LAUNCHERS[name]:
            if expected in rest:
                rest = rest[rest.index(expected) + 1 :]
        words = _watched(rest) if name == "watchfiles" else tuple(_without_options(name, rest))
        if name in (*_OF_SCRIPTS, "coverage", "ipython", "kernprof") and words:
            return words if words[0].startswith("python") else ("python", *words)
    return words


def _watched(words: list[str]) -> tuple[str, ...]:
    """The command that watchfiles runs: a command line, or a function whose module gets `--args`.

    Source: watchfiles/cli.py, TARGET and `--args`.
    """
    given = dict(itertools.pairwise(words))
    values = {given[flag] for flag in _OF_WATCHFILES & given.keys()}
    target = next((word for word in words if not word.startswith("-") and word not in values), "")
    try:
        command, arguments = shlex.split(target), shlex.split(given.get("--args", ""))
    except ValueError:
        return ()
    if len(command) != 1 or "." not in target or "/" in target:
        return (*command, *arguments)
    module = target.rpartition(".")[0].removesuffix(".__main__")
    return ("python", "-m", module, *arguments)


def _without_options(name: str, words: list[str]) -> Iterator[str]:
    """What a launcher launches: its words without the options before it."""
    at = 0
    if name in _OF_SCRIPTS:
        starts = (at for at, word in enumerate(words) if word == "-m" or word.endswith(".py"))
        at = next(starts, len(words))
    while at < len(words) and words[at].startswith("-") and words[at] != "-m":
        takes = words[at] in _VALUED or name == "opentelemetry-instrument"
        at += 2 if takes and "=" not in words[at] else 1
    yield from words[at:]
