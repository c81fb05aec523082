"""The options and operands of the commands that create accounts and groups."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from dockfix.knowledge import read_names
from dockfix.syntax.shell import Command
from dockfix.syntax.words import is_number

CREATORS: Final = ("useradd", "adduser")
GROUP_CREATORS: Final = ("groupadd", "addgroup")
ACCOUNT_CHANGERS: Final = ("usermod", "userdel", "deluser")
_JOINED: Final = re.compile(r"-(\w*)([ug])(\d+)")
"""A number without a space before it: `-u1000`, `-ou0`."""
ACCOUNT_COMMANDS: Final = frozenset({*CREATORS, *GROUP_CREATORS, *ACCOUNT_CHANGERS, "groupmod", "gpasswd"})


def parse_options(command: Command, env: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """(options with their values, operands) of an account command; an option without a value maps to ""."""
    options: dict[str, str] = {}
    operands: list[str] = []
    key = ""
    for word in command.args:
        text = word.expand(env) or word.text
        if key:
            options[key], key = text, ""
        elif (joined := _JOINED.fullmatch(text)) is not None:
            options |= {"-" + joined[1]: "", "-" + joined[2]: joined[3]}
        elif text.startswith("-") and len(text) > 1:
            name, equals, value = text.partition("=")
            options[name] = value
            key = name if name in _valued() and not equals else _clustered(name)
        else:
            operands.append(text)
    return options, operands


def _valued() -> frozenset[str]:
    return read_names("commands", "valued", "account")


def _clustered(option: str) -> str:
    """The last option of a cluster (`-ms /bin/sh`, `-mu 1000`) if it takes the next word, else ""."""
    if option.startswith("--") or len(option) < 3:
        return ""
    return "-" + option[-1] if "-" + option[-1] in _valued() else ""


def first_of(options: dict[str, str], *names: str) -> str:
    """The value of the first of these options that has one, else ""."""
    return next((options[name] for name in names if options.get(name)), "")


def to_number(text: str) -> int | None:
    """The number that a text is, None for a name."""
    return int(text) if is_number(text) else None


class AccountChange(NamedTuple):
    """A new home of an account, whose files are moved with `is_moved`.

    `is_removed`: the account itself is removed, `is_gone`: its home is. `login` is its new name.
    `uid` and `group` are new ones: what the account has in its home goes with them (usermod(8)).
    """

    name: str
    home: str = ""
    is_moved: bool = False
    is_gone: bool = False
    is_removed: bool = False
    uid: int | None = None
    group: str = ""
    login: str = ""


def read_account_change(command: Command, env: Mapping[str, str]) -> AccountChange | None:
    """What one of ACCOUNT_CHANGERS does (`usermod -d HOME -m`, `userdel -r`); None: unknown whose."""
    program = command.program.rpartition("/")[2]
    options, operands = parse_options(command, env)
    short = "".join(key[1:] for key in options if not key.startswith("--"))
    if not operands:
        return None
    if program == "usermod":
        return AccountChange(
            operands[-1],
            first_of(options, "-d", "--home", "-md"),
            is_moved="m" in short or "--move-home" in options,
            uid=to_number(first_of(options, "-u", "--uid", "-ou")),
            group=first_of(options, "-g", "--gid"),
            login=_new_login(options, operands),
        )
    is_gone = "r" in short or not {"--remove", "--remove-home"}.isdisjoint(options)
    # `deluser NAME GROUP` only leaves the group.
    return AccountChange(operands[0], is_gone=is_gone, is_removed=len(operands) == 1)


def _new_login(options: dict[str, str], operands: list[str]) -> str:
    """The new name that usermod gives an account; with useradd, `-l` takes no value."""
    is_apart = len(operands) > 1 and not {"-l", "--login"}.isdisjoint(options)
    return operands[0] if is_apart else first_of(options, "--login")


def read_group_number(command: Command, env: Mapping[str, str]) -> tuple[str, int] | None:
    """(group, its new number) of `groupmod -g`, which leaves files as they are."""
    if command.program.rpartition("/")[2] != "groupmod":
        return None
    options, operands = parse_options(command, env)
    gid = to_number(first_of(options, "-g", "--gid", "-og"))
    return (operands[-1], gid) if operands and gid is not None else None


def read_number(command: Command, env: Mapping[str, str]) -> tuple[str, int] | None:
    """(account, number) of a command that gives an account, new or not, a number."""
    program = command.program.rpartition("/")[2]
    if program not in (*CREATORS, "usermod"):
        return None
    options, operands = parse_options(command, env)
    number = to_number(first_of(options, "-u", "--uid", "-ou"))
    if not operands or number is None:
        return None
    return operands[0 if program in CREATORS else -1], number
