"""What commands do to the file system and whether they need root, according to knowledge/commands.toml.

A command that no table covers counts as needing root.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dockfix.knowledge.commands import Argument, Reading, Usage, configures, find_setting, find_usage
from dockfix.knowledge.processes import drops_privileges, process_need
from dockfix.model.finds import SEPARATES, on_chosen, read_alternatives
from dockfix.model.operations import Act, How, Operation, closing, posix_operations
from dockfix.model.paths import NOWHERE, resolve
from dockfix.model.temporaries import find_printed, temporary_operations
from dockfix.syntax.quoting import expand_directory
from dockfix.syntax.script import Feed, Word
from dockfix.syntax.shell import Command
from dockfix.syntax.wrappers import SHELLS, cd_operands

__all__ = ["UNKNOWN_PLACE", "Effect", "drops_privileges", "effect", "process_need", "read_call", "setting"]

UNKNOWN_PLACE: Final = "not understood: where it writes"
_GLOB: Final = re.compile(r"[*?\[{]")
_HARMLESS_TARGET: Final = re.compile(
    r"/dev/(null|zero|tty|stdout|stderr|stdin|fd/\d+|full)|/proc/(self|1)/fd/\d+"
)
_PLACE: Final = re.compile(r"\$\{(\w+):-([^}]{0,200})\}")
_PYTHON: Final = re.compile(r"(?:python|pypy)\d?(?:\.\d+)*")
_SOURCED: Final = re.compile(
    r".*(bin/activate|/\.?(bashrc|profile|bash_profile|zshrc)|nvm\.sh|conda\.sh|setup\.(ba|z)?sh|/env|profile\.d/.*"
    r"|os-release|lsb-release|envvars|devtoolset-\d+/enable|enable)",
    re.DOTALL,
)
# Code that lets `python -c` reach beyond the application's own directories.
_REACHING: Final = re.compile(
    r"subprocess|os\.(system|popen|exec|chown|chmod|symlink|rename|link)|shutil|setuid|['\"]/(?!tmp/)|urlretrieve"
)
# Program paths that can be identified by their name; a script of the application cannot.
_PACKAGED: Final = re.compile(
    r"[^/]+|.*\bs?bin/[^/]+|.*/(configure|Configure|config|gradlew|mvnw|b2|bjam|waf)|.*\.py"
)
_SOCKETS: Final = ("/dev/tcp/", "/dev/udp/")
"""What bash opens as connections instead of files."""
_PROCESSES: Final = (">(", "<(")
"""What bash puts a path of a pipe for."""
_REMOTE: Final = re.compile(r"(?!file:)[a-z][a-z0-9+.-]*://")
_ASKS: Final = frozenset({"--version", "--help", "-V", "-h", "-version", "version", "help"})
_OF_NODE: Final = frozenset({"node", "npm", "npx", "yarn", "pnpm"})
"""What prints its version with `-v`; most other programs work with it, and say more."""
_HERE: Final = Argument(".", ".")
_ACTS: Final = {
    "writes": Act.WRITE,
    "makes": Act.MAKE,
    "removes": Act.REMOVE,
    "edits": Act.REPLACE,
    "owns": Act.TOUCH,
    "times": Act.TOUCH,
    "touches": Act.WRITE,
    "keys": Act.WRITE,
}
_PLACING: Final = frozenset({"enters", "caches", *_ACTS})
_FILE: Final = "file"
# What makes find print anything but the paths that it finds.
_PRINTING: Final = frozenset({"-printf", "-fprintf", "-ls", "-exec", "-execdir", "-delete"})
# The words that end find's starting points.
_FIND_STARTS: Final = ("-", "(", "!", "\\(", "\\!")


@dataclass(frozen=True, slots=True)
class Effect:
    """What a command does; all paths are absolute.

    `root` is the reason why it needs root, "" if it does not. `makes` are directories that it creates
    explicitly (a subset of `writes`), `owns` the paths whose owner alone may do this. `runs_code`: it
    runs the application's or other code, which may write to the working directory and the home. `home`:
    it reads or writes below the home directory. `operations` is the same as a sequence, for the replay.
    """

    root: str = ""
    writes: tuple[str, ...] = ()
    makes: tuple[str, ...] = ()
    owns: tuple[str, ...] = ()
    runs_code: bool = False
    home: bool = False
    operations: tuple[Operation, ...] = ()


def is_remote(place: str) -> bool:
    """Whether a word that may name a path is the address of something elsewhere (`s3://bucket`)."""
    return _REMOTE.match(place) is not None


def effect(command: Command, env: Mapping[str, str], cwd: str, home: str) -> Effect:
    """The effect of one command run in `cwd` with the variables `env`. Never raises."""
    found = _Found(env if "HOME" in env else {**env, "HOME": home}, cwd, home)
    for redirect in command.redirects:
        if ">" in redirect.operator and not (
            redirect.operator.endswith("&") and redirect.target.text.isdecimal()
        ):
            value = redirect.target.expand(found.env)
            found.add("touches", Argument(value, redirect.target.text))
        elif redirect.operator == "<":
            value = redirect.target.expand(found.env)
            if value and not value.startswith(_SOCKETS):
                found.operations.append(Operation(Act.READ, resolve(value, cwd)))
    if command.name is not None and not found.root:
        _read_command(command, found)
    return found.effect()


def setting(command: Command, env: Mapping[str, str]) -> tuple[str, str] | None:
    """(variable, value) with the same effect as what a command configures (`poetry config ...`), or None."""
    if command.name is None or not command.args:
        return None
    if not command.name.text.startswith("$"):
        words = (word.text for word in command.args)
        if not configures((command.name.value or "").rpartition("/")[2], words):
            return None
    program, arguments = read_call(command, env)
    return find_setting(posixpath.basename(program), arguments)


class _Found:
    """Collects the effect of one command."""

    __slots__ = (
        "code", "cwd", "env", "home", "muted", "operations", "packages", "places", "root", "suffix",
        "uses_home",
    )  # fmt: skip

    def __init__(self, env: Mapping[str, str], cwd: str, home: str) -> None:
        self.env, self.cwd, self.home = env, cwd, home
        self.root = self.suffix = ""
        self.code = self.uses_home = self.muted = self.packages = False
        self.operations: list[Operation] = []
        self.places: dict[str, dict[str, None]] = {"writes": {}, "makes": {}, "owns": {}}

    def add(self, role: str, argument: Argument | None) -> None:
        """Record that a place is written, created, owned or entered."""
        value = argument.value if argument is not None else None
        if not value:
            self.root = self.root or (UNKNOWN_PLACE if value is None else "")
            return
        if role == "enters":
            self.cwd = resolve(value, self.cwd)
        elif value != "-" and not is_remote(value) and not value.startswith(_PROCESSES):
            # `rm -r link/` does not remove the link, but what is behind it.
            follows = role == "removes" and value.endswith("/")
            self._add_path(role, resolve(value, self.cwd), follows=follows)

    def _add_path(self, role: str, path: str, *, follows: bool) -> None:
        if _HARMLESS_TARGET.fullmatch(path):
            return
        if not self.muted:
            if role == "edits" and self.suffix:
                self.operations.append(_backup(path, self.suffix))
            how = frozenset({How.CREATES_NOTHING} if role == "times" else {How.FOLLOWS} if follows else ())
            self.operations.append(Operation(_ACTS[role], path, _FILE if role == "touches" else "", how=how))
            if role == "keys":
                self.operations.append(Operation(Act.MODE, path, "0600"))
        role = "writes" if role in ("removes", "edits", "touches", "keys") else role
        role = "owns" if role == "times" else role
        if match := _GLOB.search(path):
            path, role = (
                posixpath.dirname(path[: match.start()]) or "/",
                "writes" if role == "makes" else role,
            )
        self.places[role][path] = None
        if role == "makes":
            self.places["writes"][path] = None

    @property
    def count(self) -> int:
        """The number of places recorded."""
        return sum(map(len, self.places.values()))

    def effect(self) -> Effect:
        """The collected effect."""
        played = tuple(self._played())
        writes, makes, owns = (tuple(self.places[role]) for role in ("writes", "makes", "owns"))
        return Effect(self.root, writes, makes, owns, self.code, self.uses_home, played)

    def _played(self) -> Iterator[Operation]:
        operations = [one for one in self.operations if not _is_lost(one)]
        if len(operations) < len(self.operations):
            self.root = self.root or UNKNOWN_PLACE
        if self.uses_home:
            yield Operation(Act.HOME, self.home)
        if self.root:
            is_known = not self.root.startswith("not understood")
            yield Operation(Act.ROOT if is_known else Act.UNKNOWN, self.cwd, self.root)
        if self.code:
            operations.append(Operation(Act.CODE, self.cwd))
        for one in operations:
            yield one._replace(how=one.how | {How.PACKAGES}) if self.packages else one


def _is_lost(operation: Operation) -> bool:
    """Whether the place of an operation is unknown."""
    to = operation.spec if operation.act in (Act.COPY, Act.MOVE) else ""
    return operation.path == NOWHERE or to.rstrip("/") == NOWHERE


def _backup(path: str, suffix: str) -> Operation:
    """The backup that `sed -i.bak` makes: the original file under another name."""
    if _GLOB.search(path) or "*" in suffix or "?" in suffix:
        return Operation(Act.WRITE, posixpath.dirname(_GLOB.split(path)[0]) or "/")
    return Operation(
        Act.COPY, path, path + suffix, how=frozenset({How.SAME, How.REPLACES, How.AS_NAMED, How.KEEPS_LINKS})
    )


def _read_command(command: Command, found: _Found) -> None:
    if command.script is not None:
        if not command.script.understood:
            found.root = f"not understood: {command.program}"
        return
    if "sudo" in command.via or "doas" in command.via:
        found.root = "uses sudo"
        return
    if drops_privileges(command):
        found.root = "switches the user"
        return
    name, arguments = read_call(command, found.env)
    if not name:
        found.root = f"not understood: {command.program}"
        return
    if posixpath.basename(name) == "mktemp":
        found.operations += temporary_operations(command, found.env, found.cwd)
        return
    if "xargs" in command.via:
        _read_fed(command.feed, name, arguments, found)
    else:
        _read_program(name, arguments, found)
        _read_unnamed(name, arguments, found)


def _read_unnamed(name: str, arguments: Sequence[Argument], found: _Found) -> None:
    """What a command may close or link in a directory, under names that are not known."""
    if not found.root or not any(one.above for one in arguments):
        return
    inside = _Found(found.env, found.cwd, found.home)
    _read_program(
        name, [Argument(f"{one.above}/*", one.text) if one.above else one for one in arguments], inside
    )
    found.operations += (one for one in map(closing, inside.operations) if one is not None)


def _read_fed(feed: Feed | None, name: str, arguments: list[Argument], found: _Found) -> None:
    """Read a command whose operands xargs adds: what find or echo prints, otherwise something unknown."""
    words = [Argument(word.expand(found.env), word.text) for word in feed.words] if feed is not None else []
    printer = words[0].value if words else ""
    mark = feed.placeholder if feed is not None else ""
    if printer == "find" and not {one.text for one in words} & _PRINTING:
        tail = [Argument(name, name), *_with(Argument("{}", "{}"), mark, arguments), Argument("+", "+")]
        _read_find([*_grouped(words[1:]), Argument("-exec", "-exec"), *tail], found)
    elif (printed := _printed(feed, found)) is not None:
        for part in printed if mark else ():
            filled = [one.value and one.value.replace(mark, part) for one in arguments]
            _read_program(name, [Argument(value, value or "") for value in filled], found)
        if not mark:
            _read_program(name, [*arguments, *(Argument(part, part) for part in printed)], found)
    else:
        arguments = _with(Argument(None, ""), mark, arguments)
        _read_program(name, arguments, found)
        _read_unnamed(name, arguments, found)


def _printed(feed: Feed | None, found: _Found) -> list[str] | None:
    """The words that echo, printf or mktemp prints, None if they are not known."""
    if feed is None:
        return None
    program, *texts = [word.expand(found.env) for word in feed.words]
    if program == "mktemp":
        return [find_printed(feed.words, found.env, found.cwd)]
    if program == "printf" and texts[:1] and texts[0] in _LISTS:
        texts = texts[1:]
    elif program != "echo":
        return None
    known = [one for one in texts if one is not None and not one.startswith("-")]
    return [part for one in known for part in one.split()] if len(known) == len(texts) else None


_LISTS: Final = ("%s\\n", "%s ", "%s\\0")
"""The formats with which printf prints its words one after the other."""


def _grouped(words: Sequence[Argument]) -> list[Argument]:
    """The words of a find, with its alternatives in parentheses: xargs gets what any of them selects."""
    texts = [one.value or one.text for one in words]
    at = next((index for index, text in enumerate(texts) if text.startswith(_FIND_STARTS)), len(texts))
    if SEPARATES.isdisjoint(texts[at:]):
        return list(words)
    return [*words[:at], Argument("(", "("), *words[at:], Argument(")", ")")]


def _with(fed: Argument, placeholder: str, arguments: Sequence[Argument]) -> list[Argument]:
    """The arguments with a path in the placeholder's stead, or behind them.

    What only ends in the path is somewhere else.
    """
    if not placeholder:
        return [*arguments, fed]
    return [
        fed
        if one.text.startswith(placeholder)
        else _elsewhere(one, placeholder)
        if placeholder in one.text
        else one
        for one in arguments
    ]


def _elsewhere(argument: Argument, placeholder: str) -> Argument:
    """A word that ends in what is put in the placeholder's stead."""
    beginning = (argument.value or "").partition(placeholder)[0]
    return Argument(None, argument.text, beginning.rpartition("/")[0])


