"""What an image starts: the commands of ENTRYPOINT and CMD, and of scripts that can be read."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from dockfix.context import Context, Deployment
from dockfix.knowledge.processes import waits
from dockfix.lazy import cached_property
from dockfix.model.command_lists import find_listed
from dockfix.model.copies import Copy
from dockfix.model.evidence import Launch
from dockfix.model.image_texts import GLOB, ImageTexts
from dockfix.model.inherited import find_inherited
from dockfix.model.lineage import Lineage, Step
from dockfix.model.makefiles import find_recipes
from dockfix.model.paths import is_shared, is_within, on_path, resolve
from dockfix.model.runs import (
    Invocation,
    number_arguments,
    number_inner_arguments,
    read_called,
    read_run,
    shell_variables,
    walk_script,
)
from dockfix.model.scripts import (
    MAX_DEPTH,
    RUN_PARTS,
    SCRIPTS,
    arguments_of_script,
    is_shell_script,
    script_of_shell,
)
from dockfix.syntax.script import Word
from dockfix.syntax.shell import Command, parse_script, parse_words
from dockfix.syntax.wrappers import is_shell, is_wrapper

_SCRIPT: Final = re.compile(r".*\.(?:sh|bash)|.*entry-?point[^/]*", re.IGNORECASE)
# Programs in these directories come from packages, not from the build context.
_PACKAGED: Final = re.compile(
    r"/(?:usr/(?!src/|app/)|bin/|sbin/|lib/)(?:.*/)?[^/.]+|(?:.*/)?(?:\.?v?env[^/]*|conda[^/]*|[^/]+/envs/[^/]+)/bin/[^/.]+"
    r"|.*/(?:python[\d.]*|gunicorn|uvicorn|celery|flask|streamlit|jupyter[\w-]*|uwsgi|daphne|hypercorn|node|java|tini)"
)


# Options of servers and workers (gunicorn, uvicorn, uWSGI, celery, ...) that name a file to write.
_WRITTEN: Final = re.compile(
    r"(?:^|\s)--(?:access-?log(?:file)?|error-?log(?:file)?|log-?(?:file|to)|pid(?:-?file)?|schedule|statedb|uds)"
    r"[= ](/[^\s:,]+)|(?:^|[\s=])unix:(/[^\s:,]+)"
)
_SQLITE: Final = re.compile(r"sqlite:////([^\s\"'?]+)")


_SOURCING: Final = (".", "source")
_MAX_SOURCED: Final = 16
"""So many files that a script sources are read."""
_NO_CHECK: Final = re.compile(r"none\s*", re.IGNORECASE)
_LOGIN: Final = re.compile(r"""(?:^#!\S*|\b(?:ba|da|a)?)sh[",\s]+(?:-[a-zA-Z]*l[a-zA-Z]*|--login)\b""")


@dataclass(frozen=True, slots=True)
class StartedCommand:
    """A command that runs when the image starts; `where` is the script that contains it, or "".

    `is_deployed`: a deployment of the repository starts the image with it.
    """

    invocation: Invocation
    line: int
    where: str = ""
    is_deployed: bool = False

    @property
    def command(self) -> Command:
        """The command itself."""
        return self.invocation.command

    @property
    def place(self) -> str:
        """` in SCRIPT`, or "" for the Dockerfile."""
        return f" in {self.where}" if self.where else ""


@dataclass(frozen=True, slots=True)
class DeployedStart:
    """A command line with which a manifest or a script starts the image, and its working directory."""

    words: tuple[str, ...]
    workdir: str
    by: Deployment

    @property
    def is_unknown(self) -> bool:
        """Whether a manifest leaves the program to a variable without a value."""
        return self.by.kind != "docker run" and self.words[0].startswith("$")

    def lines(self) -> Iterator[tuple[str, ...]]:
        """The whole command line, and the command alone if the entry point may be a script that runs it."""
        yield self.words
        command = self.by.command or ()
        if 0 < len(command) < len(self.words) and _SCRIPT.fullmatch(self.words[0]):
            yield command


@dataclass(eq=False)
class Starting:
    """The start of one image; `home` is what `~` means for the user that runs it.

    `launches` are the commands that the application starts itself.
    """

    lineage: Lineage
    copies: tuple[Copy, ...]
    context: Context
    home: str
    launches: tuple[Launch, ...] = ()

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The ENTRYPOINT and CMD in force, in command line order, with those of an inspected base."""
        entrypoint, cmd = self.lineage.last("ENTRYPOINT"), self.lineage.last("CMD")
        if entrypoint is None:
            inherited = find_inherited(self.lineage, has_command=cmd is not None)
            return (*inherited, *_standing(cmd))
        if cmd and (cmd.index < entrypoint.index and cmd.stage is not entrypoint.stage):
            cmd = None
        return _standing(entrypoint, cmd)

    @cached_property
    def commands(self) -> tuple[StartedCommand, ...]:
        """Every command known to run, including those behind wrappers, shells and readable scripts."""
        return tuple(self._found[0])

    @property
    def understood(self) -> bool:
        """Whether the start commands can be parsed."""
        return all(read_run(step, "/").script.understood for step in self.steps)

    @property
    def is_waiting(self) -> bool:
        """Whether the ENTRYPOINT lacks an operand, and neither a CMD nor a deployment supplies it."""
        if self.deployed or [step.keyword for step in self.steps] != ["ENTRYPOINT"]:
            return False
        return any(waits(one.command) for one in self._direct())

    @cached_property
    def deployed(self) -> tuple[DeployedStart, ...]:
        """The distinct starts that the repository's deployments define."""
        found: dict[tuple[tuple[str, ...], str], DeployedStart] = {}
        for one in self.context.deployments:
            if one.is_start and one.is_of(self.lineage.final.names()) and (words := self._words_of(one)):
                start = DeployedStart(words, one.workdir or self.lineage.end.workdir, one)
                found.setdefault((words, start.workdir), start)
        return tuple(found.values())

    def _words_of(self, one: Deployment) -> tuple[str, ...]:
        """The command line of a deployment, completed by the image's ENTRYPOINT and CMD."""
        own = {step.keyword: step for step in self.steps}
        entrypoint, command = one.entrypoint, one.command
        if entrypoint is None:
            entrypoint = _words(own["ENTRYPOINT"]) if "ENTRYPOINT" in own else ()
            if not entrypoint and "ENTRYPOINT" in own:
                return ()  # the shell form ignores arguments, so this is the image's own start
            if command is None and "CMD" in own:
                command = _words(own["CMD"])
        return (*entrypoint, *(command or ()))

    @cached_property
    def unread(self) -> tuple[tuple[str, int], ...]:
        """(path, line) of the application's scripts and programs that cannot be read."""
        return tuple(self._found[1])

    @cached_property
    def _found(self) -> tuple[list[StartedCommand], list[tuple[str, int]]]:
        commands: list[StartedCommand] = []
        unread: list[tuple[str, int]] = []
        for one in self._direct():
            self._follow(one, 0, commands, unread)
        return commands, unread

    @cached_property
    def variables(self) -> dict[str, str]:
        """The variables, except HOME, as the image's own start leaves them."""
        own = [one.invocation.env for one in self.commands if not one.is_deployed]
        return {name: value for env in own for name, value in env.items() if self._is_set(name, value)}

    @cached_property
    def other_variables(self) -> tuple[tuple[str, str], ...]:
        """(name, value) of variables that deployments and the scripts they start set differently."""
        env = [one.invocation.env for one in self.commands if one.is_deployed]
        env += [dict(one.environment) for one in self.context.deployments if one.user is None]
        found = dict.fromkeys(pair for one in env for pair in one.items() if self._is_set(*pair))
        return tuple(pair for pair in found if self.variables.get(pair[0]) != pair[1])

    def _is_set(self, name: str, value: str) -> bool:
        """Whether a variable is set when the image starts, not only during the build."""
        end = self.lineage.end
        is_variable = name.isidentifier() and name not in ("BASH_SOURCE", "HOME")
        return is_variable and (name in end.env or end.variables.get(name) != value)

    @property
    def invocations(self) -> tuple[Invocation, ...]:
        """The commands with their directories and variables; the commands of a script follow its call."""
        return tuple(one.invocation for one in self.commands)

    def _direct(self) -> Iterator[StartedCommand]:
        """The command lines of the image itself and of its deployments."""
        for one, step in self._own():
            yield StartedCommand(one, step.instruction.line)
        for start in self.deployed:
            for words in start.lines():
                yield self._by_deployment(words, start.by)
        yield from self.checks
        line = self.steps[-1].instruction.line if self.steps else 0
        for launch in self.launches:
            called = self._line(launch.words, launch.workdir)
            yield StartedCommand(called, line, f"{launch.file}:{launch.line}")

    @cached_property
    def checks(self) -> tuple[StartedCommand, ...]:
        """The command lines of health checks, and of the deployments' hooks."""
        return tuple(self._find_checks())

    def _find_checks(self) -> Iterator[StartedCommand]:
        own = self.lineage.last("HEALTHCHECK")
        if own is not None and not _NO_CHECK.fullmatch(own.instruction.args):
            commands = read_run(own, self.home or "/").invocations
            yield from (StartedCommand(one, own.instruction.line) for one in commands)
        names = self.lineage.final.names()
        for one in self.context.deployments:
            if one.user is None and one.is_of(names):
                yield from (self._by_deployment(words, one) for words in one.checks)

    def _by_deployment(self, words: Sequence[str], by: Deployment) -> StartedCommand:
        line = self._line(words, by.workdir or self.lineage.end.workdir, by.environment)
        return StartedCommand(line, 0, by.place, is_deployed=True)

    def _line(
        self, words: Sequence[str], workdir: str, environment: Sequence[tuple[str, str]] = ()
    ) -> Invocation:
        """A command line that the container runtime starts, with the image's variables."""
        given = shell_variables({**self.lineage.end.variables, **dict(environment)})
        env = {"HOME": self.home or "/", **given}
        return Invocation(parse_words(words), workdir, env, None)

    def _own(self) -> Iterator[tuple[Invocation, Step]]:
        """The command line of the image, and CMD alone, which a script may run as a command."""
        words = [_words(step) for step in self.steps]
        if len(self.steps) == 2 and words[0]:
            line = self._line([*words[0], *words[1]], self.lineage.end.workdir)
            yield line, self.steps[0]
            if line.command.script is not None and parse_words(words[0]).script is None:
                return  # `sh -c`, and CMD is its script
        for step in self.steps:
            yield from ((one, step) for one in read_run(step, self.home or "/").invocations)

    def _follow(
        self, one: StartedCommand, depth: int, commands: list[StartedCommand], unread: list[tuple[str, int]]
    ) -> None:
        commands.append(one)
        here = one.invocation
        if here.command.script is not None:
            variables = number_inner_arguments(here.command, here.env, are_all=False)
            for inner in walk_script(here.command.script, here.cwd, variables):
                started = replace(one, invocation=inner)
                if inner.command.script is not None:  # its commands are walked here too
                    commands.append(started)
                else:
                    self._follow(started, depth, commands, unread)
            return
        for inner in find_listed(here, self.read):
            self._follow(replace(one, invocation=inner), depth, commands, unread)
        for inner in find_recipes(here, self.read) if depth < MAX_DEPTH else ():
            self._follow(replace(one, invocation=inner), depth + 1, commands, unread)
        path = self._started_file(one)
        if path is not None and GLOB.search(path):
            for found in self._texts.find(path):
                self._follow_file(found, one, depth, commands, unread)
        elif path is not None:
            self._follow_file(path, one, depth, commands, unread)
        elif not here.optional and here.command.program in _SOURCING and here.effect("/").root:
            unread.append((" ".join(word.text for word in here.command.args), one.line))

    def _follow_file(
        self,
        path: str,
        one: StartedCommand,
        depth: int,
        commands: list[StartedCommand],
        unread: list[tuple[str, int]],
    ) -> None:
        """Follow the script at a path, which a command runs."""
        here = one.invocation
        if any(path == known for known, _ in unread):
            return
        text = self.read(path) if depth < MAX_DEPTH else None
        if text is None or not is_shell_script(text):
            is_skipped = here.optional and self._texts.lacks(path)
            if text is None and not is_skipped and not self._is_compiled(path):
                unread.append((path, one.line))
            return
        arguments = number_arguments(arguments_of_script(one.command), here.env)
        text = self._with_sourced(text.replace("\r\n", "\n"), path, arguments, here)
        for inner in read_called(text, path, arguments, here):
            self._follow(replace(one, invocation=inner, where=path), depth + 1, commands, unread)

    def _with_sourced(self, text: str, path: str, arguments: Mapping[str, str], caller: Invocation) -> str:
        """The text of a script with the files that it sources, whose functions and variables it may use."""
        for _ in range(_MAX_SOURCED):
            for one in read_called(text, path, arguments, caller):
                command = one.command
                if command.program not in _SOURCING or not text.startswith(_SOURCING, max(command.start, 0)):
                    continue
                found = self._sourced(command, one)
                if found is not None:
                    text = f"{text[: command.start]}{{\n:\n{found}\n}}{text[command.end :]}"
                    break
            else:
                break
        return text

    def _sourced(self, command: Command, one: Invocation) -> str | None:
        """The text of the file that `.` or `source` names, None if it cannot be read."""
        word = script_of_shell(command)
        place = word.expand(one.env) if word is not None else None
        text = (self.read(resolve(place, one.cwd)) or "").replace("\r\n", "\n") if place else ""
        return text if text and is_shell_script(text) and parse_script(text).understood else None

    def _started_file(self, one: StartedCommand) -> str | None:
        """The absolute path, or a pattern, of the application's script or program that a command runs."""
        if (found := self._find_on_path(one.command)) is not None:
            return found
        written = self._named_file(one.command, one.invocation.env)
        if written is None or written.endswith(".py") or "$" in written or is_wrapper(written):
            return None
        is_own = written in self._texts.brought or any(copy.destination == written for copy in self.copies)
        if _PACKAGED.fullmatch(written) and not is_own and self.read(written) is None:
            return None
        if "/" not in written and written.endswith(SCRIPTS):
            by_name = [copy for copy in self.copies if posixpath.basename(copy.destination) == written]
            if by_name:
                return by_name[-1].destination
        return resolve(written, self.lineage.end.workdir)

    def _find_on_path(self, command: Command) -> str | None:
        """The application's file that a bare name refers to, if PATH leads to one."""
        name = command.name.expand(self.lineage.end.variables) if command.name is not None else None
        return self.find_program(name) if name and "/" not in name and "$" not in name else None

    def find_program(self, name: str) -> str | None:
        """The path of the application's file that `name` runs, None if there is none that can be read."""
        end = self.lineage.end
        paths = (resolve(name, end.workdir),) if "/" in name else on_path(name, end.env.get("PATH", ""))
        return next((path for path in paths if self.read(path) is not None), None)

    def _named_file(self, command: Command, env: Mapping[str, str]) -> str | None:
        """The file that a command runs: a path, a script by its name, or the script of a shell."""
        if command.name is None:
            return None
        written = self._expand(command.name, env)
        if is_shell(written) or written in _SOURCING:
            script = script_of_shell(command)
            return None if script is None else self._expand(script, env)
        if written in RUN_PARTS:
            return f"{self._expand(command.args[-1], env)}/*" if command.args else None
        return written if "/" in written or written.endswith(SCRIPTS) else None

    def _expand(self, word: Word, env: Mapping[str, str]) -> str:
        """A word with the variables of the start, as it is written if they do not suffice."""
        variables: Mapping[str, str] = self._variables
        if "$" in word.text:
            own = {name: value for name, value in env.items() if name.isidentifier() and name != "HOME"}
            variables = {**own, **variables}
        return word.expand(variables) or word.text

    @cached_property
    def _variables(self) -> dict[str, str]:
        """The variables of the start; what root starts stands in root's home, and moves from there."""
        end = self.lineage.end
        return {"HOME": "/root" if end.is_root else self.home or "/", **end.variables}

    @cached_property
    def login(self) -> tuple[int, ...]:
        """The lines of the start's login shells (0: a deployment's), which read files of the user's home."""
        starts = [
            (" ".join((*step.before.shell, step.instruction.args)), step.instruction.line)
            for step in self.steps
        ]
        starts += (
            (" ".join((*(by.entrypoint or ()), *(by.command or ()))), 0) for by in self.context.deployments
        )
        scripts = {one.where: one.line for one in self.commands if one.where}
        starts += ((self.read(path) or "", line) for path, line in scripts.items())
        return tuple(line for text, line in starts if "-" in text and _LOGIN.search(text))

    def _is_compiled(self, path: str) -> bool:
        """Whether the program comes from another stage and, by its name, is not a script."""
        if posixpath.splitext(path)[1] in SCRIPTS:
            return False
        return any(is_within(path, copy.destination) and copy.stage is not None for copy in self.copies)

    @cached_property
    def written(self) -> tuple[tuple[str, int], ...]:
        """(path, line) of absolute paths that the start writes to: logs, pid files, sockets, databases."""
        variables = self.lineage.end.variables
        found: list[tuple[str, int]] = []
        for one in self.commands:
            words = [word.expand(variables) or "" for word in one.command.args]
            found += ((match[1] or match[2], one.line) for match in _WRITTEN.finditer(" ".join(words)))
            for redirect in one.command.redirects:
                target = redirect.target.expand(variables)
                if ">" in redirect.operator and target and target.startswith("/"):
                    found.append((target, one.line))
        for step in self.lineage.of("ENV"):
            found += (
                ("/" + match[1], step.instruction.line) for match in _SQLITE.finditer(step.instruction.args)
            )
        found = [(resolve(path, "/"), line) for path, line in found]
        shared = (path for path, _ in found if is_shared(path) or path.startswith(("/dev/", "/proc/")))
        left_out = frozenset(shared)
        return tuple(dict.fromkeys((path, line) for path, line in found if path not in left_out))

    def read(self, path: str) -> str | None:
        """The text of a file of the image: of the build context, a heredoc, a RUN, or an inspected base."""
        return self._texts.read(path)

    @cached_property
    def _texts(self) -> ImageTexts:
        return ImageTexts(self.lineage, self.copies, self.context)


def _standing(*steps: Step | None) -> tuple[Step, ...]:
    """The steps that are there, and not empty."""
    return tuple(step for step in steps if step is not None and step.instruction.args != "[]")


def _words(step: Step) -> tuple[str, ...]:
    """The words that an ENTRYPOINT or CMD adds to the command line; the shell form is passed to the shell."""
    if step.instruction.json is not None:
        return step.instruction.json
    return (*step.before.shell, step.instruction.args) if step.keyword == "CMD" else ()
