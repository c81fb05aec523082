"""The operations of one command for a given identity, from the command and home tables and pip's rules."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from dockfix.knowledge.commands import Argument
from dockfix.knowledge.homes import HomeUse, find_home_use, find_kind
from dockfix.model.effects import read_call
from dockfix.model.environments import virtual_place
from dockfix.model.filetree import START
from dockfix.model.operations import Act, How, Operation
from dockfix.model.paths import resolve
from dockfix.model.permissions import Identity
from dockfix.model.pip import is_virtual
from dockfix.model.runs import Invocation
from dockfix.syntax.wrappers import is_shell

_PACKAGES: Final = frozenset({How.PACKAGES})
_OF_ENVIRONMENTS: Final = frozenset({"uv", "pipx"})
"""Installers that give each program an environment of its own (docs.astral.sh, Tools; pypa/pipx README)."""
SITE: Final = "/usr/local/lib/python"
"""Stands for the site-packages directory of root's pip, whatever its real path."""
_INTERACTIVE: Final = Argument("-i", "-i")
_PLAIN: Final = re.compile(r"[A-Za-z0-9][\w+-]*")
# Characters that rule out a file name in a command: those of patterns, lists and URLs.
_VERSION: Final = re.compile(r"[\d.]+")
_NO_PATH: Final = frozenset("*?[]{}<>|;&()$`'\"\n\t:,@%")


def named_files(one: Invocation, who: Identity) -> tuple[tuple[str, bool], ...]:
    """(path, whether it looks like one) of the words that may name a file the command does not change."""
    key = ("files", who.home, who.is_root)
    found = one.remembered.get(key)
    if found is None:
        found = one.remembered[key] = tuple(_find_named_files(one, who))
    return found


def _find_named_files(one: Invocation, who: Identity) -> Iterator[tuple[str, bool]]:
    changed = {operation.path for operation in operations_of(one, who)}
    env = {**one.env, "HOME": who.home}
    for word in one.command.args:
        if _PLAIN.fullmatch(word.text):
            path = f"{one.cwd.rstrip('/')}/{word.text}"
            if path not in changed:
                yield path, False
            continue
        value = word.expand(env) or ""
        value = value.partition("=")[2] if value.startswith("-") else value
        if not value or set(value) & _NO_PATH:
            continue
        path = resolve(value, one.cwd)
        if path not in changed:
            # A sentence can contain a dot or a slash too.
            yield path, bool(set(value) & set("./")) and " " not in value and not _VERSION.fullmatch(value)


def operations_of(one: Invocation, who: Identity) -> tuple[Operation, ...]:
    """The operations of one command, with `~` and HOME of the identity that runs it; cached."""
    key = ("operations", who.home, who.is_root)
    found = one.remembered.get(key)
    if found is None:
        found = one.remembered[key] = tuple(_operations(one, who))
    return found


def _operations(one: Invocation, who: Identity) -> Iterator[Operation]:
    if one.pip is not None and one.pip.installs:
        yield from (one for one in _home_operations(one, who) if one.act is Act.HOME)
        yield from _pip_operations(one, who)
        return
    for operation in one.effect(who.home).operations:
        if operation.act is Act.HOME:
            yield from _home_operations(one, who)
        elif operation.act is Act.ROOT:
            yield from (operation, *_data_left(one, who))
        elif one.optional and How.NEW in operation.how:
            yield operation._replace(how=operation.how - {How.NEW})
        else:
            yield operation


def _data_left(one: Invocation, who: Identity) -> Iterator[Operation]:
    """The programs and data that an installer for all users still puts into the home of whoever runs it."""
    use = home_use(one, who)
    makes_environments = any(word.text in _OF_ENVIRONMENTS for word in one.command.words[:3])
    how = _PACKAGES if makes_environments else frozenset()
    for place in use.writes if use is not None else ():
        if find_kind(place) == "data":
            yield Operation(Act.WRITE, in_home(place, home_of(one, who.home), one.cwd), how=how)


def _home_operations(one: Invocation, who: Identity) -> Iterator[Operation]:
    """What a tool reads and writes in the home, from the homes table; the whole home if it is not listed."""
    use = home_use(one, who)
    if use is None:
        yield Operation(Act.HOME, home_of(one, who.home))
        return
    home = home_of(one, who.home)
    for place in use.reads:
        yield Operation(Act.HOME, in_home(place, home, one.cwd))
    for place in use.existing:
        yield Operation(Act.WRITE, in_home(place, home, one.cwd), how=frozenset({How.EXISTING}))
    otherwise = frozenset({How.OTHERWISE} if use.existing else ())
    for place in use.writes:
        yield Operation(Act.WRITE, in_home(place, home, one.cwd), how=otherwise)