def read_call(command: Command, env: Mapping[str, str]) -> tuple[str, list[Argument]]:
    """(program, arguments) of a command; an unquoted variable is split into its words.

    The program is "" if it is unknown, or if every word is an empty variable.
    """
    if command.name is None:
        return "", []
    words = expand_words((command.name, *command.args), env)
    return (words[0].value or "", words[1:]) if words else ("", [])


def expand_words(words: Iterable[Word], env: Mapping[str, str]) -> list[Argument]:
    """The words as a shell splits them; all arguments of a script or function in the place of `"$@"`."""
    found: list[Argument] = []
    for word in words:
        value = word.expand(env)
        if word.text in ALL_ARGUMENTS and "#" in env:
            found += _given(env)
        elif value is not None and word.text.startswith("$") and (" " in value or not value):
            found += (Argument(part, part) for part in value.split())
        else:
            above = expand_directory(word.text, env) if value is None else ""
            found.append(Argument(value, word.text, above))
    return found


ALL_ARGUMENTS: Final = frozenset({"$@", '"$@"', "${@}", '"${@}"', "$*"})


def _given(env: Mapping[str, str]) -> Iterator[Argument]:
    """The arguments of a script or function, as far as they are known."""
    for number in map(str, range(1, int(env["#"]) + 1)):
        yield Argument(env.get(number), f"${number}")


def asks_about(program: str, words: Sequence[str]) -> bool:
    """Whether a program only prints its version or its help, or the help of its subcommand."""
    if len(words) == 1:
        return words[0] in _ASKS or (words[0] == "-v" and program in _OF_NODE)
    if words[-1:] != ["--help"] or program in SHELLS or _PYTHON.fullmatch(program):
        return False
    return all(re.fullmatch(r"[a-z][a-z0-9_-]*", word) for word in words[:-1])


def _read_program(name: str, arguments: list[Argument], found: _Found) -> None:
    program = posixpath.basename(name)
    last = arguments[-1].value if arguments else ""
    if last in _ASKS and asks_about(program, [one.value or "" for one in arguments]):
        return
    if _PYTHON.fullmatch(program):
        _read_python(program, arguments, found)
    elif program in (".", "source"):
        _read_sourced(arguments, found)
    elif program == "find":
        _read_find(arguments, found)
    elif program in ("cd", "pushd"):
        places = cd_operands(arguments)
        target = places[0].value if places else found.env["HOME"]
        if target and target != "-":
            found.operations.append(Operation(Act.ENTER, resolve(target, found.cwd)))
    elif _PACKAGED.fullmatch(name) and (matched := find_usage(program, arguments, found.env)):
        _apply(program, *matched, found)
    else:
        found.root = f"not understood: {program}"