def home_use(one: Invocation, who: Identity) -> HomeUse | None:
    """How a command's program, or the module that Python runs, uses the home.

    None if no table row matches.
    """
    name, arguments = read_call(one.command, {**one.env, "HOME": who.home})
    program = posixpath.basename(name)
    if program.startswith(("python", "pypy")) and arguments and arguments[0].value == "-m":
        program, arguments = (arguments[1].value or "" if len(arguments) > 1 else ""), arguments[2:]
    return find_home_use(program, arguments, one.env)


def home_of(one: Invocation, home: str) -> str:
    """Where `~` leads for a command: to the `home` of whoever runs it, unless `HOME=` stands before it."""
    for name, word in one.command.assignments:
        if name == "HOME" and (given := word.expand(one.env) or "").startswith("/"):
            return given
    return home


def in_home(place: str, home: str, cwd: str) -> str:
    """The absolute path of an entry of homes.toml."""
    return resolve(home + place[1:] if place.startswith("~") else place, cwd)


def started_operations(
    one: Invocation, who: Identity, *, is_read: bool, calls: bool = False
) -> Iterator[Operation]:
    """The operations of a command of the start; an unknown program uses its working directory and home.

    With `is_read`, the sources were read and their writes are known, so none are assumed here. With
    `calls`, it is a script that was read. Programs that cannot run without root are refused before any
    replay.
    """
    if calls or is_shell(one.command.program):
        # The commands of a script follow.
        yield from () if calls else _settings_of_bash(one, who)
        return
    how = frozenset({How.READ_OUT} if is_read else ())
    for operation in operations_of(one, who):
        assumed = operation.path == one.cwd and operation.act in (Act.UNKNOWN, Act.CODE, Act.WRITE)
        if operation.act in (Act.UNKNOWN, Act.CODE):
            yield Operation(Act.HOME, who.home, START, others=_named_places(one), how=how)
        if assumed and is_read:
            continue
        if operation.act is Act.UNKNOWN:
            yield Operation(Act.CODE, one.cwd)
        elif operation.act is Act.HOME and operation.path == who.home:
            yield operation._replace(spec=START, others=_named_places(one), how=how)
        elif operation.act is not Act.ROOT:
            yield operation


def _settings_of_bash(one: Invocation, who: Identity) -> Iterator[Operation]:
    """The reading of its user's settings by a bash that is started without a script."""
    name, arguments = read_call(one.command, {**one.env, "HOME": who.home})
    is_bash = posixpath.basename(name) == "bash" and one.command.script is None
    if is_bash and all(each.text.startswith("-") for each in arguments):
        use = find_home_use("bash", (*arguments, _INTERACTIVE), one.env)
        for place in use.reads if use is not None else ():
            yield Operation(Act.HOME, in_home(place, home_of(one, who.home), one.cwd))


def _named_places(one: Invocation) -> tuple[str, ...]:
    """The paths that variables hold: where data is looked for that a variable moves out of a home."""
    named = ((name, value) for name, value in one.env.items() if name.isidentifier())
    return tuple(value for _, value in named if value.startswith("/") and ":" not in value)


def _pip_operations(one: Invocation, who: Identity) -> Iterator[Operation]:
    """The operations of a pip call: it installs to a virtual environment, a home or system-wide."""
    pip = one.pip
    assert pip is not None
    if is_virtual(pip.command.program, one.env):
        place = virtual_place(pip, one)
        place = resolve(place, one.cwd) if place else ""
        yield (
            Operation(Act.INSTALL, place, how=_PACKAGES)
            if place
            else Operation(Act.UNKNOWN, one.cwd, "where pip installs")
        )
    elif pip.chooses_place:
        yield Operation(Act.UNKNOWN, one.cwd, "installs to a location of its own")
    elif pip.is_user_install or not who.is_root:
        base = one.env.get("PYTHONUSERBASE") or f"{home_of(one, who.home)}/.local"
        yield Operation(Act.INSTALL, resolve(base, one.cwd))
    else:
        yield Operation(Act.INSTALL, SITE)