def _apply(program: str, usage: Usage, reading: Reading, found: _Found) -> None:
    """Record what a table row says about the words that were parsed with it."""
    found.root = found.root or usage.root
    found.packages = found.packages or usage.packages
    roles = [(usage.role(name), name, value) for name, value in reading.options]
    if any(role == "harmless" for role, _, _ in roles):
        found.root = ""
        return
    before = found.count
    if usage.posix:
        found.operations += posix_operations(usage.posix, reading, found.cwd)
        found.muted = True
    for role, name, value in sorted(roles, key=lambda row: row[0] != "enters"):
        _apply_option(f"{program} {name}", role, value, found)
    is_placed = any(role in ("writes", "makes") for role, _, _ in roles)
    _apply_operands(usage, reading, found, is_placed=is_placed)
    for path in usage.find_redirects(reading):
        found.add("touches", Argument(path, path))
    if usage.default and not is_placed and (usage.code or found.count == before):
        found.add("writes", _default_place(usage.default, reading))
    # A system-wide option writes nothing to the places that the table names.
    for place in usage.places if not found.root else ():
        found.add("writes", Argument(_expand_place(place, found), place))
    found.muted = False
    found.code = found.code or (usage.code and not found.root)
    found.uses_home = found.uses_home or usage.home


def _apply_option(written: str, role: str, value: Argument | None, found: _Found) -> None:
    """Record what an option means; `written` is the program and the option."""
    if role == "root":
        found.root = written
    elif role == "cwd":
        found.add("writes", _HERE)
    elif role in _PLACING:
        found.add("writes" if role == "caches" else role, value)
    elif role == "suffix" and value is not None:
        found.suffix = value.value or "?"
    found.uses_home = found.uses_home or role == "home"


def _apply_operands(usage: Usage, reading: Reading, found: _Found, *, is_placed: bool) -> None:
    operands = list(reading.operands)
    if usage.first and operands and not reading.has(usage.first_unless):
        first = operands.pop(0)
        if usage.first != "skip":
            found.add(usage.first, first)
    if usage.last and operands and not is_placed:
        last = operands.pop()
        found.add(usage.last, last if operands else _own_name(last))
    if usage.operands:
        for operand in operands:
            found.add(usage.operands, operand)


def _own_name(only: Argument) -> Argument:
    """The path of a lone operand (`ln -s /a/b`): its basename, in the working directory."""
    return Argument(posixpath.basename(only.value.rstrip("/")) if only.value else None, only.text)


def _default_place(default: str, reading: Reading) -> Argument:
    first = reading.operands[0].value if reading.operands else None
    if default == "cwd" or not first:
        return _HERE
    name = posixpath.basename(first.rstrip("/")).removesuffix(".git")
    return Argument(name or ".", name)


def _expand_place(place: str, found: _Found) -> str:
    """A place of the table, with `${VARIABLE:-default}` and `~` expanded."""
    expanded = _PLACE.sub(lambda match: found.env.get(match[1]) or match[2], place)
    return found.home + expanded[1:] if expanded.startswith("~") else expanded


def _read_python(program: str, arguments: list[Argument], found: _Found) -> None:
    at = 0
    while (
        at < len(arguments)
        and (text := arguments[at].value or arguments[at].text).startswith("-")
        and text != "-"
    ):
        at += 1
        if text in ("--version", "-V", "-VV", "-h", "--help"):
            return
        if text.startswith("-m") or text == "-c":
            break
        at += text in ("-W", "-X")
    else:
        text = ""
    rest = arguments[at:]
    if text == "-c":
        source = rest[0].value if rest else None
        if source is None or _REACHING.search(source):
            found.root = f"not understood: {program} -c"
        found.code = found.uses_home = True
        return
    if text.startswith("-m") and text != "-m":
        rest.insert(0, Argument(text[2:], text[2:]))
    name = rest[0].value if rest else None
    # What they write is the environment that they are given.
    found.code = name not in ("venv", "virtualenv")
    if not name:
        found.root = f"not understood: {program}"
        return
    _read_program(name, rest[1:], found)
    if found.root.startswith("not understood"):
        found.root = f"not understood: {program} {posixpath.basename(name)}"
    elif found.root and text.startswith("-m"):
        # A module of the table that installs for all users runs no code of the application's.
        found.code = False


def _read_sourced(arguments: Sequence[Argument], found: _Found) -> None:
    path = arguments[0].value or arguments[0].text.strip("\"'") if arguments else ""
    if not _SOURCED.fullmatch(f"/{path}"):
        found.root = f"not understood: source {path}"


def _read_find(arguments: Sequence[Argument], found: _Found) -> None:
    """Read a find command: -delete and the commands behind -exec work on its starting points."""
    words = [argument.value or argument.text for argument in arguments]
    at = next((index for index, word in enumerate(words) if word.startswith(_FIND_STARTS)), len(words))
    starts = [_placed(one, found.cwd) for one in arguments[:at] or [_HERE]]
    for start in starts:
        if start.value:
            place = resolve(start.value, found.cwd)
            found.operations.append(Operation(Act.READ, place, recursive=True, kind="directory"))
    for start_at, end_at, chosen in read_alternatives(words[at:]):
        before = len(found.operations)
        _read_actions(arguments[at + start_at : at + end_at], starts, found)
        operations = found.operations[before:]
        found.operations[before:] = [after for one in operations for after in on_chosen(one, chosen)]


def _placed(start: Argument, cwd: str) -> Argument:
    """A starting point as an absolute path, as far as it is known."""
    return Argument(resolve(start.value, cwd), start.text) if start.value else start


def _read_actions(arguments: Sequence[Argument], starts: Sequence[Argument], found: _Found) -> None:
    """Record what one alternative of find does to its starting points."""
    words = [argument.value or argument.text for argument in arguments]
    if "-delete" in words:
        for start in starts:
            found.add("removes", start)
    for index, word in enumerate(words):
        if word in ("-exec", "-execdir", "-ok"):
            cwd = found.cwd
            # -execdir works in the directory of each file.
            found.cwd = NOWHERE if word == "-execdir" else cwd
            is_known = _run_by_find(arguments[index + 1 :], words[index + 1 :], starts, found)
            found.cwd = cwd
            if not is_known:
                found.root = "not understood: find -exec"
                return
        elif word in ("-fprint", "-fls", "-fprintf"):
            found.root = "not understood: find"


def _run_by_find(
    arguments: Sequence[Argument], words: Sequence[str], starts: Sequence[Argument], found: _Found
) -> bool:
    """Read the command behind -exec, once per starting point; return whether it is known."""
    end = next((index for index, word in enumerate(words) if word in (";", "\\;", "+")), len(words))
    inner = arguments[:end]
    if not inner or not inner[0].value:
        return False
    for start in starts:
        filled = _with(start, "{}", inner[1:])
        _read_program(inner[0].value, filled, found)
    return True
